"""Neural networks run by OpenVINO on one core. Each is compiled once a process and shared by its threads.

OpenVINO is the fastest of OpenCV, ONNX Runtime and OpenVINO; with AVX-512 BF16 twice as fast, as it then computes in
bfloat16. An embedding's cosine with the one that OpenCV computes is 0.9999.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino  # type: ignore[import-untyped]

import process_memory
from faces.engine import EngineUnavailable
from faces.weights import checked, unpacked

OPTIONS = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
# What a network may take of memory for a size of input that it has not had before: 86 MB for a photo, 125 for faces.
SCRATCH_BYTES = 128 * 1024 * 1024
FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

_lock = threading.Lock()
_compiled: dict[tuple[Path, tuple[int, ...]], openvino.CompiledModel] = {}


def _compile(path: Path, shape: tuple[int, ...]) -> openvino.CompiledModel:
    with _lock:
        if (path, shape) not in _compiled:
            try:
                core = openvino.Core()
                model = core.read_model(unpacked(checked(path)), b"")
                model.reshape(list(shape))
                _compiled[path, shape] = core.compile_model(model, "CPU", OPTIONS)
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[-1]
                raise EngineUnavailable(f"{path.name} does not load: {reason}") from error
        return _compiled[path, shape]


class Network:
    """One network for one thread. Its input is (n, channels, height, width), float32."""

    def __init__(self, path: Path, shape: Sequence[int]) -> None:
        """Compile the weights at `path` for inputs of `shape`, unless this process has; -1 leaves a length open.

        Raises:
            EngineUnavailable: the file is missing, damaged or does not load.
        """
        self._request: Any = _compile(path, tuple(shape)).create_infer_request()

    def run(self, batch: FloatArray) -> dict[str, FloatArray]:
        """Return the outputs by name; an output with several names is listed under each.

        Raises:
            MemoryError: there is not enough memory. OpenVINO then finds nothing, or returns fewer rows.
        """
        if process_memory.left() < SCRATCH_BYTES:
            raise MemoryError("there is too little memory left for the network")
        answers = self._request.infer([np.ascontiguousarray(batch, np.float32)])
        found = {}
        for output, value in answers.items():
            if len(value) != len(batch):
                raise MemoryError("the network has no answer for some of its input")
            found.update(dict.fromkeys(output.names, np.array(value, np.float32)))
        return found
