"""The tasks on portraits: whether one can be used, what it is stored as, and its embedding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import images
from decoding.task_types import Answer, MakeEngine, Values
from faces.engine import PORTRAIT_LONG_SIDE, BgrImage, Embeddings, FaceEngine, LocatedFace
from faces.selfie import SeveralFaces, main_face

# Numbers of a located face as it crosses the pipe: a box, five landmarks and the quality.
LOCATED = 4 + 10 + 1


@dataclass(frozen=True, slots=True)
class _Portrait:
    """A selfie's face (box in px of the full selfie) and the upright image it was found in, `scale` times smaller."""

    image: BgrImage
    face: LocatedFace
    scale: float


def _portrait(
    image: BgrImage, scale: float, engine: FaceEngine, *, strict: bool, known: Sequence[LocatedFace] = ()
) -> _Portrait:
    upright, faces = (image, known) if known else engine.locate_portrait(image, scale=scale)
    return _Portrait(upright, main_face(faces, strict=strict), scale)


def _reduced(data: bytes) -> tuple[BgrImage, float]:
    """Decode at the size the detector uses; return the image and by which factor the stored selfie is larger."""
    size = max(images.size_of(data))
    image = images.decode(data, long_side=PORTRAIT_LONG_SIDE)
    return image, max(1.0, min(size, images.WEB_LONG_SIDE) / max(image.shape[:2]))


def embedding_of(data: bytes, engine: FaceEngine, *, strict: bool, known: Sequence[LocatedFace] = ()) -> Embeddings:
    """Return the unit embedding (dimensions,), float32, of the face in a stored selfie.

    With `strict` false, the largest face is used, however many there are and however small it is. `known` are its
    faces if `check_selfie` has found them.

    Raises:
        ImageError: the selfie cannot be decoded. NoFace: no face was found.
        SeveralFaces: more than one face was found, and `strict` is true.
        FaceTooSmall: the face has too few pixels, and `strict` is true.
    """
    image, scale = _reduced(data)
    found = _portrait(image, scale, engine, strict=strict, known=known)
    if scale > 1 and min(found.face.box[2:]) < engine.sharp_side * scale:
        found = _portrait(images.decode(data), 1.0, engine, strict=strict)
    row: Embeddings = engine.embed(found.image, [found.face], scale=found.scale)[0]
    return row


def stored_selfie(engine: MakeEngine, arguments: Values, data: bytes) -> Answer:
    """Embed the face of a selfie as it was stored: see `embedding_of`."""
    row = embedding_of(data, engine(), strict=arguments["strict"], known=unpack_located(arguments["faces"]))
    return {}, np.asarray(row, np.float32).tobytes()


def embed_selfie(engine: MakeEngine, arguments: Values, data: bytes) -> Answer:
    """Embed the face of a selfie that is not stored: see `embedding_of`."""
    images.refuse_cut(data)
    row = embedding_of(data, engine(), strict=arguments["strict"])
    return {}, np.asarray(row, np.float32).tobytes()


def check_selfie(engine: MakeEngine, arguments: Values, data: bytes) -> Answer:
    """Make the JPEG of a selfie that is stored, and find in it the face that can be used.

    So the answer is what the job finds in the stored selfie, and neither has to be made again: `faces` are those in
    the JPEG decoded for the detector, as `pack_located` packs them; none if it had to be turned or padded. Of several
    faces, only their boxes are returned, as `several`: (x, y, width, height) in fractions of the picture. There are
    none for a picture that had to be turned or padded: its sender sees it otherwise.

    Raises:
        ImageError: it cannot be decoded. NoFace, FaceTooSmall: see `embedding_of`.
    """
    normal = _normalised(data)
    image, scale = _reduced(normal.jpeg)
    upright, faces = engine().locate_portrait(image, scale=scale)
    try:
        main_face(faces, strict=arguments["strict"])
    except SeveralFaces as error:
        height, width = (side * scale for side in image.shape[:2])
        boxes = error.boxes if upright is image else ()
        return {"several": [[x / width, y / height, w / width, h / height] for x, y, w, h in boxes]}, b""
    located = pack_located(faces) if upright is image else []
    return {"width": normal.width, "height": normal.height, "faces": located}, normal.jpeg


def pack_located(faces: Sequence[LocatedFace]) -> list[list[float]]:
    """Return each face as a row of `LOCATED` numbers: its box, the five landmarks, the quality."""
    return [[*map(float, each.box), *map(float, each.landmarks.ravel()), float(each.quality)] for each in faces]


def unpack_located(rows: Sequence[Sequence[float]]) -> list[LocatedFace]:
    """Return the faces that `pack_located` packed.

    Raises:
        ValueError: a row has another length, or a number is not finite.
    """
    table = np.asarray(rows, np.float64).reshape(len(rows), LOCATED)
    if not np.isfinite(table).all():
        raise ValueError("a number of a face is not finite")
    return [
        LocatedFace((row[0], row[1], row[2], row[3]), np.array(row[4:14], np.float32).reshape(5, 2), row[14])
        for row in table.tolist()
    ]


def normalise_selfie(_: MakeEngine, __: Values, data: bytes) -> Answer:
    """Make the JPEG of a selfie that is stored.

    Raises:
        ImageError: it cannot be decoded.
    """
    normal = _normalised(data)
    return {"width": normal.width, "height": normal.height}, normal.jpeg


def _normalised(data: bytes) -> images.NormalisedImage:
    images.refuse_cut(data)
    return images.normalise_selfie(data)
