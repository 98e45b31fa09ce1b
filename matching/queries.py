"""SQL about faces, embeddings and matches."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BindParameter,
    Row,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from encryption import keys
from encryption.templates import portrait_place, reading_cipher, writing_cipher
from events.consents.queries import is_looked_for
from models import DONE, Event, Face, FaceMatch, Photo, Refusal, Selfie, SelfieEmbedding, User, UserEvent
from settings import get_settings

# Statements of each job are built once: building one takes longer than its query.
_OF_USER: BindParameter[int] = bindparam("of_user")
_OF_EVENT: BindParameter[int] = bindparam("of_event")
_OF_ENGINE: BindParameter[str] = bindparam("of_engine")
_OF_SELFIE: BindParameter[int] = bindparam("of_selfie")


class StoredFaces(NamedTuple):
    """Faces as columns of equal length, in the order of their ids; `stored` are the encrypted templates."""

    face_ids: tuple[int, ...]
    photo_ids: tuple[int, ...]
    stored: tuple[bytes, ...]


class PortraitEmbedding(NamedTuple):
    """A guest's selfie as embedded at one event; `embedding` and `mean` are float32 bytes of equal length.

    `keep`: a further portrait, that leaves the older ones in force. `storage_key` is that of the selfie's file.
    """

    user_id: int
    selfie_id: int
    keep: bool
    embedding: bytes
    mean: bytes | None
    storage_key: str = ""


class RankedSelfie(NamedTuple):
    """A selfie, and whether it is in force: no newer accepted one of the guest has replaced it."""

    selfie: Selfie
    is_in_force: bool


class ReplacedFaces(NamedTuple):
    """Whether a photo had faces by the engine before, and the ids of its new ones, in the order given."""

    had_faces: bool
    face_ids: list[int]


def faces_after(session: Session, event_id: int, engine_id: str, face_id: int, limit: int) -> StoredFaces:
    """Return the event's faces with a higher id than `face_id`, at most `limit`, by their ids."""
    rows = session.execute(
        select(Face.id, Face.photo_id, Face.embedding)
        .where(Face.event_id == event_id, Face.engine_id == engine_id, Face.id > face_id)
        .order_by(Face.id)
        .limit(limit)
    ).all()
    return StoredFaces(*zip(*rows, strict=True)) if rows else StoredFaces((), (), ())


def face_ids(session: Session, event_id: int, engine_id: str, first_id: int, last_id: int) -> NDArray[np.int64]:
    """Return the ids of the event's faces from `first_id` to `last_id`, in any order; an index has them all.

    As one text: a million numbers would take a second each as a value of its own.
    """
    of_event = (Face.event_id == event_id, Face.engine_id == engine_id, Face.id.between(first_id, last_id))
    text = session.scalar(select(func.aggregate_strings(cast(Face.id, String), ",")).where(*of_event))
    return np.fromstring(text, np.int64, sep=",") if text else np.zeros(0, np.int64)


def engine_and_version(session: Session, event_id: int) -> tuple[str, int] | None:
    """Return the event's active engine and its version; None if it is deleted."""
    row = session.execute(select(Event.active_engine_id, Event.version).where(Event.id == event_id)).one_or_none()
    return (row[0], row[1]) if row is not None else None


def guests_embeddings(session: Session, event_id: int, engine_id: str) -> list[PortraitEmbedding]:
    """Return the embeddings of all portraits that are in force at the event, of all guests."""
    asked, only_words = {"of_event": event_id, "of_engine": engine_id}, get_settings().require_consent
    return _in_force(session, event_id, session.execute(_embeddings(only_words=only_words), asked).all())


def portrait_embeddings(session: Session, user_id: int, event_id: int, engine_id: str) -> list[PortraitEmbedding]:
    """Return the embeddings of the guest's portraits that are in force at the event, oldest first."""
    asked = {"of_event": event_id, "of_engine": engine_id, "of_user": user_id}
    own = _own_embeddings(only_words=get_settings().require_consent)
    return _in_force(session, event_id, session.execute(own, asked).all())


@cache
def _embeddings(*, only_words: bool) -> Select[*tuple[Any, ...]]:
    """`only_words` is what `is_looked_for` depends on: the statement is built once for each."""
    return (
        select(
            Selfie.user_id,
            Selfie.id,
            Selfie.keep,
            Selfie.storage_key,
            SelfieEmbedding.embedding,
            SelfieEmbedding.mean,
        )
        .join(SelfieEmbedding, SelfieEmbedding.selfie_id == Selfie.id)
        .where(SelfieEmbedding.event_id == _OF_EVENT, SelfieEmbedding.engine_id == _OF_ENGINE)
        # Withdrawing deletes the embeddings too: this is the second line of defence.
        .where(is_looked_for(Selfie.user_id, SelfieEmbedding.event_id))
        .order_by(SelfieEmbedding.selfie_id)
    )


@cache
def _own_embeddings(*, only_words: bool) -> Select[*tuple[Any, ...]]:
    return _embeddings(only_words=only_words).where(Selfie.user_id == _OF_USER)


def _in_force(session: Session, event_id: int, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[PortraitEmbedding]:
    """Return the portraits from each guest's newest one that replaces others, in the order given.

    A portrait whose key was destroyed is left out.
    """
    if not rows:
        return []
    cipher, found = reading_cipher(session, event_id), list[PortraitEmbedding]()
    keys.load(keys.of_portrait(row.storage_key) for row in rows if row.storage_key)
    for user_id, selfie_id, keep, key, stored, stored_mean in rows:
        embedding = cipher.opened_portrait(key or "", portrait_place(selfie_id), stored)
        if embedding is not None:
            place = portrait_place(selfie_id, "mean")
            mean = cipher.opened_portrait(key or "", place, stored_mean) if stored_mean else None
            found.append(PortraitEmbedding(user_id, selfie_id, keep, embedding, mean, key or ""))
    replaced = {each.user_id: each.selfie_id for each in found if not each.keep}
    return [each for each in found if each.selfie_id >= replaced.get(each.user_id, 0)]


def store_mean(
    session: Session, portrait: PortraitEmbedding, event_id: int, engine_id: str, mean: bytes | None
) -> None:
    """Store the mean of the portrait and of the faces found, given as float32 bytes; None if none was found."""
    if mean is not None:
        place = portrait_place(portrait.selfie_id, "mean")
        mean = writing_cipher(session, event_id).portrait(portrait.storage_key, place, mean)
    session.execute(
        update(SelfieEmbedding)
        .where(
            SelfieEmbedding.selfie_id == portrait.selfie_id,
            SelfieEmbedding.event_id == event_id,
            SelfieEmbedding.engine_id == engine_id,
        )
        .values(mean=mean)
        .execution_options(synchronize_session=False)
    )


_MATCHES_OF = (
    select(FaceMatch)
    .join(Photo, Photo.id == FaceMatch.photo_id)
    .where(FaceMatch.user_id == _OF_USER, Photo.event_id == _OF_EVENT)
)


def matches_of(session: Session, user_id: int, event_id: int) -> Sequence[FaceMatch]:
    """Return the guest's matches in the event."""
    return session.scalars(_MATCHES_OF, {"of_user": user_id, "of_event": event_id}).all()


def delete_matches_in(session: Session, user_id: int, event_id: int) -> None:
    """Delete the guest's matches in one event."""
    photos = select(Photo.id).where(Photo.event_id == event_id)
    session.execute(delete(FaceMatch).where(FaceMatch.user_id == user_id, FaceMatch.photo_id.in_(photos)))


def delete_matches(session: Session, match_ids: Sequence[int]) -> None:
    """Delete these matches."""
    if match_ids:
        session.execute(
            delete(FaceMatch).where(FaceMatch.id.in_(match_ids)).execution_options(synchronize_session=False)
        )


def add_matches(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert matches; each row has the columns of `FaceMatch` by name."""
    if rows:
        session.execute(insert(FaceMatch), list(rows))


# --- refusals --------------------------------------------------------------------------------------


def is_matched_or_refused(session: Session, user_id: int, photo_id: int) -> bool:
    """Return whether the photo is matched with the guest, or the guest has refused it."""
    match = exists().where(FaceMatch.user_id == user_id, FaceMatch.photo_id == photo_id)
    refusal_there = exists().where(Refusal.user_id == user_id, Refusal.photo_id == photo_id)
    return bool(session.scalar(select(match | refusal_there)))


def refusal(session: Session, user_id: int, photo_id: int) -> Refusal | None:
    """Return the guest's refusal of the photo."""
    return session.get(Refusal, (user_id, photo_id))


_REFUSED = select(Refusal.photo_id).where(Refusal.user_id == _OF_USER)


def refused_photos(session: Session, user_id: int) -> Sequence[int]:
    """Return the ids of the photos that the guest has refused, in all events."""
    return session.scalars(_REFUSED, {"of_user": user_id}).all()


def add_refusal(session: Session, user_id: int, photo_id: int) -> None:
    """Insert the guest's refusal of the photo."""
    session.add(Refusal(user_id=user_id, photo_id=photo_id))
    session.flush()


def delete_match(session: Session, user_id: int, photo_id: int) -> None:
    """Delete the guest's match with the photo, if there is one."""
    session.execute(delete(FaceMatch).where(FaceMatch.user_id == user_id, FaceMatch.photo_id == photo_id))


# --- photos and their faces ------------------------------------------------------------------------


def photo(session: Session, photo_id: int) -> Photo | None:
    """Return a photo."""
    return session.get(Photo, photo_id)


def lock_photo(session: Session, photo_id: int) -> Photo | None:
    """Return a photo with its row locked."""
    return session.scalar(select(Photo).where(Photo.id == photo_id).with_for_update())


def replace_faces(session: Session, photo_id: int, engine_id: str, rows: Sequence[dict[str, Any]]) -> ReplacedFaces:
    """Delete the photo's faces by this engine and insert these; each row has the columns of `Face` by name.

    Those by another engine stay: while the event changes to this one, they count.
    """
    old = delete(Face).where(Face.photo_id == photo_id, Face.engine_id == engine_id)
    had = session.execute(old.returning(Face.id)).all()
    return ReplacedFaces(bool(had), add_faces(session, rows))


def add_faces(session: Session, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert faces and return their ids, in the order given; each row has the columns of `Face` by name."""
    if not rows:
        return []
    inserted = insert(Face).returning(Face.id, sort_by_parameter_order=True)
    return list(session.scalars(inserted, list(rows)))


def versions(session: Session, event_ids: Iterable[int]) -> dict[int, int]:
    """Return the versions of these events, of those that are there."""
    return dict(iter(session.execute(select(Event.id, Event.version).where(Event.id.in_(list(event_ids)))).all()))


def increment_version(session: Session, event_id: int) -> None:
    """Increment the event's version, so that every process reads the event's faces again."""
    session.execute(update(Event).where(Event.id == event_id).values(version=Event.version + 1))


# --- selfies and memberships -----------------------------------------------------------------------


def selfie(session: Session, selfie_id: int) -> Selfie | None:
    """Return a selfie."""
    return session.get(Selfie, selfie_id)


def ranked_selfie(session: Session, selfie_id: int) -> RankedSelfie | None:
    """Return a selfie, read again from the database, and whether no accepted selfie of its guest has replaced it."""
    options = {"populate_existing": True}
    row = session.execute(_ranked_selfie(), {"of_selfie": selfie_id}, execution_options=options).one_or_none()
    return RankedSelfie(*row) if row is not None else None


@cache
def _ranked_selfie() -> Select[Selfie, bool]:
    # Built once: an alias of a mapped class takes longer than the query.
    newer = aliased(Selfie)
    surpassed = exists().where(
        newer.user_id == Selfie.user_id, newer.id > Selfie.id, newer.status == DONE, newer.keep.is_(False)
    )
    return select(Selfie, ~surpassed).where(Selfie.id == _OF_SELFIE)


_CHILDREN = select(User.id).where(User.id.in_(bindparam("of_users", expanding=True)), User.guardian_id.is_not(None))


def children_among(session: Session, user_ids: Collection[int]) -> set[int]:
    """Return which of these accounts are children."""
    return set(session.scalars(_CHILDREN, {"of_users": list(user_ids)})) if user_ids else set()


def selfie_of_member(session: Session, selfie_id: int, event_id: int) -> Selfie | None:
    """Return a selfie if its guest is a member of the event and may be looked for there."""
    asked = _selfie_of_member(only_words=get_settings().require_consent)
    return session.scalar(asked, {"of_selfie": selfie_id, "of_event": event_id})


@cache
def _selfie_of_member(*, only_words: bool) -> Select[Selfie]:
    """`only_words`: see `_embeddings`."""
    return (
        select(Selfie)
        .join(UserEvent, UserEvent.user_id == Selfie.user_id)
        .where(Selfie.id == _OF_SELFIE, UserEvent.event_id == _OF_EVENT, is_looked_for())
    )


_OWNER = (
    select(User)
    .where(User.id == select(Selfie.user_id).where(Selfie.id == _OF_SELFIE).scalar_subquery())
    .with_for_update()
)


def lock_owner(session: Session, selfie_id: int) -> User | None:
    """Return the guest whose selfie it is, with the account's row locked."""
    return session.scalar(_OWNER, {"of_selfie": selfie_id})


def add_selfie_embeddings(
    session: Session, selfie_id: int, event_ids: Iterable[int], engine_id: str, embedding: bytes
) -> None:
    """Insert a selfie's embedding (float32 bytes) for each of these events, encrypted.

    Raises:
        KeysUnavailable: a key cannot be had now.
    """
    key = storage_key(session, selfie_id)
    for event_id in event_ids:
        cipher = writing_cipher(session, event_id)
        stored = cipher.portrait(key, portrait_place(selfie_id), embedding) if embedding else embedding
        session.add(SelfieEmbedding(selfie_id=selfie_id, event_id=event_id, engine_id=engine_id, embedding=stored))
    session.flush()


_STORAGE_KEY = select(Selfie.storage_key).where(Selfie.id == _OF_SELFIE)


def storage_key(session: Session, selfie_id: int) -> str:
    """Return the storage key of a selfie; empty if there is none."""
    return session.scalar(_STORAGE_KEY, {"of_selfie": selfie_id}) or ""


def lock_membership(session: Session, membership_id: int) -> UserEvent | None:
    """Return a membership with its row locked."""
    return session.scalar(select(UserEvent).where(UserEvent.id == membership_id).with_for_update())


def memberships_of(session: Session, user_id: int) -> Sequence[UserEvent]:
    """Return the guest's memberships, the oldest first."""
    return session.scalars(select(UserEvent).where(UserEvent.user_id == user_id).order_by(UserEvent.id)).all()


def memberships_of_many(session: Session, user_ids: Sequence[int]) -> dict[int, list[UserEvent]]:
    """Return the memberships of each of these guests, the oldest first."""
    found: dict[int, list[UserEvent]] = {each: [] for each in user_ids}
    for row in session.scalars(select(UserEvent).where(UserEvent.user_id.in_(user_ids)).order_by(UserEvent.id)):
        found[row.user_id].append(row)
    return found


# --- counts ----------------------------------------------------------------------------------------


def count_faces_of(session: Session, event_id: int, engine_id: str) -> int:
    """Return the number of faces that the engine has found in the event's photos."""
    of_event = select(func.count()).where(Face.event_id == event_id, Face.engine_id == engine_id)
    return session.scalar(of_event) or 0


def count_faces(session: Session) -> int:
    """Return the number of faces by their events' active engines."""
    of_event = and_(Event.id == Face.event_id, Event.active_engine_id == Face.engine_id)
    return session.scalar(select(func.count()).select_from(Face).join(Event, of_event)) or 0


def count_matches(session: Session) -> int:
    """Return the number of matches."""
    return session.scalar(select(func.count()).select_from(FaceMatch)) or 0
