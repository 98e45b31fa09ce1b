"""`docs/first-event.sh`, run as a new user runs it: against a real server with the real engine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image

from testkit.sample_pictures import sample_event
from testkit.servers import ROOT, Server, run_server

SCRIPT = ROOT / "docs" / "first-event.sh"
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """A running server, and pictures: three photos of six people, a portrait of one of them, one of a stranger."""

    server: Server
    photos: list[Path]
    guest: Path
    stranger: Path

    def play(self, selfie: Path, *photos: Path, password: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the script with one selfie and these photos."""
        environment = {
            **os.environ,
            "BASE_URL": self.server.url,
            "ADMIN_USERNAME": self.server.admin,
            "ADMIN_PASSWORD": self.server.password if password is None else password,
        }
        command = ["sh", str(SCRIPT), str(selfie), *map(str, photos)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    pictures = sample_event(tmp_path_factory.mktemp("pictures"))
    with run_server(tmp_path_factory.mktemp("server"), GUNICORN_WORKERS="1") as server:
        yield Scene(server, pictures.photos, pictures.portraits["person1"][0], pictures.portraits["astronaut"][0])


@pytest.mark.long
def test_a_guest_finds_the_photos_by_links_that_open_alone(scene: Scene) -> None:
    played = scene.play(scene.guest, *scene.photos)
    assert (played.returncode, played.stderr) == (0, "")
    assert f"The guest is in {len(scene.photos)} photos" in played.stdout
    found = dict(re.findall(r"^(\S+\.jpg) {2}\d+ {2}(http\S+)$", played.stdout, re.MULTILINE))
    assert found.keys() == {path.name for path in scene.photos}
    for link in found.values():
        with urlopen(link) as answer:  # noqa: S310
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.read(2) == b"\xff\xd8"


@pytest.mark.long
def test_it_can_be_played_again_and_a_stranger_finds_nothing(scene: Scene) -> None:
    played = scene.play(scene.stranger, scene.photos[0])
    assert (played.returncode, played.stderr) == (0, "")
    assert "The guest is in 0 photos" in played.stdout


def test_a_wrong_password_is_said_in_words(scene: Scene) -> None:
    played = scene.play(scene.guest, scene.photos[0], password="wrong")
    assert played.returncode == 1
    assert "/api/login answered 401" in played.stderr
    assert "Wrong username or password" in played.stderr


@pytest.mark.long
def test_a_selfie_without_a_face_is_said_in_words(scene: Scene, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (640, 480), "white").save(blank)
    played = scene.play(blank, scene.photos[0])
    assert played.returncode == 1
    assert "No face" in played.stderr


def test_a_missing_file_is_named_before_anything_is_sent(scene: Scene, tmp_path: Path) -> None:
    played = scene.play(scene.guest, tmp_path / "nowhere.jpg")
    assert played.returncode == 2
    assert "nowhere.jpg cannot be read" in played.stderr
    assert played.stdout == ""
