"""SQL about candidates and confirmations, and the matches that follow from them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session, defer

from encryption.templates import portrait_place, reading_cipher
from events.queries import counts_in_event
from matching.claims.nearest import LOST, MATCH, MAYBE
from models import Confirmation, Event, Face, FaceCandidate, FaceMatch, Photo, Refusal, Selfie, SelfieEmbedding
from photos.visible.queries import withheld_from

# Values in one IN list: SQLite takes 32,766 in a statement.
CHUNK = 10_000
# How many faces of one photo a guest may be asked about before further photos are left out.
FACES_PER_PHOTO = 4


# Statements of each job are built once: building one takes longer than its query.
_OF_USER: BindParameter[int] = bindparam("of_user")
_OF_EVENT: BindParameter[int] = bindparam("of_event")
_OF_ENGINE: BindParameter[str] = bindparam("of_engine")


class Maybe(NamedTuple):
    """A face that may be a guest's, in its photo."""

    candidate: FaceCandidate
    face: Face
    photo: Photo


class Rival(NamedTuple):
    """A candidate of another guest for a face: see `models.FaceCandidate`."""

    face_id: int
    user_id: int
    similarity: float
    accepted: bool
    confirmed: bool
    standing: str


class MatchedFace(NamedTuple):
    """A face that is a guest's, as it becomes a row of `face_matches`."""

    photo_id: int
    face_id: int | None
    selfie_id: int
    similarity: float


_CANDIDATES = (
    select(FaceCandidate)
    .join(Face, Face.id == FaceCandidate.face_id)
    .where(FaceCandidate.event_id == _OF_EVENT, FaceCandidate.user_id == _OF_USER, Face.engine_id == _OF_ENGINE)
)


def candidates_of(session: Session, user_id: int, event: Event) -> dict[int, FaceCandidate]:
    """Return the guest's candidates in the event among its active engine's faces, by the face's id."""
    found = session.scalars(_CANDIDATES, _guest_in(user_id, event))
    return {each.face_id: each for each in found}


def _guest_in(user_id: int, event: Event) -> dict[str, Any]:
    return {"of_user": user_id, "of_event": event.id, "of_engine": event.active_engine_id}


_RIVALS = (
    select(*(getattr(FaceCandidate, name) for name in Rival._fields))
    .where(
        FaceCandidate.face_id.in_(bindparam("of_faces", expanding=True)),
        FaceCandidate.user_id.not_in(bindparam("not_of", expanding=True)),
    )
    .order_by(FaceCandidate.face_id, FaceCandidate.user_id)
)


def rivals_for(session: Session, user_ids: Collection[int], face_ids: Collection[int]) -> list[Rival]:
    """Return the candidates for these faces of all guests but the ones given."""
    wanted, found = sorted(face_ids), list[Rival]()
    for start in range(0, len(wanted), CHUNK):
        asked = {"of_faces": wanted[start : start + CHUNK], "not_of": list(user_ids)}
        found += (Rival(*row) for row in session.execute(_RIVALS, asked))
    return found


def set_standings(session: Session, told: Sequence[Rival]) -> None:
    """Write the standings of these candidates."""
    if told:
        rows = [{"user_id": each.user_id, "face_id": each.face_id, "standing": each.standing} for each in told]
        session.execute(update(FaceCandidate), rows)


def delete_candidates(session: Session, user_id: int, face_ids: Collection[int]) -> None:
    """Delete the guest's candidates for these faces."""
    wanted = sorted(face_ids)
    for start in range(0, len(wanted), CHUNK):
        session.execute(
            delete(FaceCandidate)
            .where(FaceCandidate.user_id == user_id, FaceCandidate.face_id.in_(wanted[start : start + CHUNK]))
            # Finding the deleted ones among thousands of loaded rows would take longer than deleting them.
            .execution_options(synchronize_session=False)
        )


def delete_candidates_in(session: Session, user_id: int, photo_id: int) -> None:
    """Delete the guest's candidates in a photo."""
    faces = select(Face.id).where(Face.photo_id == photo_id)
    session.execute(
        delete(FaceCandidate)
        .where(FaceCandidate.user_id == user_id, FaceCandidate.face_id.in_(faces))
        .execution_options(synchronize_session=False)
    )


def add_candidates(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert candidates; each row has the columns of `FaceCandidate` by name."""
    if rows:
        session.execute(insert(FaceCandidate), list(rows))


_PORTRAITS = (
    select(Selfie.user_id, Selfie.id, Selfie.storage_key, SelfieEmbedding.embedding)
    .join(SelfieEmbedding, SelfieEmbedding.selfie_id == Selfie.id)
    .where(
        Selfie.user_id.in_(bindparam("of_users", expanding=True)),
        SelfieEmbedding.event_id == _OF_EVENT,
        SelfieEmbedding.engine_id == _OF_ENGINE,
    )
)


def portraits_of(session: Session, user_ids: Iterable[int], event_id: int, engine_id: str) -> dict[int, list[bytes]]:
    """Return all embeddings (float32 bytes) that these guests have in the event, by the guest's id."""
    rows = session.execute(_PORTRAITS, {"of_users": list(user_ids), "of_event": event_id, "of_engine": engine_id})
    cipher, found = reading_cipher(session, event_id), dict[int, list[bytes]]()
    for user_id, selfie_id, key, stored in rows:
        embedding = cipher.opened_portrait(key or "", portrait_place(selfie_id), stored)
        if embedding is not None:
            found.setdefault(user_id, []).append(embedding)
    return found


def _is_active() -> ColumnElement[bool]:
    """Return the condition that the face is by its event's active engine."""
    return counts_in_event(Face.event_id, Face.engine_id)


def _is_candidate(user_id: int) -> ColumnElement[bool]:
    return exists().where(
        FaceCandidate.face_id == Face.id, FaceCandidate.user_id == user_id, FaceCandidate.standing != LOST
    )


def is_candidate(session: Session, user_id: int, photo_id: int) -> bool:
    """Return whether a face of the photo is a candidate of the guest that is not lost to another one."""
    there = exists().where(Face.photo_id == photo_id, _is_active(), _is_candidate(user_id))
    return bool(session.scalar(select(there)))


def candidate(session: Session, user_id: int, face_id: int) -> FaceCandidate | None:
    """Return the guest's candidate for a face."""
    return session.get(FaceCandidate, (user_id, face_id))


def maybe(session: Session, user_id: int, face_id: int) -> Maybe | None:
    """Return a face that the guest is asked about."""
    row = session.execute(
        select(FaceCandidate, Face, Photo)
        .join(Face, Face.id == FaceCandidate.face_id)
        .join(Photo, Photo.id == Face.photo_id)
        .where(
            FaceCandidate.user_id == user_id,
            FaceCandidate.face_id == face_id,
            FaceCandidate.standing == MAYBE,
            _is_active(),
            ~withheld_from(user_id),
        )
    ).one_or_none()
    return Maybe(*row) if row is not None else None


def _is_asked_about(user_id: int, event_id: int) -> list[ColumnElement[bool]]:
    shown = exists().where(FaceMatch.user_id == user_id, FaceMatch.photo_id == Face.photo_id).correlate(Face)
    return [
        FaceCandidate.event_id == event_id,
        FaceCandidate.user_id == user_id,
        FaceCandidate.standing == MAYBE,
        _is_active(),
        ~shown,
        # A photo that is withheld from the guest is not asked about.
        ~exists().where(Photo.id == Face.photo_id, withheld_from(user_id)).correlate(Face),
    ]


def count_maybes(session: Session, user_id: int, event_id: int) -> int:
    """Return the number of faces that `maybes` returns without a limit."""
    counted = (
        select(func.count(Face.photo_id.distinct()))
        .select_from(FaceCandidate)
        .join(Face, Face.id == FaceCandidate.face_id)
        .where(*_is_asked_about(user_id, event_id))
    )
    return session.scalar(counted) or 0


def maybes(session: Session, user_id: int, event_id: int, limit: int) -> list[Maybe]:
    """Return the event's faces that the guest is asked about, the most similar first, one for each photo.

    Photos that show the guest are left out, and faces that are another guest's.
    """
    rows = session.execute(
        select(FaceCandidate, Face, Photo)
        .join(Face, Face.id == FaceCandidate.face_id)
        .join(Photo, Photo.id == Face.photo_id)
        .where(*_is_asked_about(user_id, event_id))
        .order_by(FaceCandidate.similarity.desc(), Face.id)
        # Several faces of a photo may be asked about, of which the first counts.
        .limit(FACES_PER_PHOTO * limit)
        .options(defer(Face.embedding))
    )
    found = dict[int, Maybe]()
    for row in rows:
        found.setdefault(row[2].id, Maybe(*row))
    return list(found.values())[:limit]


# --- matches -----------------------------------------------------------------------------------------


_MATCHED = (
    select(Face.photo_id, Face.id, FaceCandidate.selfie_id, FaceCandidate.similarity)
    .join(Face, Face.id == FaceCandidate.face_id)
    .where(
        FaceCandidate.event_id == _OF_EVENT,
        FaceCandidate.user_id == _OF_USER,
        FaceCandidate.standing == MATCH,
        Face.engine_id == _OF_ENGINE,
    )
    # What the guest has confirmed before what is more similar; of equal faces, the one with the lowest id.
    .order_by(FaceCandidate.confirmed, FaceCandidate.similarity, Face.id.desc())
)


def matched_faces(session: Session, user_id: int, event: Event) -> list[MatchedFace]:
    """Return the guest's candidates in the event that stand as matches, the best of each photo last.

    Only those among its active engine's faces.
    """
    return [MatchedFace(*row) for row in session.execute(_MATCHED, _guest_in(user_id, event))]


def newest_portrait(session: Session, user_id: int, event_id: int, engine_id: str) -> int | None:
    """Return the id of the guest's newest selfie that has an embedding in the event."""
    return session.scalar(
        select(Selfie.id)
        .join(SelfieEmbedding, SelfieEmbedding.selfie_id == Selfie.id)
        .where(
            Selfie.user_id == user_id, SelfieEmbedding.event_id == event_id, SelfieEmbedding.engine_id == engine_id
        )
        .order_by(Selfie.id.desc())
        .limit(1)
    )


# --- confirmations -----------------------------------------------------------------------------------


def confirmation(session: Session, user_id: int, photo_id: int) -> Confirmation | None:
    """Return the guest's confirmation of a face of the photo."""
    return session.get(Confirmation, (user_id, photo_id))


_REFUSED = exists().where(Refusal.user_id == Confirmation.user_id, Refusal.photo_id == Confirmation.photo_id)
_CONFIRMATIONS = (
    select(Confirmation)
    .join(Photo, Photo.id == Confirmation.photo_id)
    .where(Confirmation.user_id == _OF_USER, Photo.event_id == _OF_EVENT, ~_REFUSED)
)
_CONFIRMING = (
    select(Confirmation.user_id).join(Photo, Photo.id == Confirmation.photo_id).where(Photo.event_id == _OF_EVENT)
)


def confirmations_of(session: Session, user_id: int, event_id: int) -> Sequence[Confirmation]:
    """Return the guest's confirmations in the event, without those of photos that the guest has refused since."""
    return session.scalars(_CONFIRMATIONS, {"of_user": user_id, "of_event": event_id}).all()


def confirming_guests(session: Session, event_id: int) -> set[int]:
    """Return the ids of the guests who have confirmed a face of the event."""
    return set(session.scalars(_CONFIRMING, {"of_event": event_id}))


def guests_with_candidates(session: Session, photo_id: int) -> Sequence[int]:
    """Return the ids of the guests who have a candidate in the photo."""
    faces = select(Face.id).where(Face.photo_id == photo_id)
    return session.scalars(select(FaceCandidate.user_id).where(FaceCandidate.face_id.in_(faces)).distinct()).all()


def confirmers(session: Session, photo_id: int) -> Sequence[int]:
    """Return the ids of the guests who have confirmed a face of the photo."""
    return session.scalars(select(Confirmation.user_id).where(Confirmation.photo_id == photo_id)).all()


def forget(session: Session, user_id: int, event_id: int | None = None) -> None:
    """Delete the guest's candidates and confirmations, in one event or in all."""
    candidates = delete(FaceCandidate).where(FaceCandidate.user_id == user_id)
    confirmations = delete(Confirmation).where(Confirmation.user_id == user_id)
    if event_id is not None:
        candidates = candidates.where(FaceCandidate.event_id == event_id)
        photos = select(Photo.id).where(Photo.event_id == event_id)
        confirmations = confirmations.where(Confirmation.photo_id.in_(photos))
    session.execute(candidates)
    session.execute(confirmations)


def faces_in(session: Session, photo_ids: Collection[int], engine_id: str) -> Sequence[Face]:
    """Return the faces that the engine has found in these photos, by their ids."""
    return session.scalars(
        select(Face).where(Face.photo_id.in_(photo_ids), Face.engine_id == engine_id).order_by(Face.id)
    ).all()


def face(session: Session, face_id: int) -> Face | None:
    """Return a face."""
    return session.get(Face, face_id)
