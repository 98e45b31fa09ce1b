"""Two processes that share the faces in memory, run apart by a test: `python -m tests.matching.sharing DATABASE`.

The parent makes the memory, forks two children, and passes each line that it reads, `CHILD WORD…`, on to a child; it
prints the child's answer. A child that is told to `stall` says so in the middle of a load and waits for its end.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from database import forget_engine
from matching import loading, matrices, queries, shared
from matching.forgetting import ForgettingThread
from testkit.in_process import use_database

FORK = get_context("fork")


def content_of(faces: matrices.EventFaces) -> str:
    """Return a digest of the ids, photos and embeddings of all faces."""
    digest = hashlib.sha256()
    for block in faces.blocks:
        is_face = block.photo_ids > 0
        for face, photo, row in zip(
            block.face_ids[is_face], block.photo_ids[is_face], block.embeddings[is_face], strict=True
        ):
            digest.update(b"%d %d " % (face, photo) + row.tobytes())
    return digest.hexdigest()


def _match(event_id: int) -> list[Any]:
    with loading.locked_event(event_id) as (session, event):
        assert event is not None
        faces = matrices.faces_of(session, event.id, event.version, event.active_engine_id)
        return [faces.size, content_of(faces)]


def _stall(orders: Connection, event_id: int) -> None:
    """Say so after the first part of a load, and wait for ever: with the part read, and not yet in memory."""
    real: Callable[..., Any] = queries.faces_after
    parts = 0

    def slow(*arguments: Any) -> Any:
        nonlocal parts
        parts += 1
        found = real(*arguments)
        if parts == 3:
            orders.send(["stalled", os.getpid()])
            time.sleep(600)
        return found

    setattr(queries, "faces_after", slow)  # noqa: B010 - the type of the real one has no name
    _match(event_id)


def _pss_kb() -> int:
    lines = Path("/proc/self/smaps").read_text().split("\n")
    # Of the shared mapping alone, which has no other name.
    places = [number for number, line in enumerate(lines) if "/dev/zero" in line]
    return sum(int(line.split()[1]) for place in places for line in lines[place : place + 8] if line[:4] == "Pss:")


def _rows() -> list[int]:
    arena = shared.memory()
    found = [arena.hold(key) for key in arena.held_keys()]
    return [arena.rows(each) for each in found if each is not None]


def _child(orders: Connection, part: int) -> None:
    forget_engine(close=False)
    matrices.READ_AT_ONCE = part
    thread = ForgettingThread()
    while True:
        word, *numbers = orders.recv()
        if word == "match":
            orders.send(_match(*numbers))
        elif word == "stall":
            _stall(orders, *numbers)
        elif word == "look":
            thread.look()
            orders.send([])
        elif word == "pss":
            orders.send([_pss_kb()])
        elif word == "rows":
            orders.send(_rows())
        elif word == "holds":
            orders.send([bytes.fromhex(numbers[0]) in bytes(shared.memory()._memory)])


def main(database: str, part: int) -> None:
    """Run two children by what is read from the standard input, until it ends."""
    use_database(database)
    shared.prepare()
    forget_engine()
    ends = []
    for _ in range(2):
        here, there = FORK.Pipe()
        FORK.Process(target=_child, args=(there, part), daemon=True).start()
        ends.append(here)
    for line in sys.stdin:
        number, *words = json.loads(line)
        ends[number].send(words)
        sys.stdout.write(json.dumps(ends[number].recv()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
