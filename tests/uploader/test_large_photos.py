"""The uploader sends large photos in parts: it goes on after both sides were killed, and sends to S3 where it can."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.builders import people
from testkit.deployed import make_bucket, s3_server
from testkit.sent_in_parts import large_photo
from testkit.servers import Launcher, create_event
from tests.conftest import wait_until
from tests.uploader.test_uploader import Studio

# That a large photo arrives in parts at all is shown by `test_uploader.py`.
pytestmark = [pytest.mark.server, pytest.mark.long]
PARTS = 5


def studio_of(launcher: Launcher) -> Studio:
    event = create_event(launcher.start(), name="Mariage")
    return Studio(launcher, launcher.server, event.id, event.code)


def requests(folder: Path, what: str) -> int:
    """Return how many requests of this kind the service has answered with 200, by its log."""
    return len(re.findall(rf"{what} 200", (folder / "server.log").read_text()))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    launcher = Launcher(tmp_path, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="1")
    try:
        yield studio_of(launcher)
    finally:
        launcher.stop()


def test_a_large_photo_goes_on_where_it_was_after_both_sides_were_killed(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "large.jpg").write_bytes(large_photo(1, PARTS * 8 * 1024 * 1024))
    uploads = tmp_path / "storage" / "uploads"
    sending = studio.start(folder)
    wait_until(lambda: requests(tmp_path, "/parts/2") == 1)
    sending.kill()
    sending.communicate()
    studio.launcher.kill()
    assert len(list(uploads.iterdir())) >= 2
    studio.launcher.start()
    status, _, err = studio.run(folder)
    assert status == 0, err
    assert studio.names() == ["large.jpg"]
    assert [requests(tmp_path, f"/parts/{number}") for number in (1, 2, PARTS)] == [1, 1, 1]
    assert list(uploads.iterdir()) == []


def test_photos_go_to_the_store_past_the_service(tmp_path: Path) -> None:
    pytest.importorskip("moto")
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "large.jpg").write_bytes(large_photo(1))
    (folder / "small é.jpg").write_bytes(people(2))
    (folder / "words.jpg").write_bytes(b"no picture")
    with s3_server(tmp_path) as environment:
        make_bucket(environment, "pictures")
        settings = {**environment, "STORAGE_URL": "s3://pictures", "PRESIGNED_UPLOADS": "true"}
        launcher = Launcher(tmp_path, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="1", **settings)
        try:
            studio = studio_of(launcher)
            status, out, _ = studio.run(folder)
            assert status == 2
            assert "(1)\n  words.jpg" in out
            assert studio.names() == ["large.jpg", "small é.jpg"]
            assert requests(tmp_path, r"/parts/\d") == requests(tmp_path, "upload-photos") == 0
        finally:
            launcher.stop()
