"""SQL about everything that is held about one account: which rows of each table are the owner's."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from encryption.templates import portrait_place, reading_cipher
from guests.export.tables import EXPORTED
from models import (
    AuditEntry,
    Badge,
    BadgeMark,
    Base,
    Event,
    EventPhotographer,
    Face,
    FaceMatch,
    LinkedPhoto,
    Photo,
    PhotoLink,
    Pseudonym,
    RemoteFace,
    RemoteSimilarity,
    Selfie,
    SelfieEmbedding,
    TogetherGroup,
    TogetherMember,
    TrashedPhoto,
    Upload,
    User,
    UserEvent,
)
from photos.visible.queries import is_mine


def rows_of(session: Session, user_id: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each exported table with the owner's rows, each row by its columns."""
    for table, columns in EXPORTED.items():
        found = Base.metadata.tables[table]
        wanted = select(*(found.c[each] for each in columns)).where(_is_owners(table, user_id))
        ordered = wanted.order_by(*found.primary_key.columns)
        rows = [dict(row._mapping) for row in session.execute(ordered)]
        yield table, [_decrypted(session, table, row) for row in rows]


def _decrypted(session: Session, table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its templates as float32 bytes; one whose key was destroyed is null."""
    if table == "faces":
        opened = reading_cipher(session, row["event_id"]).opened_face(row["photo_id"], row["embedding"])
        return {**row, "embedding": opened}
    if table == "selfie_embeddings":
        cipher, key = reading_cipher(session, row["event_id"]), _storage_key(session, row["selfie_id"])
        return {
            **row,
            "embedding": cipher.opened_portrait(key, portrait_place(row["selfie_id"]), row["embedding"]),
            "mean": cipher.opened_portrait(key, portrait_place(row["selfie_id"], "mean"), row["mean"] or b"") or None,
        }
    return row


def _storage_key(session: Session, selfie_id: int) -> str:
    return session.scalar(select(Selfie.storage_key).where(Selfie.id == selfie_id)) or ""


def _is_owners(table: str, user_id: int) -> ColumnElement[bool]:
    others = _BY_ROWS.get(table)
    if others is not None:
        return others(user_id)
    owner: ColumnElement[int] = Base.metadata.tables[table].c["user_id"]
    return owner == user_id


def _selfies(user_id: int) -> Select[int]:
    return select(Selfie.id).where(Selfie.user_id == user_id)


def _embeddings(user_id: int) -> Select[int]:
    return select(SelfieEmbedding.id).where(SelfieEmbedding.selfie_id.in_(_selfies(user_id)))


def _events(user_id: int) -> ColumnElement[bool]:
    joined = select(UserEvent.event_id).where(UserEvent.user_id == user_id)
    assigned = select(EventPhotographer.event_id).where(EventPhotographer.photographer_id == user_id)
    return or_(Event.id.in_(joined), Event.id.in_(assigned))


def _photos(user_id: int) -> ColumnElement[bool]:
    return or_(Photo.photographer_id == user_id, is_mine(user_id))


def _faces(user_id: int) -> Select[int | None]:
    """Select the faces that similarity shows to be the owner's: what a guest only says may be another one's face."""
    return select(FaceMatch.face_id).where(FaceMatch.user_id == user_id, FaceMatch.declared.is_(False))


def _entries(user_id: int) -> ColumnElement[bool]:
    own = select(Pseudonym.pseudonym).where(Pseudonym.user_id == user_id)
    return or_(AuditEntry.actor.in_(own), AuditEntry.subject.in_(own))


# Tables that name the owner otherwise than by `user_id`.
_BY_ROWS: dict[str, Callable[[int], ColumnElement[bool]]] = {
    "users": lambda user_id: User.id == user_id,
    "events": _events,
    "event_photographers": lambda user_id: EventPhotographer.photographer_id == user_id,
    "selfie_embeddings": lambda user_id: SelfieEmbedding.selfie_id.in_(_selfies(user_id)),
    "photos": _photos,
    "faces": lambda user_id: Face.id.in_(_faces(user_id)),
    "together_groups": lambda user_id: TogetherGroup.id.in_(
        select(TogetherMember.group_id).where(TogetherMember.user_id == user_id)
    ),
    "linked_photos": lambda user_id: LinkedPhoto.link_id.in_(
        select(PhotoLink.id).where(PhotoLink.user_id == user_id)
    ),
    "remote_faces": lambda user_id: or_(
        RemoteFace.embedding_id.in_(_embeddings(user_id)), RemoteFace.face_id.in_(_faces(user_id))
    ),
    "remote_similarities": lambda user_id: RemoteSimilarity.embedding_id.in_(_embeddings(user_id)),
    "badge_marks": lambda user_id: BadgeMark.badge_id.in_(select(Badge.id).where(Badge.user_id == user_id)),
    "uploads": lambda user_id: Upload.photographer_id == user_id,
    "trashed_photos": lambda user_id: TrashedPhoto.photographer_id == user_id,
    "audit_entries": _entries,
}
