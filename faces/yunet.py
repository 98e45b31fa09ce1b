"""YuNet's answers read: at each point of three grids how likely a face is there, where its box is and its landmarks.

Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from faces.networks import FloatArray

STRIDES = (8, 16, 32)
# On events of 60 guests F1 is the same from 0.6 to 0.85; at 0.9 real faces are lost.
SCORE_THRESHOLD = 0.7
NMS_THRESHOLD = 0.3
TOP_K = 2000


def input_of(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> FloatArray:
    """Return the (1, 3, height, width) input of a BGR picture, filled up with black to multiples of 32 px."""
    height, width = image.shape[:2]
    full = cv2.copyMakeBorder(
        image, 0, -height % STRIDES[-1], 0, -width % STRIDES[-1], cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    return np.asarray(cv2.dnn.blobFromImage(full), np.float32)


def _of_stride(answers: Mapping[str, FloatArray], stride: int, columns: int) -> FloatArray:
    """Return the likely faces of one grid as rows of x, y, width, height, five landmarks, score."""
    likely, whole = (answers[f"{name}_{stride}"].reshape(-1).clip(0, 1) for name in ("cls", "obj"))
    scores = np.sqrt(likely * whole)
    found = np.flatnonzero(scores >= SCORE_THRESHOLD)
    points = np.stack((found % columns, found // columns), axis=1).astype(np.float32)
    boxes = answers[f"bbox_{stride}"].reshape(-1, 4)[found]
    landmarks = answers[f"kps_{stride}"].reshape(-1, 5, 2)[found]
    size = np.exp(boxes[:, 2:])
    corner = points + boxes[:, :2] - size / 2
    marks = (landmarks + points[:, None]).reshape(-1, 10)
    return np.hstack((np.hstack((corner, size, marks)) * stride, scores[found, None])).astype(np.float32)


def faces_of(answers: Mapping[str, FloatArray], input_width: int) -> FloatArray:
    """Return the faces, (n, 15), the surest first: x, y, width, height, five landmarks (x, y), score; in px."""
    rows = np.concatenate([_of_stride(answers, stride, input_width // stride) for stride in STRIDES])
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), SCORE_THRESHOLD, NMS_THRESHOLD, 1.0, TOP_K)
    return rows[np.asarray(kept, np.intp).reshape(-1)]
