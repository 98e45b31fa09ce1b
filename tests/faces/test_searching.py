"""Every face of a photo is found once, whatever its size, and wherever and however it lies."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import images
from decoding import tasks
from faces.boxes import TURNS, merged, overlap, rotated, side, turned_back
from faces.calibration import LOCAL
from faces.certainty import length_of
from faces.engine import BgrImage, DetectedFace, LocatedFace
from faces.local import LocalEngine
from faces.searching import Search, scan_side
from faces.tiles import OVERLAP, tiles
from testkit.sample_pictures import sample_file

NO_MARKS = np.zeros((5, 2), np.float32)


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine()


@pytest.fixture(scope="module")
def group() -> BgrImage:
    return images.decode(sample_file("insightface", "data/images/t1.jpg").read_bytes())


@pytest.fixture(scope="module")
def portrait() -> BgrImage:
    return images.decode(sample_file("skimage", "data/astronaut.png").read_bytes())


def located(x: float, y: float, width: float, height: float, quality: float = 0.9) -> LocatedFace:
    return LocatedFace((x, y, width, height), NO_MARKS, quality)


def jpeg(image: BgrImage) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())


def face_of(portrait: BgrImage, wanted: int) -> BgrImage:
    """Return the astronaut's head with a face of so many px."""
    head = portrait[20:240, 110:330]
    scale = wanted / 85
    return np.asarray(cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def with_faces(portrait: BgrImage, size: tuple[int, int], px: int, places: list[tuple[int, int]]) -> BgrImage:
    """Return a grey photo (width, height) with a face of `px` with its middle at each place."""
    photo = np.full((size[1], size[0], 3), 120, np.uint8)
    head = face_of(portrait, px)
    height, width = head.shape[:2]
    for x, y in places:
        photo[y - height // 2 : y - height // 2 + height, x - width // 2 : x - width // 2 + width] = head
    return photo


def found_at(faces: list[DetectedFace], place: tuple[int, int], reach: float) -> int:
    return sum(
        max(abs(face.box[0] + face.box[2] / 2 - place[0]), abs(face.box[1] + face.box[3] / 2 - place[1])) < reach
        for face in faces
    )


def detected(engine: LocalEngine, photo: BgrImage) -> list[DetectedFace]:
    """Return what the service's job finds in a photo's JPEG."""
    data = jpeg(photo)
    image = tasks.reduced(lambda: engine, data, images.WEB_LONG_SIDE)
    return tasks.faces_in(lambda: engine, image, data, max(photo.shape[:2]))


@pytest.mark.long
def test_small_faces_of_a_large_photo_are_found_once_also_where_tiles_meet(
    engine: LocalEngine, portrait: BgrImage
) -> None:
    width, height = 6000, 4000
    shrink = scan_side(width, height) / width
    scanned = [(round(each.left / shrink), round(each.top / shrink)) for each in tiles(2223, 1482)]
    # In the middle of an overlap, at its ends, and where four tiles meet.
    left, top = max(x for x, _ in scanned), max(y for _, y in scanned)
    overlap_px = round(OVERLAP / shrink)
    places = [(left + step, 800) for step in (0, overlap_px // 2)] + [(left + overlap_px, 1200)]
    places += [(900, top), (1300, top + overlap_px // 2), (left + overlap_px // 2, top + overlap_px // 2)]
    faces = detected(engine, with_faces(portrait, (width, height), 56, places))
    assert [found_at(faces, place, 30) for place in places] == [1] * len(places)
    assert len(faces) == len(places)


def test_a_small_face_of_twelve_megapixels_is_found(engine: LocalEngine, portrait: BgrImage) -> None:
    (face,) = detected(engine, with_faces(portrait, (4000, 3000), 56, [(1234, 2345)]))
    assert found_at([face], (1234, 2345), 30) == 1


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.long
def test_a_photo_on_its_side_shows_the_same_faces_where_they_lie(
    engine: LocalEngine, group: BgrImage, turn: int
) -> None:
    upright = engine.detect(group)
    lying = engine.detect(rotated(group, turn))
    assert len(lying) == len(upright) == 6
    back = {cv2.ROTATE_90_CLOCKWISE: TURNS[1], cv2.ROTATE_90_COUNTERCLOCKWISE: TURNS[0]}.get(turn, turn)
    # Where a face of the upright photo is in the one that lies: turned as the photo is.
    for face in upright:
        place = turned_back(face, back, group.shape[0], group.shape[1])
        if turn == cv2.ROTATE_180:
            place = turned_back(face, back, group.shape[1], group.shape[0])
        twin = max(lying, key=lambda each: overlap(each, place))
        assert overlap(twin, place) > 0.7
        assert np.allclose(twin.landmarks, place.landmarks, atol=0.12 * side(place))
        assert float(twin.embedding @ face.embedding) > 0.85


@pytest.mark.parametrize("fills", [0.7, 1.0, 1.3])
@pytest.mark.parametrize("turn", [None, cv2.ROTATE_90_CLOCKWISE])
def test_a_face_that_fills_the_frame_is_one_face(
    engine: LocalEngine, portrait: BgrImage, fills: float, turn: int | None
) -> None:
    (face,) = engine.detect(portrait)
    x, y, width, height = face.box
    half = max(width, height) / fills / 2
    rows = slice(max(0, round(y + height / 2 - half)), round(y + height / 2 + half))
    columns = slice(max(0, round(x + width / 2 - half)), round(x + width / 2 + half))
    close = np.asarray(cv2.resize(portrait[rows, columns], (2000, 2000), interpolation=cv2.INTER_CUBIC), np.uint8)
    (found,) = engine.detect(close if turn is None else rotated(close, turn))
    assert float(found.embedding @ face.embedding) > 0.6
    left, top, across, down = found.box
    assert min(left, top) >= 0
    assert max(left + across, top + down) <= 2000


def test_of_one_face_the_surest_box_counts_and_weak_parts_of_it_do_not() -> None:
    whole = located(100, 100, 800, 1000, 0.95)
    parts = [located(200, 500, 300, 300, 0.73), located(110, 120, 780, 900, 0.8)]
    child = located(300, 700, 120, 150, 0.93)
    assert merged([*parts, whole, child]) == [whole, child]


def test_tiles_cover_a_picture_and_every_small_face_is_whole_in_a_tile_that_owns_it() -> None:
    for width, height in ((2223, 1482), (6300, 4700), (1500, 1500), (5000, 300)):
        cover = list(tiles(width, height))
        assert len({(each.width, each.height) for each in cover}) == 1
        for x in range(45, width - 45, 37):
            for y in range(45, height - 45, 37):
                face = located(x - 40, y - 40, 80, 80)
                owners = [each for each in cover if each.owns(face)]
                assert owners
                for each in owners:
                    assert each.left <= x - 38
                    assert x + 38 <= each.left + each.width
                    assert each.top <= y - 38
                    assert y + 38 <= each.top + each.height


def test_an_ordinary_photo_is_looked_at_once_and_a_little(group: BgrImage) -> None:
    """Sure faces of a usual size are worth no second pass: only small looks, whose pixels are counted here."""
    engine, pixels = LocalEngine(), list[int]()

    def look(image: BgrImage, lowest: float) -> list[LocatedFace]:
        pixels.append(image.shape[0] * image.shape[1])
        return engine._look(image, lowest)

    photo = np.asarray(cv2.resize(group, (2000, 1400)), np.uint8)
    faces = Search(look, photo, 1280, 2.0).faces()
    assert len(faces) == 6
    assert sum(pixels[1:]) < 0.35 * pixels[0]
    empty = np.asarray(cv2.resize(photo[-200:], (2000, 1500)), np.uint8)
    pixels.clear()
    Search(look, empty, 1280, 2.0).faces()
    assert sum(pixels[1:]) < 1.6 * pixels[0]


def test_weak_and_tiny_faces_have_shorter_embeddings(engine: LocalEngine, portrait: BgrImage) -> None:
    assert length_of(located(0, 0, 36, 50, 0.88), LOCAL) == 1
    tiny, weak = located(0, 0, 24, 30, 0.9), located(0, 0, 90, 90, 0.75)
    both = located(0, 0, 24, 30, 0.7)
    # 0.65 decades of the false accept rate each, at the threshold of a small event.
    for face, doubts in ((tiny, 1), (weak, 1), (both, 2)):
        assert LOCAL.lowest / length_of(face, LOCAL) == pytest.approx(0.40 + doubts * 0.65 * 0.0543)
    (face,) = detected(engine, with_faces(portrait, (1200, 900), 27, [(600, 400)]))
    assert 0.85 < np.linalg.norm(face.embedding) < 1
    assert np.linalg.norm(face.embedding) == pytest.approx(length_of(face, LOCAL), abs=1e-4)


def refusing(limit: int, error: Callable[[], Exception]) -> Callable[..., BgrImage]:
    """Return an `images.decode` for which results of more than `limit` px do not fit into memory."""
    decode = images.decode

    def limited(data: bytes, *, long_side: int | None = None, exact: bool = True) -> BgrImage:
        image = decode(data, long_side=long_side, exact=exact)
        if image.shape[0] * image.shape[1] > limit:
            raise error()
        return image

    return limited


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        (7_000_000, MemoryError),
        (2_000_000, lambda: images.TooManyPixels("too many", 1)),
        pytest.param(2_000_000, MemoryError, marks=pytest.mark.long),
        pytest.param(7_000_000, lambda: images.TooManyPixels("too many", 1), marks=pytest.mark.long),
    ],
)
@pytest.mark.long
def test_a_photo_that_does_not_fit_at_full_size_is_searched_and_embedded_smaller(
    engine: LocalEngine,
    group: BgrImage,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    error: Callable[[], Exception],
) -> None:
    photo = np.full((3600, 7000, 3), 120, np.uint8)
    small = np.asarray(cv2.resize(group, None, fx=1.6, fy=1.6), np.uint8)
    photo[: small.shape[0], : small.shape[1]] = small
    whole = detected(engine, photo)
    monkeypatch.setattr(images, "decode", refusing(limit, error))
    reduced = detected(engine, photo)
    assert len(whole) == len(reduced) == 6
    for face in whole:
        twin = max(reduced, key=lambda each: overlap(each, face))
        assert overlap(twin, face) > 0.5
        assert float(twin.embedding @ face.embedding) > 0.6
