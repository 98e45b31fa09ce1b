"""What is done with a stranger's picture. A task takes JSON values and bytes, and returns JSON values and bytes.

So that its answer can cross a pipe from a process that is not trusted. `decoding/decoder.py` calls the tasks by name.
"""

import zlib
from collections.abc import Callable, Mapping

import numpy as np

import image_damage
import images
import storage
from decoding.badges import codes_in
from decoding.memory import is_shortage
from decoding.portraits import check_selfie, embed_selfie, normalise_selfie, stored_selfie
from decoding.task_types import Answer, MakeEngine, Values
from faces.engine import BgrImage, DetectedFace, LocatedFace

# Five points (x, y) that no alignment refuses, for the first embedding of an engine.
ANY_LANDMARKS = np.array([[38, 51], [73, 51], [56, 71], [41, 92], [70, 92]], np.float32)
FLOAT32, FLOAT64 = 4, 8
# Of the picture of a single face: its margin, as a fraction of the face, and its largest side in px.
CROP_MARGIN, CROP_SIDE = 0.2, 240


def load(engine: MakeEngine, arguments: Values, _: bytes) -> Answer:
    """Load the engine; with `embeds`, also what it embeds faces with."""
    ready = engine()
    if arguments["embeds"]:
        side = 112
        face = LocatedFace((0.0, 0.0, float(side), float(side)), ANY_LANDMARKS, 1.0)
        ready.embed(np.zeros((side, side, 3), np.uint8), [face])
    return {}, b""


def photo(engine: MakeEngine, arguments: Values, _: bytes) -> Answer:
    """Read the photo `original` from storage, store its renditions under the keys `renditions`, and find its faces.

    Without `renditions`, only its faces are found; the answer has no mean colour and says nothing of damage.
    `full` are the bytes of the rendition `full` and its CRC-32, None if it is not asked for or does not fit into the
    memory. `badges`, if asked for, are what the badges in the photo hold.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone. StorageError: storage failed.
    """
    data = storage.get(arguments["original"])
    images.refuse_cut(data)
    wanted, full = dict(arguments["renditions"]), None
    with image_damage.complaints() as said:
        if "full" in wanted:
            image, full = whole(engine, data, arguments["long_side"], wanted.pop("full"))
        else:
            image = reduced(engine, data, arguments["long_side"])
    colour, damaged = None, bool(wanted) and images.is_damaged(data, said)
    if wanted:
        rendered = images.renditions(image)
        colour = rendered.mean_colour
        for size, key in wanted.items():
            storage.put(key, rendered.files[size])
    faces = faces_in(engine, image, data, arguments["photo_long_side"])
    told: Values = {"mean_colour": colour, "damaged": damaged, "faces": len(faces), "full": full}
    if arguments["badges"]:
        told["badges"] = codes_in(image)
    return told, pack_faces(faces)


def whole(engine: MakeEngine, data: bytes, long_side: int, key: str) -> tuple[BgrImage, list[int] | None]:
    """Store a photo as a JPEG as large as it is; return its image as `reduced` does, and the file's bytes and CRC-32.

    Where memory is short, or a side is longer than a JPEG's can be, there is no file and None.

    Raises:
        ImageError: it cannot be decoded. StorageError: storage failed.
    """
    width, height = images.size_of(data)
    if max(width, height) > images.LONGEST_JPEG_SIDE:
        return reduced(engine, data, long_side), None
    try:
        image = images.decode(data, long_side=max(width, height))
        jpeg = images.to_jpeg(image, images.FULL_QUALITY)
    except Exception as error:
        if not _does_not_fit(error):
            raise
        jpeg = b""
    if not jpeg:
        return reduced(engine, data, long_side), None
    storage.put(key, jpeg)
    return images.reduced(image, max(long_side, engine().photo_side(width, height))), [len(jpeg), zlib.crc32(jpeg)]


def reduced(engine: MakeEngine, data: bytes, long_side: int) -> BgrImage:
    """Return a photo as small as the detector allows, at least `long_side` px: see `images.decode`.

    A photo that is so large that it fits into memory only at `long_side` px is decoded so.

    Raises:
        ImageError: it cannot be decoded.
    """
    wanted = max(long_side, engine().photo_side(*images.size_of(data)))
    try:
        return images.decode(data, long_side=wanted)
    except Exception as error:
        if wanted == long_side or not _does_not_fit(error):
            raise
        return images.decode(data, long_side=long_side)


def _does_not_fit(error: Exception) -> bool:
    return isinstance(error, images.TooManyPixels) or is_shortage(error)


def faces_in(engine: MakeEngine, image: BgrImage, data: bytes, photo_long_side: int) -> list[DetectedFace]:
    """Return the faces of a photo; `image` is `data` decoded at a fraction of its size, `photo_long_side` px.

    Where a face needs more pixels, the photo is decoded at full size, or at half where the full size does not fit.
    """
    scale = photo_long_side / max(image.shape[:2])
    full = (lambda: _sharpest(data, image)) if scale > 1 else None
    try:
        return engine().detect(image, scale=scale, full=full)
    except Exception as error:
        # Libraries raise many types of error when memory is short (`is_shortage`), as for a small face in a turned
        # photo of 120 megapixels.
        if full is None or not is_shortage(error):
            raise
    # After the handler, whose error holds what the search has allocated: from a small image, less sharp.
    small = images.resize_to(image, images.WEB_LONG_SIDE)
    return engine().detect(small, scale=photo_long_side / max(small.shape[:2]))


def _sharpest(data: bytes, image: BgrImage) -> BgrImage:
    """Return the photo at full size, or at half; if neither fits or is larger than `image`, return that."""
    width, height = images.size_of(data)
    for side in (max(width, height), max(width, height) // 2):
        if side <= max(image.shape[:2]):
            break
        try:
            return images.decode(data, long_side=side, exact=False)
        except Exception as error:
            if not _does_not_fit(error):
                raise
    return image


def pack_faces(faces: list[DetectedFace]) -> bytes:
    """Return boxes and qualities (float64), landmarks and embeddings (float32), each for all faces, in one row."""
    parts = (
        np.array([[*face.box, face.quality] for face in faces], np.float64),
        np.array([face.landmarks for face in faces], np.float32),
        np.array([face.embedding for face in faces], np.float32),
    )
    return b"".join(part.tobytes() for part in parts)


def unpack_faces(count: int, dimensions: int, packed: bytes) -> list[DetectedFace]:
    """Return the faces that `pack_faces` packed.

    Raises:
        ValueError: `packed` has another length, or a number is not finite.
    """
    ends = np.cumsum([0, count * 5 * FLOAT64, count * 10 * FLOAT32, count * dimensions * FLOAT32])
    if count < 0 or ends[-1] != len(packed):
        raise ValueError("the faces have another length")
    boxes = np.frombuffer(packed[: ends[1]], np.float64).reshape(count, 5)
    landmarks = np.frombuffer(packed[ends[1] : ends[2]], np.float32).reshape(count, 5, 2)
    rows = np.frombuffer(packed[ends[2] :], np.float32).reshape(count, dimensions)
    if not all(np.isfinite(part).all() for part in (boxes, landmarks, rows)):
        raise ValueError("a number of a face is not finite")
    return [
        DetectedFace((box[0], box[1], box[2], box[3]), points, box[4], row)
        for box, points, row in zip(boxes.tolist(), landmarks, rows, strict=True)
    ]


def crop(_: MakeEngine, arguments: Values, __: bytes) -> Answer:
    """Cut the face out of the stored rendition `key`: `box` is (x, y, width, height) in fractions of the picture.

    Raises:
        ImageError: it cannot be decoded. MissingObject: the file is gone.
    """
    image = images.decode(storage.get(arguments["key"]))
    height, width = image.shape[:2]
    x, y, w, h = arguments["box"]
    side = max(w * width, h * height) * (1 + 2 * CROP_MARGIN)
    left, top = (x + w / 2) * width - side / 2, (y + h / 2) * height - side / 2
    rows = slice(max(0, round(top)), max(1, round(top + side)))
    columns = slice(max(0, round(left)), max(1, round(left + side)))
    return {}, images.to_jpeg(images.resize_to(image[rows, columns], CROP_SIDE), images.THUMB_QUALITY)


def print_picture(_: MakeEngine, arguments: Values, __: bytes) -> Answer:
    """Cut the stored picture `key` to the proportions width : height, at most so many px large, for a poster.

    `focus` is the parts of what is cut off that go at the left and at the top.

    Raises:
        ImageError: it cannot be decoded. MissingObject: the file is gone.
    """
    data = storage.get(arguments["key"])
    wide, tall = arguments["width"], arguments["height"]
    width, height = images.size_of(data)
    # As large as it has to be so that its shorter side, too, fills the place.
    side = round(max(width, height) * max(wide / width, tall / height))
    image = images.decode(data, long_side=side)
    height, width = image.shape[:2]
    kept_width, kept_height = min(width, round(height * wide / tall)), min(height, round(width * tall / wide))
    before, above = arguments["focus"]
    left, top = round((width - kept_width) * before), round((height - kept_height) * above)
    cut = images.resize_to(image[top : top + kept_height, left : left + kept_width], max(wide, tall))
    return {"width": cut.shape[1], "height": cut.shape[0]}, images.to_jpeg(cut, images.SELFIE_QUALITY)


def refuse_cut(_: MakeEngine, __: Values, data: bytes) -> Answer:
    """Look whether a JPEG without its end has the whole picture.

    Raises:
        ImageError: it has not.
    """
    images.refuse_cut(data)
    return {}, b""


TASKS: Mapping[str, Callable[[MakeEngine, Values, bytes], Answer]] = {
    task.__name__: task
    for task in (
        load,
        photo,
        stored_selfie,
        embed_selfie,
        check_selfie,
        normalise_selfie,
        crop,
        print_picture,
        refuse_cut,
    )
}
