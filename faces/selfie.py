"""Which face of a selfie is the guest's, and whether it will do."""

from collections.abc import Sequence

from faces.engine import LocatedFace

MIN_SIDE = 44.0
MIN_AREA = 5_000.0
# A face in the background counts from half the height of the main one.
COMPARABLE_HEIGHT = 0.5


class SelfieRejected(Exception):
    """The picture will not do as a selfie."""


class NoFace(SelfieRejected):
    """Nobody is to be seen."""


class SeveralFaces(SelfieRejected):
    """More than one face that matters."""


class FaceTooSmall(SelfieRejected):
    """The face has too few pixels to be trusted."""


def main_face(faces: Sequence[LocatedFace], *, strict: bool) -> LocatedFace:
    """Return the guest's face: the largest.

    Strict, it must be the only one that matters and have at least 44 px a side and 5,000 px².

    Raises:
        NoFace, SeveralFaces, FaceTooSmall: why there is none.
    """
    if not faces:
        raise NoFace
    main = max(faces, key=lambda face: face.box[2] * face.box[3])
    if not strict:
        return main
    if sum(face.box[3] >= COMPARABLE_HEIGHT * main.box[3] for face in faces) > 1:
        raise SeveralFaces
    _, _, width, height = main.box
    if min(width, height) < MIN_SIDE or width * height < MIN_AREA:
        raise FaceTooSmall
    return main
