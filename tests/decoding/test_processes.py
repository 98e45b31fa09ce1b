"""A child has nothing that it does not need, ends with its parent, and its answers are not trusted."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

import storage
from decoding import wire
from decoding.budget import PixelBudget
from decoding.decoder import Busy, StoredPhoto, TaskFailed
from decoding.tasks import pack_faces, unpack_faces
from faces.fake import FakeEngine
from faces.selfie import NoFace
from images import decode, to_jpeg
from settings import ROOT, get_settings
from testkit.builders import people
from testkit.sample_pictures import sample_event
from tests.conftest import wait_until
from tests.decoding.conftest import MakePool, is_running

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
sqlite = pytest.mark.parametrize("quiet_database", ["sqlite"], indirect=True)
PARENT = """
import sys, threading, time
from decoding.budget import PixelBudget
from decoding.pool import ChildPool, Terms
from decoding.processes import shared_template
from settings import get_settings
from testkit.hostile import slow_jpeg

pool = ChildPool(get_settings(), shared_template(), PixelBudget(10**9), Terms(2, 0, 60))
pool.load()
idle = pool.idle_pid()
data = slow_jpeg()
for _ in range(2):
    threading.Thread(target=pool.check_selfie, args=(data, 1), kwargs={"strict": True}, daemon=True).start()
while len(pool._working) < 2:
    time.sleep(0.01)
print(shared_template().pid, *[child.pid for child in pool._working], flush=True)
time.sleep(60)
"""


@linux
@pytest.mark.long
def test_no_process_is_left_when_the_one_that_serves_is_killed() -> None:
    environment = {**os.environ, "FACE_RECOGNIZER_PROVIDER": "fake", "SECRET_KEY": "x" * 40}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert all(is_running(pid) for pid in pids)
        parent.kill()
        parent.wait()
        wait_until(lambda: not any(is_running(pid) for pid in pids), 10)


@linux
@sqlite
def test_a_child_inherits_no_socket_and_no_secret(pool_of: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(listening.fileno(), True)
        pool = pool_of()
        pool.load()
        child = pool.idle_pid()
        assert child is not None
        held = [str(each.readlink()) for each in Path(f"/proc/{child}/fd").iterdir()]
    assert len([each for each in held if each.startswith("socket:")]) == 1
    template = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[1])
    told = Path(f"/proc/{template}/environ").read_text()
    settings = get_settings()
    for secret in (settings.secret_key, settings.database_url, settings.monitoring_token):
        assert secret
        assert secret not in told
        assert secret not in json.dumps(pool._environment)


@linux
@sqlite
def test_a_stop_that_is_told_to_all_processes_lets_the_children_go_on(pool_of: MakePool) -> None:
    pool = pool_of()
    pool.load()
    child = pool.idle_pid()
    assert child is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(child, number)
    pool.check_selfie(people(1), 1, strict=True)
    assert pool.idle_pid() == child


@linux
@sqlite
def test_children_that_have_ended_are_collected(pool_of: MakePool) -> None:
    pool = pool_of()
    pool.load()
    child = pool.idle_pid()
    pool.close()
    wait_until(lambda: not Path(f"/proc/{child}").exists(), 10)


def exchanged(message: bytes) -> object:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(message)
        theirs.shutdown(socket.SHUT_WR)
        return wire.receive(ours)


@pytest.mark.parametrize(
    "message",
    [
        struct.pack(">II", 2**31, 0),
        struct.pack(">II", 2, 2**31) + b"{}",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 3, 0) + b"\xff\xfe{",
        struct.pack(">II", 200_000, 0) + b"[" * 200_000,
    ],
)
def test_an_answer_that_is_no_message_is_seen(message: bytes) -> None:
    with pytest.raises(wire.Garbled):
        exchanged(message)


def test_an_answer_that_breaks_off_is_seen() -> None:
    with pytest.raises(wire.Ended):
        exchanged(struct.pack(">II", 2, 9) + b"{}abc")


def test_errors_cross_by_name_and_unknown_ones_as_words() -> None:
    with pytest.raises(NoFace):
        wire.answer_of(wire.described(NoFace()), b"")
    with pytest.raises(TaskFailed, match="ZeroDivisionError: the lens cap was on"):
        wire.answer_of(wire.described(ZeroDivisionError("the lens cap was on")), b"")
    with pytest.raises(TaskFailed, match="SystemExit"):
        wire.answer_of({"error": "SystemExit", "text": 3}, b"")


def test_faces_cross_unchanged_and_forged_ones_do_not() -> None:
    faces = FakeEngine().detect(decode(people(1, 2, 3)))
    packed = pack_faces(faces)
    for one, other in zip(faces, unpack_faces(3, 128, packed), strict=True):
        assert (one.box, one.quality) == (other.box, other.quality)
        assert np.array_equal(one.landmarks, other.landmarks)
        assert np.array_equal(one.embedding, other.embedding)
    for count, forged in ((2, packed), (3, packed[:-4]), (-3, packed), (3, packed[:-4] + b"\xff\xff\xff\x7f")):
        with pytest.raises(ValueError, match="face"):
            unpack_faces(count, 128, forged)


def test_the_budget_lets_in_no_more_pixels_and_keeps_the_order() -> None:
    budget, order, threads = PixelBudget(100), list[int](), list[threading.Thread]()

    def take(pixels: int) -> None:
        with budget.hold(pixels):
            order.append(pixels)

    with budget.hold(60):
        with budget.hold(40), pytest.raises(Busy), budget.hold(1, 0.05):
            pass
        for number, pixels in enumerate((90, 10), 1):
            threads.append(threading.Thread(target=take, args=(pixels,)))
            threads[-1].start()
            wait_until(lambda number=number: len(budget._line) == number)  # type: ignore[misc]
        assert order == [], "the small one does not overtake the large one for ever"
    for thread in threads:
        thread.join(10)
    assert sorted(order) == [10, 90]
    with budget.hold(1000, 0.05):
        pass


@linux
@sqlite
@pytest.mark.long
def test_a_child_finds_faces_in_photos_of_ever_other_sizes(pool_of: MakePool, tmp_path: Path) -> None:
    portrait = decode(sample_event(tmp_path).portraits["person1"][0].read_bytes())
    found = []
    with contextlib.closing(pool_of().for_provider("local")) as pool:
        for number in range(72):
            # Photographers crop each photo in another way.
            photo = cv2.copyMakeBorder(portrait, 0, 32 * (number % 9), 0, 32 * (number // 9), cv2.BORDER_REPLICATE)
            storage.put("photos/1/original/crop.jpg", to_jpeg(np.asarray(photo, np.uint8), 90))
            stored = StoredPhoto("photos/1/original/crop.jpg", {}, *photo.shape[1::-1])
            found.append(len(pool.photo(stored).faces))
    assert found == [1] * 72
