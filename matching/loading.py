"""Reads an event's faces into memory before the event's row is locked, so that nobody waits for it meanwhile.

Whoever locks an event's row and matches there opens the transaction here: `locked_event`, or `faces_at_hand` around a
transaction that locks several events. What commits between the reading and the lock is read under the lock; it is
little.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from database import reading, transaction
from encryption.master import KeysUnavailable
from encryption.templates import reading_cipher
from events import queries as event_queries
from faces.providers import AZURE_ENGINE_ID
from matching import matrices, queries, shared
from matching.arena import Held, Key, Views
from models import Event, Photo

# So long after its last completion an event is not read ahead again: what has been added meanwhile is read in a tenth
# of a second (at 20 photos a second with ten faces each, 6,000 faces).
FRESH_SECONDS = 30.0
# In larger events, what has been deleted is looked for before the lock each time: it takes up to a second.
LARGE = 20_000
# How long to wait for another process that reads the same event.
LOADING_SECONDS = 120.0


@contextmanager
def locked_event(event_id: int, engine_id: str = "") -> Iterator[tuple[Session, Event | None]]:
    """Open a transaction with the event's row locked and its faces in memory; None if the event is deleted.

    `engine_id` is the engine that the event has most likely, which saves a statement.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    for is_last in (False, True):
        with faces_at_hand([event_id], engine_id), transaction() as session:
            event = event_queries.lock_event(session, event_id)
            # The event may have changed to another engine meanwhile.
            if is_last or event is None or _is_at_hand((event.id, event.active_engine_id)):
                yield session, event
                return


@contextmanager
def locked_event_of_photo(photo_id: int) -> Iterator[tuple[Session, Event | None]]:
    """Open a transaction with the row of a photo's event locked and its faces in memory; None if one is deleted.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with reading() as session:
        photo = session.get(Photo, photo_id)
    # No event has this id.
    with locked_event(photo.event_id if photo is not None else 0) as (session, event):
        is_there = event is not None and session.get(Photo, photo_id) is not None
        yield session, event if is_there else None


@contextmanager
def faces_at_hand(event_ids: Iterable[int], engine_id: str = "") -> Iterator[None]:
    """Read the events' faces into memory and keep them there. No session is open in this thread.

    Faces that cannot be read now are left to the match, which may not need them.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    kept = [_loaded(event_id, engine_id) for event_id in event_ids]
    yield
    kept.clear()


def _is_at_hand(key: Key) -> bool:
    held = shared.memory().hold(key)
    if key[1] == AZURE_ENGINE_ID:
        return True
    return held is not None and held.arena.is_complete(held, 2 * FRESH_SECONDS)


def _loaded(event_id: int, likely: str) -> Held | None:
    arena = shared.memory()
    held = arena.hold((event_id, likely)) if likely else None
    if held is not None and arena.rows(held) <= LARGE and arena.is_complete(held, FRESH_SECONDS):
        return held
    with reading() as session:
        # The version first: what is deleted while the faces are read has a later one.
        current = queries.engine_and_version(session, event_id)
    if current is None or current[0] == AZURE_ENGINE_ID:
        return None
    key, version = (event_id, current[0]), current[1]
    held = arena.hold(key, version)
    if held is not None and not _is_current(held, version):
        _load(key, held, version)
    return held


def _is_current(held: Held, version: int) -> bool:
    return held.arena.version(held) >= version and held.arena.is_complete(held, FRESH_SECONDS)


def _load(key: Key, held: Held, version: int) -> None:
    arena = held.arena
    with arena.locks.writing(held.place, LOADING_SECONDS, lambda: _is_current(held, version)) as may_write:
        if not may_write or _is_current(held, version):
            return
        if arena.version(held) != version:
            with reading() as session:
                matrices.erase_deleted(session, key, held, version)
        try:
            matrices.append_all(held, lambda last_id: _read(key, last_id))
        except KeysUnavailable:
            return
        arena.note_complete(held)


def _read(key: Key, last_id: int) -> Views:
    """Return faces after an id, decrypted with no session open."""
    with reading() as session:
        cipher = reading_cipher(session, key[0])
        stored = queries.faces_after(session, *key, last_id, matrices.READ_AT_ONCE)
    return matrices.opened(cipher, stored)
