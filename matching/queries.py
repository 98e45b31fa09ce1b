"""SQL about faces, embeddings and matches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Row, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from models import (
    DONE,
    Event,
    Face,
    FaceMatch,
    Photo,
    Refusal,
    Selfie,
    SelfieEmbedding,
    User,
    UserEvent,
)


def faces_after(
    session: Session, event_id: int, engine_id: str, face_id: int, batch: int
) -> Iterator[Sequence[Row[int, int, bytes]]]:
    """Yield id, photo and embedding of the event's faces whose id is higher, in the order of their ids, in batches.

    What was yielded is not held: a driver asked for all rows at once would keep a million of them.
    """
    statement = (
        select(Face.id, Face.photo_id, Face.embedding)
        .where(Face.event_id == event_id, Face.engine_id == engine_id, Face.id > face_id)
        .order_by(Face.id)
    )
    yield from session.execute(statement, execution_options={"yield_per": batch}).partitions()


def guests_embeddings(
    session: Session, event_id: int, engine_id: str
) -> Sequence[Row[int, int, bytes, bytes | None]]:
    """Return guest, selfie, embedding and mean for every guest of the event, by the guest's newest selfie."""
    rows = session.execute(
        select(Selfie.user_id, Selfie.id, SelfieEmbedding.embedding, SelfieEmbedding.mean)
        .join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
        .where(SelfieEmbedding.event_id == event_id, SelfieEmbedding.engine_id == engine_id)
        .order_by(SelfieEmbedding.selfie_id)
    ).all()
    return list({row[0]: row for row in rows}.values())


def guest_embedding(session: Session, user_id: int, event_id: int, engine_id: str) -> Row[int, bytes] | None:
    """Return selfie and embedding of one guest of the event, by the guest's newest selfie."""
    return session.execute(
        select(Selfie.id, SelfieEmbedding.embedding)
        .join(SelfieEmbedding, SelfieEmbedding.selfie_id == Selfie.id)
        .where(
            Selfie.user_id == user_id, SelfieEmbedding.event_id == event_id, SelfieEmbedding.engine_id == engine_id
        )
        .order_by(Selfie.id.desc())
        .limit(1)
    ).one_or_none()


def store_mean(session: Session, selfie_id: int, event_id: int, engine_id: str, mean: bytes | None) -> None:
    """Keep what the second look at an event compares with."""
    session.execute(
        update(SelfieEmbedding)
        .where(
            SelfieEmbedding.selfie_id == selfie_id,
            SelfieEmbedding.event_id == event_id,
            SelfieEmbedding.engine_id == engine_id,
        )
        .values(mean=mean)
    )


def matches_of(session: Session, user_id: int, event_id: int) -> Sequence[FaceMatch]:
    """Return the guest's matches in the event."""
    return session.scalars(
        select(FaceMatch)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == user_id, Photo.event_id == event_id)
    ).all()


def delete_matches_of_older_in(session: Session, user_id: int, event_id: int, selfie_id: int) -> None:
    """Delete, in one statement, the matches in the event that came from the selfies this one replaces."""
    older = select(Selfie.id).where(Selfie.user_id == user_id, Selfie.id < selfie_id)
    photos = select(Photo.id).where(Photo.event_id == event_id)
    session.execute(
        delete(FaceMatch).where(
            FaceMatch.user_id == user_id, FaceMatch.selfie_id.in_(older), FaceMatch.photo_id.in_(photos)
        )
    )


def delete_matches_in(session: Session, user_id: int, event_id: int) -> None:
    """Delete the guest's matches in one event."""
    photos = select(Photo.id).where(Photo.event_id == event_id)
    session.execute(delete(FaceMatch).where(FaceMatch.user_id == user_id, FaceMatch.photo_id.in_(photos)))


def delete_matches(session: Session, match_ids: Sequence[int]) -> None:
    """Delete these matches."""
    if match_ids:
        session.execute(delete(FaceMatch).where(FaceMatch.id.in_(match_ids)))


def add_matches(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert matches."""
    if rows:
        session.execute(insert(FaceMatch), list(rows))


# --- what guests refuse ----------------------------------------------------------------------------


def is_judged(session: Session, user_id: int, photo_id: int) -> bool:
    """Tell whether the photo is matched with the guest, or was until the guest refused it."""
    match = exists().where(FaceMatch.user_id == user_id, FaceMatch.photo_id == photo_id)
    refused = exists().where(Refusal.user_id == user_id, Refusal.photo_id == photo_id)
    return bool(session.scalar(select(match | refused)))


def refusal(session: Session, user_id: int, photo_id: int) -> Refusal | None:
    """Return the guest's refusal of the photo."""
    return session.get(Refusal, (user_id, photo_id))


def refused_photos(session: Session, user_id: int) -> Sequence[int]:
    """Return the photos that the guest refused."""
    return session.scalars(select(Refusal.photo_id).where(Refusal.user_id == user_id)).all()


def add_refusal(session: Session, user_id: int, photo_id: int) -> None:
    """Keep in mind that the photo does not show the guest."""
    session.add(Refusal(user_id=user_id, photo_id=photo_id))
    session.flush()


def delete_match(session: Session, user_id: int, photo_id: int) -> bool:
    """Delete the guest's match with the photo; tell whether there was one."""
    statement = delete(FaceMatch).where(FaceMatch.user_id == user_id, FaceMatch.photo_id == photo_id)
    return bool(session.execute(statement.returning(FaceMatch.id)).all())


def known_photo(session: Session, photo_id: int) -> Photo | None:
    """Return a photo."""
    return session.get(Photo, photo_id)


# --- selfies, photos, memberships ------------------------------------------------------------------


def replace_faces(session: Session, photo_id: int, rows: Sequence[dict[str, Any]]) -> tuple[bool, list[int]]:
    """Put these faces in the place of those the photo had; tell whether it had any, and the new ids, in order."""
    had = session.execute(delete(Face).where(Face.photo_id == photo_id).returning(Face.id)).all()
    faces = [Face(**row) for row in rows]
    # One by one, so that the ids rise in the order given on every database.
    for face in faces:
        session.add(face)
        session.flush()
    return bool(had), [face.id for face in faces]


def raise_version(session: Session, event_id: int) -> None:
    """Tell every process that faces of the event have disappeared."""
    session.execute(update(Event).where(Event.id == event_id).values(version=Event.version + 1))


def add_selfie_embeddings(
    session: Session, selfie_id: int, event_ids: Iterable[int], engine_id: str, embedding: bytes
) -> None:
    """Store a selfie's embedding for each of these events."""
    session.add_all(
        SelfieEmbedding(selfie_id=selfie_id, event_id=event_id, engine_id=engine_id, embedding=embedding)
        for event_id in event_ids
    )
    session.flush()


def selfie_and_rank(session: Session, selfie_id: int) -> Row[Selfie, bool] | None:
    """Return a selfie as it is now, and whether its guest has had none accepted since."""
    newer = aliased(Selfie)
    surpassed = exists().where(newer.user_id == Selfie.user_id, newer.id > Selfie.id, newer.status == DONE)
    statement = select(Selfie, ~surpassed).where(Selfie.id == selfie_id)
    return session.execute(statement, execution_options={"populate_existing": True}).one_or_none()


def selfie_looked_for(session: Session, selfie_id: int, event_id: int) -> Selfie | None:
    """Return a selfie if its guest is looked for in the event: has joined it, and not withdrawn the consent."""
    return session.scalar(
        select(Selfie)
        .join(UserEvent, UserEvent.user_id == Selfie.user_id)
        .where(Selfie.id == selfie_id, UserEvent.event_id == event_id, UserEvent.withdrawn_at.is_(None))
    )


def selfie(session: Session, selfie_id: int) -> Selfie | None:
    """Return a selfie."""
    return session.get(Selfie, selfie_id)


def lock_photo(session: Session, photo_id: int) -> Photo | None:
    """Return a photo with its row locked."""
    return session.scalar(select(Photo).where(Photo.id == photo_id).with_for_update())


def lock_membership(session: Session, membership_id: int) -> UserEvent | None:
    """Return a membership with its row locked."""
    return session.scalar(select(UserEvent).where(UserEvent.id == membership_id).with_for_update())


def memberships_of(session: Session, user_id: int) -> Sequence[UserEvent]:
    """Return the guest's memberships."""
    return session.scalars(select(UserEvent).where(UserEvent.user_id == user_id).order_by(UserEvent.id)).all()


def count_of_user(session: Session, user_id: int) -> int:
    """Return how many photos show the guest, over all events."""
    return session.scalar(select(func.count()).select_from(FaceMatch).where(FaceMatch.user_id == user_id)) or 0


def lock_owner(session: Session, selfie_id: int) -> User | None:
    """Return the guest whose selfie it is, with the account's row locked."""
    return session.scalar(
        select(User)
        .where(User.id == select(Selfie.user_id).where(Selfie.id == selfie_id).scalar_subquery())
        .with_for_update()
    )


def count_faces(session: Session) -> int:
    """Return the number of faces."""
    return session.scalar(select(func.count()).select_from(Face)) or 0


def count_matches(session: Session) -> int:
    """Return the number of matches."""
    return session.scalar(select(func.count()).select_from(FaceMatch)) or 0
