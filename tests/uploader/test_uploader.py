"""The uploader, run as on a photographer's computer, against a real server."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.sent_in_parts import large_photo
from testkit.servers import ROOT, Api, Launcher, Server, free_port
from tests.conftest import wait_until

pytestmark = pytest.mark.server
# More than the uploader has under way at any moment.
MANY = 80


@dataclass(frozen=True, slots=True)
class Studio:
    """A server, a photographer there and their event."""

    launcher: Launcher
    server: Server
    event_id: int
    code: str

    def names(self) -> list[str]:
        photographer = Api(self.server).logged_in("lea", PASSWORD)
        photos = photographer.call("GET", f"/api/photographer/events/{self.event_id}/photos")
        return sorted(photo["original_filename"] for photo in photos)

    def start(self, folder: Path, *more: str, **environment: str) -> "subprocess.Popen[str]":
        """Start the uploader in another folder: it learns the service's address from its arguments only."""
        settings = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "LANG": "fr_FR.UTF-8",
            "PYTHONUTF8": "1",
            "REPERIO_PASSWORD": PASSWORD,
            **environment,
        }
        # As a person types it: in two halves, in lower case.
        typed = f"{self.code[:4]}-{self.code[4:]}".lower()
        told = ["--event", typed, "--server", self.server.url, "--user", "lea"]
        # -S: the uploader needs no installed package.
        return subprocess.Popen(
            [sys.executable, "-S", "-m", "uploader", str(folder), *told, *more],
            env=settings,
            cwd=folder.parent,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, folder: Path, *more: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(folder, *more, **environment)
        out, err = process.communicate(timeout=40)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A server that may be killed."""
    folder = tmp_path_factory.mktemp("uploader")
    launcher = Launcher(folder, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="1", TOKEN_HOURS="1")
    try:
        admin = Api(launcher.start()).logged_in("admin", launcher.password)
        body = {"username": "lea", "email": "lea@example.org", "password": PASSWORD}
        admin.call("POST", "/api/admin/photographers", json=body)
        yield launcher
    finally:
        launcher.stop()


@pytest.fixture
def studio(house: Launcher) -> Studio:
    """A new event of the photographer."""
    admin = Api(house.server).logged_in("admin", house.password)
    lea = next(each for each in admin.call("GET", "/api/admin/photographers") if each["username"] == "lea")
    body = {"name": "Mariage", "photographer_id": lea["id"]}
    made = admin.call("POST", "/api/admin/create-event", json=body)
    return Studio(house, house.server, made["event_id"], made["event_code"])


def card(path: Path, number: int, first: int = 0) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for each in range(first, first + number):
        (path / f"IMG_{each:04}.JPG").write_bytes(people(1 + each % 5) + str(each).encode())
    return path


def test_a_folder_arrives_once_and_what_is_no_photo_is_named(studio: Studio, tmp_path: Path) -> None:
    folder = card(tmp_path / "card" / "100CANON", 12).parent
    (folder / "again.jpg").write_bytes((folder / "100CANON" / "IMG_0003.JPG").read_bytes())
    (folder / "large.jpg").write_bytes(large_photo(1))
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "._IMG_0001.JPG").write_bytes(b"x")
    assert studio.run(folder)[0] == 0
    (folder / "IMG_1.XMP").write_bytes(b"settings")
    (folder / "half “é” \\ 1.jpg").write_bytes(people(1)[:300])
    (folder / "void.png").touch()
    status, out, err = studio.run(folder)
    assert status == 2
    assert "Mariage" in err
    assert "Ce n’est pas une photo que le service sait lire. (1)\n  IMG_1.XMP" in out
    assert "Le fichier est vide. (1)\n  void.png" in out
    assert "(1)\n  half “é” \\ 1.jpg" in out
    assert "0 envoyées, 14 déjà là, 3 écartées, 0 restantes" in out
    assert len(studio.names()) == 13


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"REPERIO_PASSWORD": "guessed"}, "Nom d'utilisateur ou mot de passe incorrect"),
        ({"REPERIO_PASSWORD": ""}, "Il faut un mot de passe : au clavier, ou dans REPERIO_PASSWORD."),
        (["--event", "NOWHERE"], "Aucun de vos événements n’a le code NOWHERE."),
        (["--server", f"http://127.0.0.1:{free_port()}"], "Le service ne répond pas à l’adresse http://127.0.0.1:"),
        (["--server", "file:///etc/passwd"], "Le service ne répond pas à l’adresse file:///etc/passwd."),
        (["--user", "admin"], "Nom d'utilisateur ou mot de passe incorrect"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(studio: Studio, tmp_path: Path, wrong: Any, sentence: str) -> None:
    folder = card(tmp_path / "card", 1)
    more, environment = (wrong, {}) if isinstance(wrong, list) else ([], wrong)
    status, out, err = studio.run(folder, *more, **environment)
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert sentence in err
    assert studio.names() == []


def test_a_photographer_with_a_second_factor_gives_its_code(studio: Studio, tmp_path: Path) -> None:
    folder, admin = card(tmp_path / "card", 1), Api(studio.server).logged_in("admin", studio.launcher.password)
    body = {"username": "max", "email": "max@example.org", "password": PASSWORD}
    made = admin.call("POST", "/api/admin/photographers", json=body)["photographer_id"]
    event = admin.call("POST", "/api/admin/create-event", json={"name": "Bal", "photographer_id": made})
    own = Api(studio.server).logged_in("max", PASSWORD)
    secret = own.call("POST", "/api/me/second-factor", json={"password": PASSWORD})["secret"]
    first = {"otp": pyotp.TOTP(secret).now()}
    codes = own.call("POST", "/api/me/second-factor/confirm", json=first)["recovery_codes"]
    told = ("--user", "max", "--event", event["event_code"])
    status, _, err = studio.run(folder, *told)
    assert (status, len(err.splitlines())) == (1, 1)
    assert "Ce compte a une double authentification." in err
    status, _, err = studio.run(folder, *told, REPERIO_OTP="000000")
    assert (status, len(err.splitlines())) == (1, 1)
    assert studio.run(folder, *told, "--otp", codes[0])[0] == 0
    typed = type_at_terminal(studio, folder, *told, answer=codes[1])
    assert "Code de l’application d’authentification de max" in typed
    assert "1 déjà là" in typed


def type_at_terminal(studio: Studio, folder: Path, *more: str, answer: str) -> str:
    """Run the uploader in a terminal of its own, answer its question, and return what it showed."""
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-S", "-m", "uploader", str(folder), "--server", studio.server.url, *more],
        env={"PYTHONPATH": str(ROOT), "LANG": "fr_FR.UTF-8", "PYTHONUTF8": "1", "REPERIO_PASSWORD": PASSWORD},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown, answered = b"", False
    # Reading fails when the uploader has ended.
    with suppress(OSError):
        while part := os.read(ours, 4096):
            shown += part
            if not answered and b"authentification de max" in shown:
                answered = os.write(ours, f"{answer}\n".encode()) > 0
    os.close(ours)
    assert process.wait(10) == 0, shown.decode()
    return shown.decode()


def test_it_speaks_english_and_knows_its_way_about_a_missing_folder(studio: Studio, tmp_path: Path) -> None:
    status, _, err = studio.run(tmp_path / "none", LANG="C")
    assert status == 1
    assert err == f"There is no folder {tmp_path / 'none'}.\n"


@pytest.mark.long
def test_it_outlives_the_server_and_is_itself_taken_up_again(studio: Studio, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", MANY)
    first = studio.start(folder)
    wait_until(lambda: len(studio.names()) >= 5)
    first.kill()
    first.communicate()
    second = studio.start(folder)
    assert second.stderr
    assert "Mariage" in second.stderr.readline()
    # Looked at now: once the service is back, the rest is there before it says that it is ready.
    arrived = len(studio.names())
    studio.launcher.kill()
    time.sleep(1)
    studio.launcher.start()
    assert arrived < MANY, "there was something left to do"
    out, _ = second.communicate(timeout=40)
    assert second.returncode == 0, out
    assert "0 restantes" in out
    assert " 0 déjà là" not in out, "what the first one sent was not sent again"
    assert studio.names() == [f"IMG_{each:04}.JPG" for each in range(MANY)]


@pytest.mark.long
def test_it_follows_a_folder_and_takes_a_photo_when_the_camera_is_through(studio: Studio, tmp_path: Path) -> None:
    folder = card(tmp_path / "tethered", 2)
    process = studio.start(folder, "--watch", "--still", "1")
    wait_until(lambda: len(studio.names()) == 2)
    whole = people(3) + b"9"
    with (folder / "IMG_0009.JPG").open("wb") as camera:
        for start in range(0, len(whole), len(whole) // 4):
            camera.write(whole[start : start + len(whole) // 4])
            camera.flush()
            time.sleep(0.5)
    wait_until(lambda: len(studio.names()) == 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "3 envoyées, 0 déjà là, 0 écartées" in out
