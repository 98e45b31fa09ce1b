"""Shapes, limits and errors of the Face REST API v1.0, as Microsoft's public reference gives them."""

import hashlib
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from faces.engine import Embeddings, LocatedFace

SMALLEST_FACE, MOST_FACES = 36, 100
SMALLEST_PICTURE, LARGEST_PICTURE = 1024, 6 * 1024 * 1024
# A cosine of the local engine from which two faces are the same person is a confidence of 0.5 here.
SAME_PERSON_COSINE, STEEPNESS = 0.40, 14.0
# By how much the confidence of one direction may differ from the other's: the reference promises no symmetry.
ASYMMETRY = 0.02
# The first five are those that our engines find.
LANDMARKS = (
    *("pupilLeft", "pupilRight", "noseTip", "mouthLeft", "mouthRight", "eyebrowLeftOuter", "eyebrowLeftInner"),
    *("eyeLeftOuter", "eyeLeftTop", "eyeLeftBottom", "eyeLeftInner", "eyebrowRightInner", "eyebrowRightOuter"),
    *("eyeRightInner", "eyeRightTop", "eyeRightBottom", "eyeRightOuter", "noseRootLeft", "noseRootRight"),
    *("noseLeftAlarTop", "noseRightAlarTop", "noseLeftAlarOutTip", "noseRightAlarOutTip", "upperLipTop"),
    *("upperLipBottom", "underLipTop", "underLipBottom"),
)


class Refused(Exception):
    """The service refuses a call: status, code and message of the answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def confidence(query: Embeddings, other: Embeddings) -> float:
    """Return the confidence of a comparison; the other direction's is a little different."""
    cosine = float(query.astype(np.float64) @ other.astype(np.float64))
    turn = hashlib.sha256(query.tobytes() + other.tobytes()).digest()[0] / 255 - 0.5
    confidence = 1 / (1 + math.exp(-STEEPNESS * (cosine - SAME_PERSON_COSINE))) + ASYMMETRY * turn
    return round(min(1.0, max(0.0, confidence)), 5)


def check_models(query: dict[str, str]) -> None:
    """Refuse models that the reference does not name."""
    if query.get("recognitionModel", "recognition_01") not in {f"recognition_0{n}" for n in range(1, 5)}:
        raise Refused(400, "BadArgument", "'recognitionModel' is invalid.")
    if query.get("detectionModel", "detection_01") not in {f"detection_0{n}" for n in range(1, 4)}:
        raise Refused(400, "BadArgument", "'detectionModel' is invalid.")


def rectangle(face: LocatedFace) -> dict[str, int]:
    """Return where a face is, in whole px."""
    names = ("left", "top", "width", "height")
    return {name: round(value) for name, value in zip(names, face.box, strict=True)}


def landmarks(face: LocatedFace) -> dict[str, dict[str, float]]:
    """Return 27 points: the five that an engine of ours finds, and the others at one of them."""
    own = [{"x": round(float(x), 1), "y": round(float(y), 1)} for x, y in face.landmarks]
    return {name: own[min(place, 4)] for place, name in enumerate(LANDMARKS)}


def targeted(faces: list[LocatedFace], target: str | None) -> LocatedFace:
    """Return the face in the rectangle `target` (left,top,width,height), or the only one."""
    if target is None and len(faces) > 1:
        raise Refused(400, "InvalidImage", "There is more than 1 face in the image.")
    try:
        left, top, width, height = (int(value) for value in target.split(",")) if target else (0, 0, 10**6, 10**6)
    except ValueError:
        raise Refused(400, "BadArgument", "Invalid argument targetFace.") from None
    for face in faces:
        middle = (face.box[0] + face.box[2] / 2, face.box[1] + face.box[3] / 2)
        if left <= middle[0] <= left + width and top <= middle[1] <= top + height:
            return face
    raise Refused(400, "InvalidImage", "No face detected in the image.")


def page(names: dict[str, Any], query: dict[str, str]) -> list[str]:
    """Return the names after `start` in their order, `top` of them."""
    top = int(query.get("top", "1000"))
    if not 1 <= top <= 1000:
        raise Refused(400, "BadArgument", "'top' is invalid.")
    start = query.get("start", "")
    return [each for each in sorted(names) if each > start][:top]


def now() -> str:
    """Return the time as the service tells it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
