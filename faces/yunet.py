"""Input and output of YuNet. For each point of three grids it gives scores, a box and five landmarks of a face.

Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from faces.networks import FloatArray

# Distance of a grid's points in px.
STRIDES = (8, 16, 32)
# Lowest score of a face. On events of 60 guests, F1 is the same from 0.6 to 0.85; at 0.9 real faces are lost.
SCORE_THRESHOLD = 0.7
# Overlap (intersection over union) from which two boxes are the same face: the default of OpenCV's FaceDetectorYN.
NMS_THRESHOLD = 0.3
# Most candidates before boxes of the same face are merged.
TOP_K = 2000


def input_of(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> FloatArray:
    """Return the input (1, 3, height, width), float32, of a BGR image, padded with black to multiples of 32 px."""
    height, width = image.shape[:2]
    full = cv2.copyMakeBorder(
        image, 0, -height % STRIDES[-1], 0, -width % STRIDES[-1], cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    return np.asarray(cv2.dnn.blobFromImage(full), np.float32)


def _of_stride(answers: Mapping[str, FloatArray], stride: int, columns: int, lowest: float) -> FloatArray:
    """Return the faces of one grid with a score of at least `lowest`, (n, 15), in the columns of `faces_of`."""
    likely, whole = (answers[f"{name}_{stride}"].reshape(-1).clip(0, 1) for name in ("cls", "obj"))
    scores = np.sqrt(likely * whole)
    found = np.flatnonzero(scores >= lowest)
    points = np.stack((found % columns, found // columns), axis=1).astype(np.float32)
    boxes = answers[f"bbox_{stride}"].reshape(-1, 4)[found]
    landmarks = answers[f"kps_{stride}"].reshape(-1, 5, 2)[found]
    size = np.exp(boxes[:, 2:])
    corner = points + boxes[:, :2] - size / 2
    marks = (landmarks + points[:, None]).reshape(-1, 10)
    return np.hstack((np.hstack((corner, size, marks)) * stride, scores[found, None])).astype(np.float32)


def faces_of(answers: Mapping[str, FloatArray], input_width: int, lowest: float = SCORE_THRESHOLD) -> FloatArray:
    """Return the faces with a score of at least `lowest` by descending score, (n, 15), in px of the input.

    Columns: x, y, width, height, five landmarks (x, y), score.
    """
    rows = np.concatenate([_of_stride(answers, stride, input_width // stride, lowest) for stride in STRIDES])
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), lowest, NMS_THRESHOLD, 1.0, TOP_K)
    return rows[np.asarray(kept, np.intp).reshape(-1)]
