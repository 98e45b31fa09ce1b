"""What guests take home has the ending of its content, whatever ending it was sent with."""

import io
import zipfile

import pytest

from testkit.builders import EventInfo, Service
from tests.cases.conftest import Send

pytestmark = pytest.mark.long

# What the photographer gets back, and what a guest gets: of HEIC a JPEG.
FILES = {
    "IMG_2001_heic_inside.jpg": ("IMG_2001_heic_inside.heic", "IMG_2001_heic_inside.jpg"),
    "IMG_2002_jpeg_inside.HEIC": ("IMG_2002_jpeg_inside.jpg", "IMG_2002_jpeg_inside.jpg"),
}


def test_a_download_has_the_ending_of_its_content(real_sqlite_service: Service, event: EventInfo, sent: Send) -> None:
    photos = {file: sent(file) for file in FILES}
    guest = real_sqlite_service.guest(event)
    for file, (own, given) in FILES.items():
        photo = photos[file]
        assert photo["original_filename"] == file
        for who, name, content_type in (
            (event.photographer, own, photo["content_type"]),
            (guest, given, "image/jpeg"),
        ):
            original = {"size": "original", "download": True}
            answer = real_sqlite_service.get(f"/api/photo/{photo['id']}", who, params=original)
            assert f'filename="{name}"' in answer.headers["content-disposition"]
            assert answer.headers["content-type"] == content_type
    archive = real_sqlite_service.get(f"/api/user/events/{event.id}/photos.zip?which=all", guest)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as found:
        assert {given for _, given in FILES.values()} <= {*found.namelist()}
