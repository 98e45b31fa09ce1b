"""The dlib engine: a HOG detector, five landmarks and a ResNet embed faces as the package `face_recognition` does.

dlib holds the interpreter's lock while it computes (about 80 ms for an embedding): only a process that answers no
requests may load this module. The model files are those of the package `face_recognition_models`, which is not
imported; its file of 68 landmarks, whose licence excludes commercial use, is not read.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import dlib
import numpy as np

from faces.boxes import TURNS, moved, rotated, turned_back, within
from faces.engine import (
    SURE,
    BgrImage,
    DetectedFace,
    Embeddings,
    EngineUnavailable,
    Landmarks,
    LocatedFace,
    find_portrait,
    padded,
    with_embeddings,
)
from faces.files import checked, package_folder

ENGINE_ID = "dlibhog-dlibresnet1"
DIMENSIONS = 128
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
RECOGNISER = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = {
    LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    RECOGNISER: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}
ADVICE = "pip install -r requirements-dlib.txt, or make run PROVIDER=dlib"
# Long sides in px at which faces of photos and of selfies are searched. Of 120 faces, the detector finds 78 % where
# its box is 59 px wide, 98 % at 70 px and all at 76 px: 3 % of the long side of a photo, and 7 % of a selfie's.
PHOTO_LONG_SIDE = 2400
PORTRAIT_LONG_SIDE = 960
# A smaller image is enlarged, but not more than this: there is nothing more to see.
MOST_ENLARGED = 2.0
# Beside the face of a selfie, others count from this score on; 2.2 % of 3,838 portraits have a lower one. What the
# detector takes for a face by mistake has at most 0.2, and would make a selfie one of several people.
SURE_SCORE = 0.3
# A score of 0.5 becomes a quality of 0.92, which ends the search for the orientation of a selfie: of 200 portraits,
# 97 % have it upright, and one had it turned by 180°.
QUALITY_PER_SCORE = 5.05
# Width of the box of a face that fills the recogniser's input of 150 px without being enlarged.
SHARP_SIDE = 128.0
# Around the box of a face, in widths of it: what the recogniser's input shows beyond the box, turned, and more.
SURROUNDINGS = 1.0
# Eyes, nose and corners of the mouth of an upright face, as (x, y): those of ArcFace's template.
EYES_AND_NOSE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366]], np.float32)
MOUTH = np.array([[41.5493, 92.3655], [70.7299, 92.2041]], np.float32)


def _folder() -> Path:
    return package_folder("face_recognition_models", ADVICE) / "models"


class DlibEngine:
    """dlib's frontal face detector, five landmarks and ResNet.

    Embeddings are the recogniser's descriptors divided by their length. Strangers have cosines of about 0.83, and the
    threshold is above 0.93. Subtracting a mean first would spread them, but fewer people would be recognised at the
    same rate of errors.
    """

    engine_id = ENGINE_ID
    dimensions = DIMENSIONS
    sharp_side = SHARP_SIDE

    def __init__(self, *, long_side: int | None = None, folder: Path | None = None) -> None:
        """Check the model files in `folder` and load them.

        Faces of photos are searched at a long side of `long_side` px, by default 2400.

        Raises:
            EngineUnavailable: a file is missing, damaged or does not load.
        """
        place = folder or _folder()
        for name, sha256 in SHA256.items():
            checked(place / name, sha256, ADVICE)
        self._long_side = long_side or PHOTO_LONG_SIDE
        try:
            self._detector = dlib.get_frontal_face_detector()
            self._landmarks = dlib.shape_predictor(str(place / LANDMARKS))
            self._recogniser = dlib.face_recognition_model_v1(str(place / RECOGNISER))
        except RuntimeError as error:
            raise EngineUnavailable(f"dlib does not load its models: {error}") from error

    def photo_side(self, width: int, height: int) -> int:
        """Return 0: at the size of the largest rendition, faces are large enough."""
        return 0

    def locate(self, image: BgrImage, *, long_side: int | None = None, scale: float = 1.0) -> list[LocatedFace]:
        """Return the faces by descending score."""
        height, width = image.shape[:2]
        factor = min(MOST_ENLARGED, (long_side or self._long_side) / max(height, width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        # In colour: at the same size, 0.99 of the faces are found instead of 0.97 in grey.
        searched = np.ascontiguousarray(cv2.resize(image, size, interpolation=how)[:, :, ::-1], np.uint8)
        boxes, scores, _ = self._detector.run(searched, 0, 0.0)
        stretch = width / size[0] * scale, height / size[1] * scale
        return [self._located(searched, box, score, stretch) for box, score in zip(boxes, scores, strict=True)]

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace], *, scale: float = 1.0) -> Embeddings:
        """Return the embeddings: (n, 128), float32, each row of length 1; landmarks are found again in `image`."""
        rows = [self._descriptor(image, face, scale) for face in faces]
        if not rows:
            return np.zeros((0, DIMENSIONS), np.float32)
        found = np.array(rows, np.float64)
        unit: Embeddings = (found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-12)).astype(np.float32)
        return unit

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Return a selfie, turned or padded if its face was only found so, and the faces in it."""
        upright, faces = find_portrait(self, image, scale, long_side=PORTRAIT_LONG_SIDE)
        sure = [face for face in faces if face.quality >= _quality(SURE_SCORE)]
        return upright, sure or faces

    def detect(
        self, image: BgrImage, *, scale: float = 1.0, full: Callable[[], BgrImage] | None = None
    ) -> list[DetectedFace]:
        """Return the faces of a photo with their embeddings.

        Where none is sure, also those that fill the frame or lie on their side: seen with a margin, and turned.
        Photos are not searched in tiles: five times the pixels would take five times 0.6 s, for faces too small for
        this recogniser.
        """
        faces = self.locate(image, scale=scale)
        found = with_embeddings(self, faces, image, scale, full)
        if max((face.quality for face in faces), default=0.0) >= SURE:
            return found
        again = self._second_look(image, scale)
        return again if sum(face.quality for face in again) > sum(face.quality for face in found) else found

    def _second_look(self, image: BgrImage, scale: float) -> list[DetectedFace]:
        height, width = image.shape[:2]
        for turn in (None, *TURNS):
            attempt = padded(image if turn is None else rotated(image, turn))
            found = self.locate(attempt, long_side=PORTRAIT_LONG_SIDE, scale=scale)
            sure = [face for face in found if face.quality >= _quality(SURE_SCORE)]
            if sure:
                margin = (attempt.shape[1] - (width if turn in (None, cv2.ROTATE_180) else height)) / 2 * scale
                back = [moved(face, (1.0, 1.0), -margin, -margin) for face in sure]
                if turn is not None:
                    back = [turned_back(face, turn, width * scale, height * scale) for face in back]
                # From the picture in which it was found: the landmarks are found there again.
                rows = self.embed(attempt, sure, scale=scale)
                return [
                    _embedded(face, row, width * scale, height * scale) for face, row in zip(back, rows, strict=True)
                ]
        return []

    def _located(
        self,
        searched: BgrImage,
        box: "dlib.rectangle",
        score: float,
        stretch: tuple[float, float],
    ) -> LocatedFace:
        """Return the face with that box in the RGB image `searched`; the photo is `stretch` (x, y) times larger."""
        x, y = stretch
        landmarks = _five(self._landmarks(searched, box)) * np.array(stretch, np.float32)
        place = box.left() * x, box.top() * y, box.width() * x, box.height() * y
        return LocatedFace(place, landmarks, _quality(score))

    def _descriptor(self, image: BgrImage, face: LocatedFace, scale: float) -> list[float]:
        x, y, width, height = (value / scale for value in face.box)
        left, top = max(0, int(x - SURROUNDINGS * width)), max(0, int(y - SURROUNDINGS * height))
        right, bottom = int(x + (1 + SURROUNDINGS) * width) + 1, int(y + (1 + SURROUNDINGS) * height) + 1
        around = np.ascontiguousarray(image[top:bottom, left:right, ::-1])
        box = dlib.rectangle(
            round(x) - left, round(y) - top, round(x + width) - 1 - left, round(y + height) - 1 - top
        )
        return list(self._recogniser.compute_face_descriptor(around, self._landmarks(around, box)))


def _embedded(face: LocatedFace, row: Embeddings, width: float, height: float) -> DetectedFace:
    """Return the face, its box cut off at the edges of the photo of that size, with its embedding."""
    inside = within(face, width, height)
    return DetectedFace(inside.box, inside.landmarks, inside.quality, row)


def _quality(score: float) -> float:
    return 1 - math.exp(-QUALITY_PER_SCORE * max(0.0, score))


def _five(shape: "dlib.full_object_detection") -> Landmarks:
    """Return the landmarks of a LocatedFace, (5, 2), of dlib's: both corners of either eye, and below the nose.

    dlib does not find the mouth. Its corners are where they are in a mean face with these eyes and nose.
    """
    points = np.array([(part.x, part.y) for part in shape.parts()], np.float32)
    found = np.stack((points[2:4].mean(axis=0), points[0:2].mean(axis=0), points[4]))
    to_face = cv2.getAffineTransform(EYES_AND_NOSE, found)
    return np.concatenate((found, MOUTH @ to_face[:, :2].T + to_face[:, 2])).astype(np.float32)
