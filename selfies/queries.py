"""SQL about selfies."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Select, bindparam, delete, exists, func, select, update
from sqlalchemy.orm import Session

from encryption.templates import portrait_place, reading_cipher
from events.consents.queries import is_looked_for
from models import (
    DONE,
    PENDING,
    REJECTED,
    Evaluation,
    Event,
    FaceCandidate,
    FaceMatch,
    Photo,
    Selfie,
    SelfieEmbedding,
    UserEvent,
)
from settings import get_settings


def latest(session: Session, user_id: int) -> Selfie | None:
    """Return the guest's newest selfie, whatever came of it."""
    return session.scalar(select(Selfie).where(Selfie.user_id == user_id).order_by(Selfie.id.desc()).limit(1))


def latest_of_many(session: Session, user_ids: Sequence[int]) -> dict[int, Selfie]:
    """Return the newest selfie of each of these guests who has one."""
    newest = select(func.max(Selfie.id)).where(Selfie.user_id.in_(user_ids)).group_by(Selfie.user_id)
    return {each.user_id: each for each in session.scalars(select(Selfie).where(Selfie.id.in_(newest)))}


def current(session: Session, user_id: int) -> Selfie | None:
    """Return the selfie that stands for the guest: the newest that was not rejected."""
    return session.scalar(
        select(Selfie).where(Selfie.user_id == user_id, Selfie.status != REJECTED).order_by(Selfie.id.desc()).limit(1)
    )


def accepted(session: Session, user_id: int) -> Selfie | None:
    """Return the guest's newest selfie whose face was found and matched."""
    return session.scalar(
        select(Selfie).where(Selfie.user_id == user_id, Selfie.status == DONE).order_by(Selfie.id.desc()).limit(1)
    )


def in_force(session: Session, user_id: int) -> Sequence[Selfie]:
    """Return the guest's accepted selfies, oldest first: the newest that replaces others, and those kept since."""
    accepted = session.scalars(
        select(Selfie).where(Selfie.user_id == user_id, Selfie.status == DONE).order_by(Selfie.id)
    ).all()
    first = max((each.id for each in accepted if not each.keep), default=0)
    return [each for each in accepted if each.id >= first]


def not_rejected(session: Session, user_id: int) -> Sequence[Selfie]:
    """Return the guest's selfies that are accepted, or waiting to be, oldest first."""
    return session.scalars(
        select(Selfie).where(Selfie.user_id == user_id, Selfie.status != REJECTED).order_by(Selfie.id)
    ).all()


def older_selfies(session: Session, user_id: int, selfie_id: int) -> Sequence[Selfie]:
    """Return the guest's selfies that are older than this one."""
    return session.scalars(select(Selfie).where(Selfie.user_id == user_id, Selfie.id < selfie_id)).all()


def all_keys(session: Session, user_id: int) -> list[str]:
    """Return the storage keys of all the guest's selfies."""
    found = session.scalars(select(Selfie.storage_key).where(Selfie.user_id == user_id))
    return [key for key in found if key is not None]


def remove_all(session: Session, user_id: int) -> int:
    """Delete the guest's selfies; embeddings and matches go with them. Return how many."""
    return len(session.execute(delete(Selfie).where(Selfie.user_id == user_id).returning(Selfie.id)).all())


def remove(session: Session, selfie_ids: Sequence[int]) -> None:
    """Delete these selfies; embeddings and matches go with them."""
    if selfie_ids:
        session.execute(delete(Selfie).where(Selfie.id.in_(selfie_ids)))


def remove_waiting(session: Session, user_id: int) -> list[str]:
    """Delete the guest's selfies that no process has claimed, except further portraits; return their keys."""
    waiting = delete(Selfie).where(Selfie.user_id == user_id, Selfie.status == PENDING, Selfie.keep.is_(False))
    return [key for key in session.scalars(waiting.returning(Selfie.storage_key)) if key is not None]


def delete_matches_of_older(session: Session, user_id: int, selfie_id: int) -> None:
    """Delete, in one statement, the matches that came from the selfies this one replaces."""
    older = select(Selfie.id).where(Selfie.user_id == user_id, Selfie.id < selfie_id)
    session.execute(delete(FaceMatch).where(FaceMatch.selfie_id.in_(older)))


def inherit_matches(session: Session, user_id: int, selfie_id: int, engine_id: str) -> None:
    """Give this selfie the matches of the older ones that it replaces, in events of another active engine.

    Such an event changes to `engine_id`. Until the switch, this selfie cannot be matched there.
    """
    older = select(Selfie.id).where(Selfie.user_id == user_id, Selfie.id < selfie_id)
    events = (
        select(Event.id)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == user_id, UserEvent.withdrawn_at.is_(None), Event.active_engine_id != engine_id)
    )
    photos = select(Photo.id).where(Photo.event_id.in_(events))
    matches = update(FaceMatch).where(FaceMatch.selfie_id.in_(older), FaceMatch.photo_id.in_(photos))
    candidates = update(FaceCandidate).where(FaceCandidate.selfie_id.in_(older), FaceCandidate.event_id.in_(events))
    for found in (matches, candidates):
        session.execute(found.values(selfie_id=selfie_id).execution_options(synchronize_session=False))


def delete_embeddings(session: Session, selfie_id: int) -> None:
    """Delete what was computed from a selfie."""
    session.execute(delete(SelfieEmbedding).where(SelfieEmbedding.selfie_id == selfie_id))


def embedding(session: Session, selfie_id: int, engine_id: str) -> bytes | None:
    """Return the selfie's embedding by that engine, from whichever event has it."""
    found = session.execute(
        select(SelfieEmbedding.event_id, Selfie.storage_key, SelfieEmbedding.embedding)
        .join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
        .where(SelfieEmbedding.selfie_id == selfie_id, SelfieEmbedding.engine_id == engine_id)
    )
    for event_id, key, stored in found:
        cipher = reading_cipher(session, event_id)
        opened = cipher.opened_portrait(key or "", portrait_place(selfie_id), stored)
        if opened is not None:
            return opened
    return None


def is_embedded(session: Session, selfie_id: int, event_id: int, engine_id: str) -> bool:
    """Return whether that engine's embedding of the selfie is stored for the event."""
    there = exists().where(
        SelfieEmbedding.selfie_id == selfie_id,
        SelfieEmbedding.event_id == event_id,
        SelfieEmbedding.engine_id == engine_id,
    )
    return bool(session.scalar(select(there)))


def delete_embeddings_in(session: Session, user_id: int, event_id: int) -> None:
    """Delete what was computed from the guest's selfies for one event."""
    own = select(Selfie.id).where(Selfie.user_id == user_id)
    session.execute(
        delete(SelfieEmbedding).where(SelfieEmbedding.event_id == event_id, SelfieEmbedding.selfie_id.in_(own))
    )


def delete_evaluations(session: Session, user_id: int, event_id: int | None = None) -> None:
    """Delete what evaluations found with the guest's selfies, in one event or in all."""
    found = delete(Evaluation).where(Evaluation.user_id == user_id)
    session.execute(found if event_id is None else found.where(Evaluation.event_id == event_id))


def looked_for(session: Session, user_id: int, selfie_id: int, engine_id: str) -> dict[int, bool]:
    """Return the events in which the guest is looked for: joined, with a consent in force, and faces compared.

    For each, whether this selfie has an embedding of that engine there.
    """
    asked = {"of_user": user_id, "of_selfie": selfie_id, "of_engine": engine_id}
    return dict(iter(session.execute(_looked_for(only_words=get_settings().require_consent), asked).all()))


@cache
def _looked_for(*, only_words: bool) -> Select[int, bool]:
    """`only_words` is what `is_looked_for` depends on: the statement is built once for each."""
    there = exists().where(
        SelfieEmbedding.selfie_id == bindparam("of_selfie"),
        SelfieEmbedding.event_id == UserEvent.event_id,
        SelfieEmbedding.engine_id == bindparam("of_engine"),
    )
    return select(UserEvent.event_id, there).where(UserEvent.user_id == bindparam("of_user"), is_looked_for())


def known_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that a selfie's bytes lie under."""
    return {key for key in session.scalars(select(Selfie.storage_key).where(Selfie.storage_key.in_(keys))) if key}


def count_files(session: Session) -> int:
    """Return the number of selfies that have a file."""
    return session.scalar(select(func.count()).select_from(Selfie).where(Selfie.storage_key.is_not(None))) or 0


def count(session: Session) -> int:
    """Return the number of selfies."""
    return session.scalar(select(func.count()).select_from(Selfie)) or 0
