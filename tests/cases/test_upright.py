"""The photo's row, its renditions, its faces and its original are the same picture, upright."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from testkit.builders import EventInfo, Json, Service
from testkit.heif_files import Item, aperture, assembled, coded, mirror, rotation
from testkit.pictures import saved
from tests.cases.conftest import Send, case, rendition

pytestmark = pytest.mark.long


def agree(service: Service, event: EventInfo, photo: Json) -> None:
    """Assert that a photo's row has the size of what is shown, as far as rounding allows, and its faces lie in it."""
    assert photo["processing_status"] == "done", photo
    width, height = photo["width"], photo["height"]
    for size, long_side in (("web", 1600), ("thumb", 400)):
        image = rendition(service, event, photo, size)
        scale = min(1, long_side / max(width, height))
        assert image.shape[1::-1] == (max(1, round(width * scale)), max(1, round(height * scale)))
    found = service.get(f"/api/photo/{photo['id']}/faces", event.photographer).json()
    assert (found["image_width"], found["image_height"]) == (width, height)
    assert len(found["boxes"]) == photo["face_count"]


def face_of(service: Service, event: EventInfo, photo: Json) -> Json:
    boxes: list[Json] = service.get(f"/api/photo/{photo['id']}/faces", event.photographer).json()["boxes"]
    assert len(boxes) == 1
    return boxes[0]


@pytest.mark.parametrize(
    "file", ["orient_xmp6_only_upright.jpg", "orient_xmp6_only_upright.png", "orient6_mm_long.jpg"]
)
def test_photos_are_upright_as_viewers_show_them(
    real_sqlite_service: Service, event: EventInfo, sent: Send, file: str
) -> None:
    photo = sent(file)
    assert (photo["width"], photo["height"]) == (800, 1000)
    agree(real_sqlite_service, event, photo)
    box = face_of(real_sqlite_service, event, photo)
    plain = face_of(real_sqlite_service, event, sent("heic_plain.heic"))
    assert all(abs(box[key] - plain[key]) <= 20 for key in ("left", "top", "width", "height"))


def test_a_heic_shows_its_primary_picture(real_sqlite_service: Service, event: EventInfo, sent: Send) -> None:
    photo = sent("heic_primary_second_landscape_first.heic")
    assert (photo["width"], photo["height"], photo["face_count"]) == (800, 1000, 1)
    agree(real_sqlite_service, event, photo)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_cropped_and_turned_picture_shows_its_part(
    real_sqlite_service: Service, event: EventInfo, sent: Send, kind: str
) -> None:
    with Image.open(io.BytesIO(case("colour_srgb_reference.jpg"))) as picture:
        item = coded(picture.convert("RGB"), kind)
    crop = aperture((701, 1), (800, 1), (1, 2), (-100, 1))
    turned = Item(item.kind, item.content, [*item.properties, crop, rotation(1), mirror(1)])
    photo = sent("", f"cropped.{kind.lower()}", assembled([turned], 1, {"HEIF": b"heic", "AVIF": b"avif"}[kind]))
    assert (photo["width"], photo["height"]) == (800, 701)
    agree(real_sqlite_service, event, photo)


def odd_pictures(height: int) -> dict[str, bytes]:
    """Return pictures of extreme sizes, among them panoramas of this height, and films."""
    rows = np.linspace(0, 255, 30_000).astype(np.uint8)
    panorama = Image.fromarray(np.tile(rows, (height, 1)))
    film = {"save_all": True, "append_images": [Image.new("RGB", (320, 240))], "duration": 100}
    first = Image.new("RGB", (320, 240), (250, 120, 10))
    return {
        "panorama.jpg": saved(panorama, "JPEG", quality=50),
        "panorama.png": saved(panorama, "PNG", compress_level=1),
        "pixel.jpg": saved(Image.new("RGB", (1, 1), "red"), "JPEG"),
        "pixel.png": saved(Image.new("RGBA", (1, 1), "red"), "PNG"),
        "pixel.webp": saved(Image.new("RGB", (1, 1), "red"), "WEBP"),
        "thread.jpg": saved(Image.new("RGB", (60_000, 3), "red"), "JPEG"),
        "film.webp": saved(first, "WEBP", **film),
        "film.avif": saved(first, "AVIF", **film),
        "film.gif": saved(first, "GIF", **film),
    }


@pytest.mark.parametrize("height", [300, pytest.param(2000, marks=pytest.mark.long)])
def test_pictures_of_extreme_sizes_and_films_are_shown(
    real_sqlite_service: Service, event: EventInfo, sent: Send, height: int
) -> None:
    for name, data in odd_pictures(height).items():
        photo = sent("", name, data)
        agree(real_sqlite_service, event, photo)
        assert photo["warning"] is None
        if name.startswith("film"):
            # The first frame, not the black one.
            assert cv2.mean(rendition(real_sqlite_service, event, photo))[2] > 200
