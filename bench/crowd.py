"""A database as full as asked, without pictures: for measuring how calls grow."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from faces.fake import ENGINE_ID
from models import DONE, Face, FaceMatch, Photo, Selfie, User, UserEvent, utcnow

BATCH = 5000
DIMENSIONS = 128


@dataclass(frozen=True, slots=True)
class Crowd:
    """What was put in."""

    users: int
    photos: int
    shown_in: int


def _batches(number: int) -> Iterator[range]:
    for start in range(0, number, BATCH):
        yield range(start, min(number, start + BATCH))


def _insert(session: Session, model: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    return list(session.scalars(insert(model).returning(model.id, sort_by_parameter_order=True), rows))


def add_users(session: Session, event_id: int, number: int, prefix: str = "u") -> list[int]:
    """Add guests of the event, who cannot log in, with their memberships; return their ids."""
    ids: list[int] = []
    for batch in _batches(number):
        rows = [
            {
                "event_id": event_id,
                "username": f"{prefix}{each}",
                "username_key": f"{prefix}{each}",
                "email": f"{prefix}{each}@crowd.example",
                "email_key": f"{prefix}{each}@crowd.example",
                "hashed_password": "no password",
            }
            for each in batch
        ]
        new = _insert(session, User, rows)
        _insert(session, UserEvent, [{"user_id": each, "event_id": event_id, "status": DONE} for each in new])
        ids += new
    return ids


def add_photos(session: Session, event_id: int, number: int) -> list[int]:
    """Add photos that are through, a second apart; return their ids."""
    ids: list[int] = []
    now = utcnow()
    for batch in _batches(number):
        rows = [
            {
                "event_id": event_id,
                "original_filename": f"{each}.jpg",
                "filename": f"{secrets.token_hex(16)}.jpg",
                "content_type": "image/jpeg",
                "sha256": secrets.token_hex(32),
                "size": 1,
                "width": 4000,
                "height": 3000,
                "status": DONE,
                "uploaded_at": now - timedelta(seconds=number - each),
            }
            for each in batch
        ]
        ids += _insert(session, Photo, rows)
    return ids


def add_faces(session: Session, event_id: int, photo_ids: Sequence[int], engine_id: str = ENGINE_ID) -> list[int]:
    """Add a face with a random embedding to each photo; return their ids."""
    ids: list[int] = []
    for batch in _batches(len(photo_ids)):
        rows = [
            {
                "photo_id": photo_ids[each],
                "event_id": event_id,
                "box": [0.0, 0.0, 1.0, 1.0],
                "landmarks": [],
                "quality": 1.0,
                "engine_id": engine_id,
                "embedding": secrets.token_bytes(4 * DIMENSIONS),
            }
            for each in batch
        ]
        ids += _insert(session, Face, rows)
    return ids


def add_matches(session: Session, user_id: int, photo_ids: Sequence[int], face_ids: Sequence[int]) -> None:
    """Show the guest, by the newest selfie, in these photos."""
    selfie = session.scalar(select(Selfie.id).where(Selfie.user_id == user_id).order_by(Selfie.id.desc()).limit(1))
    rows = [
        {"user_id": user_id, "photo_id": photo, "face_id": face, "selfie_id": selfie, "confidence_score": 80.0}
        for photo, face in zip(photo_ids, face_ids, strict=True)
    ]
    _insert(session, FaceMatch, rows)


def fill(session: Session, *, event_id: int, user_id: int, users: int, photos: int, shown_in: int) -> Crowd:
    """Add guests, and photos of whom the last `shown_in` show `user_id`, the others strangers."""
    others = add_users(session, event_id, users)
    selfies = _insert(session, Selfie, [{"user_id": each, "status": DONE} for each in others])
    photo_ids = add_photos(session, event_id, photos)
    face_ids = add_faces(session, event_id, photo_ids)
    add_matches(session, user_id, photo_ids[photos - shown_in :], face_ids[photos - shown_in :])
    rows = [
        {
            "user_id": others[each % len(others)],
            "photo_id": photo_ids[each],
            "face_id": face_ids[each],
            "selfie_id": selfies[each % len(others)],
            "confidence_score": 80.0,
        }
        for each in range(photos - shown_in)
    ]
    for batch in _batches(len(rows)):
        _insert(session, FaceMatch, [rows[each] for each in batch])
    return Crowd(users, photos, shown_in)
