"""Chooses the guest's face in a selfie, and rejects unusable selfies."""

from collections.abc import Sequence

from faces.engine import LocatedFace

# Smallest side in px and area in px² of the face, well above the 24 px from which an embedding is reliable
# (`faces/local.py`): every match of the guest depends on this one.
MIN_SIDE = 44.0
MIN_AREA = 5_000.0
# Height, as a fraction of the largest face's, from which another face counts; smaller ones are in the background.
COMPARABLE_HEIGHT = 0.5


class SelfieRejected(Exception):
    """The image cannot be used as a selfie."""


class NoFace(SelfieRejected):
    """There is no face."""


class SeveralFaces(SelfieRejected):
    """At least two faces are of comparable height; `boxes` are theirs, as (x, y, width, height) in the picture."""

    def __init__(self, text: str = "", boxes: Sequence[tuple[float, float, float, float]] = ()) -> None:
        super().__init__(text)
        self.boxes = boxes


class FaceTooSmall(SelfieRejected):
    """The face has too few pixels for a reliable embedding."""


def main_face(faces: Sequence[LocatedFace], *, strict: bool) -> LocatedFace:
    """Return the guest's face: the largest by area.

    Raises:
        NoFace: `faces` is empty.
        SeveralFaces: `strict`, and another face has at least half its height.
        FaceTooSmall: `strict`, and it has less than 44 px a side or 5,000 px².
    """
    if not faces:
        raise NoFace
    main = max(faces, key=lambda face: face.box[2] * face.box[3])
    if not strict:
        return main
    comparable = [face.box for face in faces if face.box[3] >= COMPARABLE_HEIGHT * main.box[3]]
    if len(comparable) > 1:
        raise SeveralFaces(boxes=comparable)
    _, _, width, height = main.box
    if min(width, height) < MIN_SIDE or width * height < MIN_AREA:
        raise FaceTooSmall
    return main
