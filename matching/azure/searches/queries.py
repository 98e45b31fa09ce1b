"""SQL about what searches with portraits have found at Azure, and which are still wanted."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.orm import Session

from models import Face, RemoteFace, RemoteList, RemoteSearch, RemoteSimilarity, RemoteTwin, Selfie, SelfieEmbedding


class SimilarFace(NamedTuple):
    """A photo's face that a search with one of the guest's portraits has found."""

    face_id: int
    photo_id: int
    selfie_id: int
    similarity: float


def searched_version(session: Session, embedding_id: int) -> int:
    """Return the version of the photos' list that the last search with the portrait covered; -1 without one."""
    found = session.scalar(select(RemoteSearch.version).where(RemoteSearch.embedding_id == embedding_id))
    return -1 if found is None else found


def want_search(session: Session, event_id: int, engine_id: str, user_ids: Collection[int]) -> None:
    """Note that searches with these guests' portraits in the event must cover the photos' list as it is now."""
    of_guests = (
        select(SelfieEmbedding.id)
        .join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
        .where(
            SelfieEmbedding.event_id == event_id,
            SelfieEmbedding.engine_id == engine_id,
            Selfie.user_id.in_(list(user_ids)),
        )
    )
    now = select(RemoteList.changed).where(RemoteList.event_id == event_id, RemoteList.kind == "photos")
    version = session.scalar(now) or 0
    embedding_ids = session.scalars(of_guests).all()
    known = set(
        session.scalars(select(RemoteSearch.embedding_id).where(RemoteSearch.embedding_id.in_(embedding_ids)))
    )
    session.execute(update(RemoteSearch).where(RemoteSearch.embedding_id.in_(known)).values(wanted=version))
    for each in set(embedding_ids) - known:
        session.add(RemoteSearch(embedding_id=each, version=-1, wanted=version))
    session.flush()


def is_search_wanted(session: Session, selfie_ids: Collection[int], event_id: int) -> bool:
    """Return whether one of these portraits is still to be searched with in the event, as `want_search` noted."""
    return bool(
        session.scalar(
            select(
                exists()
                .where(RemoteSearch.version < RemoteSearch.wanted)
                .where(SelfieEmbedding.id == RemoteSearch.embedding_id, SelfieEmbedding.event_id == event_id)
                .where(SelfieEmbedding.selfie_id.in_(list(selfie_ids)))
            )
        )
    )


def store_search(session: Session, embedding_id: int, version: int, found: dict[int, float]) -> None:
    """Replace what searches with the portrait have found by this: similarities by the face's id.

    What was found of faces that are in no list now stays: they are added again, see `lists.forget`.
    """
    of_portrait = RemoteSimilarity.embedding_id == embedding_id
    listed = exists().where(RemoteFace.face_id == RemoteSimilarity.face_id)
    session.execute(delete(RemoteSimilarity).where(of_portrait, listed).execution_options(synchronize_session=False))
    if found:
        rows = [{"embedding_id": embedding_id, "face_id": face, "similarity": value} for face, value in found.items()]
        session.execute(insert(RemoteSimilarity), rows)
    row = session.get(RemoteSearch, embedding_id)
    if row is None:
        session.add(RemoteSearch(embedding_id=embedding_id, version=version))
    else:
        row.version = version
    session.flush()


def forget_searches(session: Session, event_id: int) -> None:
    """Have every portrait of the event searched with again, whatever was found."""
    of_event = select(SelfieEmbedding.id).where(SelfieEmbedding.event_id == event_id)
    session.execute(delete(RemoteSearch).where(RemoteSearch.embedding_id.in_(of_event)))


def similar_faces(session: Session, selfie_ids: Collection[int], event_id: int) -> list[SimilarFace]:
    """Return what searches with these selfies have found in the event."""
    rows = session.execute(
        select(Face.id, Face.photo_id, SelfieEmbedding.selfie_id, RemoteSimilarity.similarity)
        .join(RemoteSimilarity, RemoteSimilarity.face_id == Face.id)
        .join(SelfieEmbedding, SelfieEmbedding.id == RemoteSimilarity.embedding_id)
        .where(SelfieEmbedding.event_id == event_id, SelfieEmbedding.selfie_id.in_(list(selfie_ids)))
        .order_by(Face.id, SelfieEmbedding.selfie_id)
    )
    return [SimilarFace(*row) for row in rows]


def store_twins(session: Session, embedding_id: int, others: Collection[int]) -> None:
    """Record that these portraits surely show the same person as this one."""
    known = set(session.scalars(select(RemoteTwin.other_id).where(RemoteTwin.embedding_id == embedding_id)))
    known |= set(session.scalars(select(RemoteTwin.embedding_id).where(RemoteTwin.other_id == embedding_id)))
    for each in set(others) - known:
        low, high = sorted((embedding_id, each))
        session.add(RemoteTwin(embedding_id=low, other_id=high))
    session.flush()


def twins_in(session: Session, event_id: int) -> set[tuple[int, int]]:
    """Return the pairs of guests of the event of whom two portraits surely show one person, lower id first."""
    low, high = (select(SelfieEmbedding.id, Selfie.user_id, SelfieEmbedding.event_id) for _ in range(2))
    one = low.join(Selfie, Selfie.id == SelfieEmbedding.selfie_id).subquery()
    two = high.join(Selfie, Selfie.id == SelfieEmbedding.selfie_id).subquery()
    rows = session.execute(
        select(one.c.user_id, two.c.user_id)
        .select_from(RemoteTwin)
        .join(one, one.c.id == RemoteTwin.embedding_id)
        .join(two, two.c.id == RemoteTwin.other_id)
        .where(one.c.event_id == event_id, two.c.event_id == event_id)
    )
    return {(min(pair), max(pair)) for pair in rows}
