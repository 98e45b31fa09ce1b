"""Faces in memory that processes share: read before the event is locked, right after a crash, gone when erased."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, func, text, update

from database import get_engine, reading, transaction
from encryption import keys
from encryption.templates import SCALE, reading_cipher, writing_cipher
from events import queries as event_queries
from events.service import NewEvent, create
from faces.fake import ENGINE_ID
from faces.providers import calibration_of
from matching import loading, matrices, process_locks, queries, service, shared
from matching.arena import UNIT_BYTES, Arena
from matching.similarity import Portrait, find_candidates, thresholds_for
from models import Event, Face
from settings import get_settings
from testkit.bulk_rows import add_faces, add_photos
from testkit.servers import ROOT
from tests.matching.scenes import PERSON, Scene, held
from tests.matching.sharing import content_of

FACES = 300
# Faces that are read at once, in the processes of these tests.
PART = 64


@pytest.fixture
def event(quiet_database: None) -> Event:
    """An event with encrypted faces, of which the first ten are those of one person."""
    matrices.clear()
    made = create(NewEvent("Sharing"))
    with transaction() as session:
        seal = writing_cipher(session, made.id).face
        photo_ids = add_photos(session, made.id, FACES)
        face_ids = add_faces(session, made.id, photo_ids, ENGINE_ID, 1, seal)
        for face_id, photo_id in list(zip(face_ids, photo_ids, strict=True))[:10]:
            session.get_one(Face, face_id).embedding = seal(photo_id, PERSON.tobytes())
    return made


@contextmanager
def shared_memory(monkeypatch: pytest.MonkeyPatch, units: int = 64) -> Iterator[Arena]:
    """Let this process hold the faces in memory that others could share."""
    made = Arena(units * UNIT_BYTES, process_locks.lock_file())
    with monkeypatch.context() as patch:
        patch.setattr(shared, "_shared", made)
        yield made


def faces_now(event_id: int) -> matrices.EventFaces:
    with loading.locked_event(event_id) as (session, event):
        assert event is not None
        return matrices.faces_of(session, event.id, event.version, event.active_engine_id)


def in_database(event_id: int) -> tuple[int, str]:
    """Return the number and the digest of the event's faces, read from their rows alone."""
    with reading() as session:
        stored = queries.faces_after(session, event_id, ENGINE_ID, 0, 1_000_000)
        views = matrices.opened(reading_cipher(session, event_id), stored)
    faces = matrices.EventFaces(0, (matrices.Block(*views),))
    return faces.size, content_of(faces)


def remove(event_id: int, condition: Callable[[int], bool]) -> list[int]:
    """Delete the faces whose ids meet the condition, as an erasure does; return their ids."""
    with transaction() as session:
        ids = [face for (face,) in session.query(Face.id).filter(Face.event_id == event_id) if condition(face)]
        session.execute(delete(Face).where(Face.id.in_(ids)), execution_options={"synchronize_session": False})
        session.execute(update(Event).where(Event.id == event_id).values(version=Event.version + 1))
    return ids


def add(event_id: int, number: int) -> None:
    with transaction() as session:
        seal = writing_cipher(session, event_id).face
        add_faces(session, event_id, add_photos(session, event_id, number), ENGINE_ID, 1, seal)


@pytest.mark.parametrize("kind", ["shared", "own", "too little"])
def test_the_faces_matched_are_those_of_the_database(
    event: Event, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(matrices, "READ_AT_ONCE", PART)
    with shared_memory(monkeypatch, 0 if kind == "too little" else 64) if kind != "own" else _own():
        steps: list[Callable[[], object]] = [
            lambda: None,
            partial(add, event.id, 1),
            partial(remove, event.id, lambda face: face % 3 == 0),
            partial(_add_and_remove, event.id),
            partial(_destroy_key, event.id),
            partial(_remove_all_but_last, event.id),
            partial(add, event.id, 5),
        ]
        for step in steps:
            step()
            _compare(event.id)


def _compare(event_id: int) -> None:
    """Fail unless the faces in memory are those of the database, and a search finds the same among them."""
    with reading() as session:
        stored = queries.faces_after(session, event_id, ENGINE_ID, 0, 1_000_000)
        views = matrices.opened(reading_cipher(session, event_id), stored)
    faces = faces_now(event_id)
    assert (faces.size, content_of(faces)) == in_database(event_id)
    thresholds = thresholds_for(faces.size, calibration_of(ENGINE_ID))
    found = find_candidates(faces.blocks, [Portrait(1, PERSON)], thresholds)
    expected = views.face_ids[views.embeddings @ PERSON > 0.99 * SCALE] if len(views.face_ids) else []
    assert sorted(found.faces) == list(expected)


def _add_and_remove(event_id: int) -> None:
    add(event_id, 700)
    remove(event_id, lambda face: face % 7 == 0)


def _remove_all_but_last(event_id: int) -> None:
    with reading() as session:
        last = session.query(func.max(Face.id)).scalar()
    remove(event_id, lambda face: face != last)


def _destroy_key(event_id: int) -> None:
    """Make all templates so far unreadable, as in a restored backup of an event that was erased, and add others."""
    with reading() as session:
        name = keys.of_event(session, event_id)
    assert name is not None
    keys.destroy([name])
    matrices.clear()
    add(event_id, 3)


@contextmanager
def _own() -> Iterator[None]:
    yield


def test_others_lock_the_event_while_its_faces_are_read(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    matrices.clear()
    scene = Scene(event)
    guest = scene.guest()
    selfie_id = scene.selfie_in_hand(guest)
    real, is_reading, go_on = queries.faces_after, threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        found = real(*arguments)
        if found.face_ids and not is_reading.is_set():
            is_reading.set()
            assert go_on.wait(30)
        return found

    monkeypatch.setattr(queries, "faces_after", slow)
    match = threading.Thread(target=service.accept_selfie, args=(selfie_id, ENGINE_ID, PERSON, held))
    match.start()
    try:
        assert is_reading.wait(30)
        with transaction() as session:
            if get_engine().dialect.name == "postgresql":
                session.execute(text("SET LOCAL lock_timeout = '5s'"))
            else:
                assert session.execute(text("PRAGMA busy_timeout = 5000")) is not None
            locked = event_queries.lock_event(session, event.id)
            assert locked is not None
            # And deletes what has just been read.
            gone = session.query(Face).filter(Face.event_id == event.id).order_by(Face.id).first()
            assert gone is not None
            gone_photo = gone.photo_id
            session.delete(gone)
            session.flush()
            queries.increment_version(session, event.id)
    finally:
        go_on.set()
        match.join(30)
    with reading() as session:
        matched = {each.photo_id for each in queries.matches_of(session, guest, event.id)}
    assert len(matched) == 9
    assert gone_photo not in matched


# --- two processes ---------------------------------------------------------------------------------


class Pair:
    """The two processes of `tests/matching/sharing.py`."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program

    def ask(self, child: int, *words: object) -> Any:
        """Return what a child answers."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        print(json.dumps([child, *words]), file=self._program.stdin, flush=True)
        return json.loads(self._program.stdout.readline())


@pytest.fixture
def pair(event: Event) -> Iterator[Pair]:
    command = [sys.executable, "-m", "tests.matching.sharing", get_settings().database_url, str(PART)]
    environment = {**os.environ, "FACE_RECOGNIZER_PROVIDER": "fake"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        yield Pair(program)
        assert program.stdin is not None
        program.stdin.close()
        program.wait(30)


@pytest.mark.server
def test_two_processes_share_one_copy_and_outlive_each_other(event: Event, pair: Pair) -> None:
    expected = list(in_database(event.id))
    word, pid = pair.ask(0, "stall", event.id)
    assert word == "stalled"
    # It has the lock of the writer, and a part of the faces.
    assert pair.ask(1, "rows") == [2 * PART]
    os.kill(pid, signal.SIGKILL)
    assert pair.ask(1, "match", event.id) == expected
    assert pair.ask(1, "rows") == [FACES]
    template = _template(event.id)
    assert pair.ask(1, "holds", template.hex()) == [True]
    # Of what the dead process has read, too.
    remove(event.id, lambda _: True)
    pair.ask(1, "look")
    assert pair.ask(1, "holds", template.hex()) == [False]
    assert pair.ask(1, "rows") == []


@pytest.mark.server
@pytest.mark.sqlite_is_enough
def test_the_second_process_reads_nothing_and_takes_no_memory_of_its_own(event: Event, pair: Pair) -> None:
    add(event.id, 4000)
    expected = list(in_database(event.id))
    assert pair.ask(0, "match", event.id) == expected
    (alone,) = pair.ask(0, "pss")
    with transaction() as session:
        # What is in memory is not read again.
        session.execute(update(Face).where(Face.event_id == event.id).values(embedding=b"\x01 changed"))
    assert pair.ask(1, "match", event.id) == expected
    halves = [pair.ask(child, "pss")[0] for child in (0, 1)]
    assert alone > 4300 * 272 / 1024
    assert sum(halves) <= alone * 1.1


def _template(event_id: int) -> bytes:
    """Return a template as it is in memory."""
    with reading() as session:
        stored = queries.faces_after(session, event_id, ENGINE_ID, 0, 20)
        return bytes(matrices.opened(reading_cipher(session, event_id), stored).embeddings[15].tobytes())
