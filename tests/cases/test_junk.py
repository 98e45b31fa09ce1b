"""Files with bytes that do not belong to the picture are taken and shown."""

import pytest

from testkit.builders import EventInfo, Service
from tests.cases.conftest import Send, case, rendition

pytestmark = pytest.mark.long


@pytest.mark.parametrize("file", ["jpeg_tail_mp4.jpg", "jpeg_stray_bytes_between_segments.jpg", "jpeg_no_eoi.jpg"])
def test_junk_around_a_picture_does_no_harm(
    real_sqlite_service: Service, event: EventInfo, sent: Send, file: str
) -> None:
    photo = sent(file)
    assert photo["processing_status"] == "done"
    image = rendition(real_sqlite_service, event, photo)
    assert image.shape[:2] == (photo["height"], photo["width"])
    # No part of the picture is a flat grey that a decoder filled in.
    assert image[-image.shape[0] // 8 :].std() > 5


@pytest.mark.parametrize("junk", [b"\r\n", bytes(700)])
def test_what_stands_before_a_picture_is_not_in_its_original(
    real_sqlite_service: Service, event: EventInfo, sent: Send, junk: bytes
) -> None:
    picture = case("date_plain.jpg")
    photo = sent("", "junk.jpg", junk + picture)
    assert (photo["content_type"], photo["width"], photo["size"]) == ("image/jpeg", 320, len(picture))
    path = f"/api/photo/{photo['id']}"
    answer = real_sqlite_service.get(path, event.photographer, params={"size": "original"})
    assert (answer.content, answer.headers["content-type"]) == (picture, "image/jpeg")
    assert rendition(real_sqlite_service, event, photo).shape[:2] == (photo["height"], photo["width"])
    again = real_sqlite_service.upload(event, junk + picture)["uploaded_photos"][0]
    assert (again["id"], again["duplicate"]) == (photo["id"], True)
