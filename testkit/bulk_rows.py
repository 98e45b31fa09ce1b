"""Thousands of rows without pictures, to test and measure queries on large tables.

PostgreSQL gets them by COPY, SQLite by one prepared statement. The functions choose the ids themselves: nothing else
may write before the caller's transaction ends.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from faces.fake import ENGINE_ID
from models import DONE, Base, Event, Face, FaceMatch, Photo, Selfie, User, UserEvent, utcnow

BATCH = 10_000
DIMENSIONS = 128


@dataclass(frozen=True, slots=True)
class Crowd:
    """The numbers of rows that `fill_event` added."""

    users: int
    photos: int
    shown_in: int


def _first_id(session: Session, model: Any) -> int:
    return (session.scalar(select(func.max(model.id))) or 0) + 1


def _fill(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of these columns, which include `id`; other columns get the default of the database."""
    session.flush()
    connection = session.connection()
    table, called = model.__table__, model.__tablename__
    processors = [table.c[name].type.dialect_impl(connection.dialect) for name in columns]
    converted = [each.bind_processor(connection.dialect) or _as_it_is for each in processors]
    ready = (tuple(convert(value) for convert, value in zip(converted, row, strict=True)) for row in rows)
    names = ", ".join(columns)
    raw: Any = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        raw.executemany(f"INSERT INTO {called} ({names}) VALUES ({marks})", ready)  # noqa: S608 - our own names
    else:
        with raw.copy(f"COPY {called} ({names}) FROM STDIN") as copy:
            for row in ready:
                copy.write_row(row)
        sequence = f"SELECT setval(pg_get_serial_sequence('{called}', 'id'), (SELECT max(id) FROM {called}))"  # noqa: S608
        session.execute(text(sequence))
    raw.close()


def _as_it_is(value: Any) -> Any:
    return value


def refresh_statistics(session: Session) -> None:
    """Run ANALYZE on PostgreSQL, as its autovacuum does within a minute. SQLite has no such process."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("ANALYZE"))


def add_users(session: Session, event_id: int, number: int, prefix: str = "u") -> list[int]:
    """Add guests of the event and their memberships; return the ids. No password fits these guests."""
    first, now = _first_id(session, User), utcnow()
    names = ("id", "event_id", "username", "username_key", "email", "email_key", "hashed_password", "created_at")

    def rows() -> Iterator[tuple[Any, ...]]:
        for each in range(number):
            name = f"{prefix}{each}"
            address = f"{name}@crowd.example"
            yield first + each, event_id, name, name, address, address, "no password", now

    _fill(session, User, names, rows())
    ids = list(range(first, first + number))
    place = _first_id(session, UserEvent)
    memberships = ((place + each, user, event_id, DONE, now) for each, user in enumerate(ids))
    _fill(session, UserEvent, ("id", "user_id", "event_id", "status", "joined_at"), memberships)
    return ids


def add_selfies(session: Session, user_ids: Sequence[int]) -> list[int]:
    """Add an accepted selfie for each guest; return the ids of the selfies."""
    first, now = _first_id(session, Selfie), utcnow()
    rows = ((first + place, user, DONE, now) for place, user in enumerate(user_ids))
    _fill(session, Selfie, ("id", "user_id", "status", "created_at"), rows)
    return list(range(first, first + len(user_ids)))


def add_photos(session: Session, event_id: int, number: int) -> list[int]:
    """Add processed photos, uploaded one second after another; return their ids."""
    first, now = _first_id(session, Photo), utcnow()
    engine_id = session.scalar(select(Event.active_engine_id).where(Event.id == event_id))
    given = {
        "content_type": "image/jpeg",
        "size": 1,
        "width": 4000,
        "height": 3000,
        "status": DONE,
        "engine_id": engine_id,
    }
    names = ("id", "event_id", "original_filename", "filename", "sha256", "uploaded_at", *given)

    def rows() -> Iterator[tuple[Any, ...]]:
        for each in range(number):
            at = now - timedelta(seconds=number - each)
            stored, digest = f"{secrets.token_hex(16)}.jpg", secrets.token_hex(32)
            yield first + each, event_id, f"{each}.jpg", stored, digest, at, *given.values()

    _fill(session, Photo, names, rows())
    return list(range(first, first + number))


def unit_vectors(dice: np.random.Generator, number: int) -> NDArray[np.float32]:
    """Return random embeddings of unit length, float32 (number, 128): they match no guest."""
    vectors = dice.standard_normal((number, DIMENSIONS), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def add_faces(
    session: Session,
    event_id: int,
    photo_ids: Sequence[int],
    engine_id: str = ENGINE_ID,
    per_photo: int = 1,
    sealed: Callable[[int, bytes], bytes] = lambda _, embedding: embedding,
) -> list[int]:
    """Add faces that match no guest to each photo; return their ids, photo by photo.

    `sealed` returns an embedding of a photo's face as it is stored: by default plain.
    """
    first, number = _first_id(session, Face), len(photo_ids) * per_photo
    dice = np.random.default_rng(first)
    names = ("id", "photo_id", "event_id", "box", "landmarks", "quality", "engine_id", "embedding")
    box = [0.0, 0.0, 1.0, 1.0]

    def rows() -> Iterator[tuple[Any, ...]]:
        for start in range(0, number, BATCH):
            vectors = unit_vectors(dice, min(BATCH, number - start))
            for each, vector in enumerate(vectors, start):
                photo = photo_ids[each // per_photo]
                yield first + each, photo, event_id, box, [], 1.0, engine_id, sealed(photo, vector.tobytes())

    _fill(session, Face, names, rows())
    return list(range(first, first + number))


def _match(session: Session, rows: Iterable[tuple[int, int, int, int]]) -> None:
    """Add matches; each row is (guest, photo, face, selfie)."""
    first, now = _first_id(session, FaceMatch), utcnow()
    names = ("id", "user_id", "photo_id", "face_id", "selfie_id", "confidence_score", "detected_at")
    _fill(session, FaceMatch, names, ((first + place, *row, 80.0, now) for place, row in enumerate(rows)))


def add_matches(session: Session, user_id: int, photo_ids: Sequence[int], face_ids: Sequence[int]) -> None:
    """Add matches of the guest's newest selfie with these faces of these photos."""
    selfie = session.scalar(select(Selfie.id).where(Selfie.user_id == user_id).order_by(Selfie.id.desc()).limit(1))
    assert selfie is not None or not photo_ids, "a guest without a selfie has no matches"
    _match(session, ((user_id, photo, face, selfie or 0) for photo, face in zip(photo_ids, face_ids, strict=True)))


def fill_event(
    session: Session, *, event_id: int, user_id: int, users: int, photos: int, shown_in: int, spread: bool = False
) -> Crowd:
    """Add `users` guests and `photos` photos to the event; `user_id` is found in `shown_in` of the photos.

    These are the newest photos or, with `spread`, evenly spread. Each other photo shows one of the new guests.
    """
    others = add_users(session, event_id, users)
    selfies = add_selfies(session, others)
    photo_ids = add_photos(session, event_id, photos)
    face_ids = add_faces(session, event_id, photo_ids)
    places = range(photos - shown_in, photos)
    if spread:
        places = range(0, photos, photos // shown_in)[:shown_in]
    add_matches(session, user_id, [photo_ids[each] for each in places], [face_ids[each] for each in places])
    strangers = sorted(set(range(photos)) - set(places))
    _match(
        session,
        ((others[each % users], photo_ids[each], face_ids[each], selfies[each % users]) for each in strangers),
    )
    return Crowd(users, photos, shown_in)
