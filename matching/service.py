"""Who is in which photo: exact comparison of selfies with faces, kept right whichever comes last.

A selfie first commits its embeddings and only then, in a further transaction that holds the event's row, compares
with all faces of the event. A photo takes the event's row, adds its faces and compares them with all selfies in the
same transaction. So of the two, whoever holds the row second sees what the other committed. Every writer of an
event's matches holds its row; the unique key on (guest, photo) is the backstop.

One job's steps may be repeated by another process after a crash: each step first checks that the job's attempt is
still its own (`still_ours`), and leaves the same rows however often it runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from accounts import queries as account_queries
from database import reading, transaction
from events import queries as event_queries
from faces.engine import DetectedFace
from matching import matrices, queries, similarity
from matching.guest_matches import match_guest, threshold_among
from models import (
    DONE,
    FAILED,
    PENDING,
    PROCESSING,
    REJECTED,
    Event,
    Photo,
    Selfie,
    UserEvent,
    utcnow,
)
from selfies import queries as selfie_queries


@dataclass(frozen=True, slots=True)
class MatchingState:
    """Where the work for one guest stands, in the contract's words."""

    status: str
    matched: int
    detail: str | None
    started_at: Any
    finished_at: Any


# --- a selfie against the event's faces ------------------------------------------------------------


def accept_selfie(
    selfie_id: int,
    engine_id: str,
    embedding: matrices.Embeddings,
    still_ours: Callable[[Selfie], bool],
) -> list[str]:
    """Match a selfie whose face was found in all its guest's events, and let it replace the ones before.

    Events joined, or consented to again, meanwhile are taken in until none is left. An embedding that is there
    already proves no match: an earlier attempt may have died between the two steps, so each attempt matches every
    event itself. Returns the storage keys that no row needs any more.
    """
    blob = embedding.astype(np.float32).tobytes()
    matched: set[int] = set()
    while True:
        with transaction() as session:
            found = _lock_current_selfie(session, selfie_id, still_ours)
            if found is None:
                return []
            selfie, is_newest = found
            if not is_newest:
                selfie_queries.remove(session, [selfie_id])
                return [selfie.storage_key] if selfie.storage_key else []
            looked_for = selfie_queries.looked_for(session, selfie.user_id, selfie_id)
            event_ids = sorted(looked_for.keys() - matched)
            if not event_ids:
                return _finish_selfie(session, selfie)
            unknown = [event_id for event_id in event_ids if not looked_for[event_id]]
            queries.add_selfie_embeddings(session, selfie_id, unknown, engine_id, blob)
        for event_id in event_ids:
            with transaction() as session:
                event = event_queries.lock_event(session, event_id)
                current = queries.selfie_looked_for(session, selfie_id, event_id)
                if event is not None and current is not None:
                    match_guest(session, event, current.user_id, current.id, blob)
                    matched.add(event_id)
                if event_id == event_ids[-1]:
                    matched_everywhere = _lock_if_matched_everywhere(session, selfie_id, matched, still_ours)
                    if matched_everywhere is not None:
                        return _finish_selfie(session, matched_everywhere)


def _lock_current_selfie(
    session: Session, selfie_id: int, still_ours: Callable[[Selfie], bool]
) -> tuple[Selfie, bool] | None:
    """Hold the guest's row; return the selfie if it still is ours, and whether the guest has had none accepted since.

    Whoever withdraws a consent or accepts a selfie holds that row too, and whoever joins an event waits for it: the
    membership refers to it.
    """
    if queries.lock_owner(session, selfie_id) is None:
        return None
    found = queries.selfie_and_rank(session, selfie_id)
    return (found[0], found[1]) if found is not None and still_ours(found[0]) else None


def _lock_if_matched_everywhere(
    session: Session, selfie_id: int, matched: set[int], still_ours: Callable[[Selfie], bool]
) -> Selfie | None:
    """Return the selfie if it is ours, current, and matched in every event; none is joined before this ends."""
    found = _lock_current_selfie(session, selfie_id, still_ours)
    if found is None or not found[1]:
        return None
    selfie = found[0]
    return selfie if matched.issuperset(selfie_queries.looked_for(session, selfie.user_id, selfie_id)) else None


def _finish_selfie(session: Session, selfie: Selfie) -> list[str]:
    """Mark the selfie done and remove those it replaces; return the storage keys that no row needs any more."""
    older = selfie_queries.older_selfies(session, selfie.user_id, selfie.id)
    if older:
        selfie_queries.delete_matches_of_older(session, selfie.user_id, selfie.id)
        selfie_queries.remove(session, [each.id for each in older])
    selfie.finish(DONE)
    selfie.detail = None
    return [each.storage_key for each in older if each.storage_key]


# --- a photo's faces against the event's selfies ---------------------------------------------------


def record_photo(
    photo_id: int,
    engine_id: str,
    faces: Sequence[DetectedFace],
    still_ours: Callable[[Photo], bool],
    mean_colour: str | None = None,
) -> bool:
    """Store a photo's faces and match them with the event's guests; tell whether the photo still was ours."""
    with reading() as session:
        known = session.get(Photo, photo_id)
    if known is None:
        return False
    with transaction() as session:
        event = event_queries.lock_event(session, known.event_id)
        photo = queries.lock_photo(session, photo_id)
        if event is None or photo is None or not still_ours(photo):
            return False
        rows = [_face_row(photo, engine_id, face) for face in faces]
        active = engine_id == event.active_engine_id
        # Before the photo's own: what is not committed yet must not be kept for other matches.
        known_faces = matrices.faces_of(session, event.id, event.version, engine_id) if active else None
        had_faces, face_ids = queries.replace_faces(session, photo_id, rows)
        if had_faces:
            queries.raise_version(session, event.id)
        if known_faces is not None:
            others = known_faces.without(photo_id) if had_faces else known_faces
            _match_photo(session, event, others, _block(photo_id, face_ids, faces))
        photo.finish(DONE)
        photo.mean_colour = mean_colour
    return True


def _face_row(photo: Photo, engine_id: str, face: DetectedFace) -> dict[str, Any]:
    return {
        "photo_id": photo.id,
        "event_id": photo.event_id,
        "box": [round(float(value), 1) for value in face.box],
        "landmarks": [[round(float(value), 1) for value in point] for point in face.landmarks],
        "quality": round(float(face.quality), 4),
        "engine_id": engine_id,
        "embedding": face.embedding.astype(np.float32).tobytes(),
    }


def _block(photo_id: int, face_ids: Sequence[int], faces: Sequence[DetectedFace]) -> matrices.Block:
    return matrices.Block(
        np.array(face_ids, np.int64),
        np.full(len(face_ids), photo_id, np.int64),
        matrices.quantised(matrices.as_matrix([face.embedding.astype(np.float32).tobytes() for face in faces])),
    )


def _match_photo(session: Session, event: Event, others: matrices.EventFaces, fresh: matrices.Block) -> None:
    """Match again, over all faces, each guest to whom a new one may belong: it may bring further ones to light."""
    guests = queries.guests_embeddings(session, event.id, event.active_engine_id)
    if not fresh.face_ids.size:
        return
    faces = others.plus(fresh)
    threshold = threshold_among(faces)
    if threshold != threshold_among(others):
        # The event has grown: everybody is judged by the stricter measure, soon.
        event_queries.request_rematch(session, event.id, utcnow(), asked=False)
    if not guests:
        return
    selfies = matrices.as_matrix([row[2] for row in guests])
    means = matrices.as_matrix([row[3] or bytes(len(row[2])) for row in guests])
    for place in similarity.affected_guests(fresh.embeddings, selfies, means, threshold):
        user_id, selfie_id, embedding, _ = guests[int(place)]
        match_guest(session, event, user_id, selfie_id, embedding, faces)


# --- a guest matched (again) in one event ----------------------------------------------------------


def selfie_for_membership(membership_id: int, engine_id: str) -> tuple[Selfie | None, bytes | None]:
    """Return the guest's accepted selfie and, where it is known already, its embedding by that engine."""
    with reading() as session:
        membership = session.get(UserEvent, membership_id)
        if membership is None or membership.withdrawn_at is not None:
            return None, None
        selfie = selfie_queries.accepted(session, membership.user_id)
        if selfie is None:
            return None, None
        return selfie, selfie_queries.embedding(session, selfie.id, engine_id)


def rematch(
    membership_id: int,
    engine_id: str,
    selfie_id: int | None,
    embedding: bytes | None,
    still_ours: Callable[[UserEvent], bool],
) -> None:
    """Match a guest in one event with the accepted selfie; without one there is nothing to match yet.

    A rematch asked for while this one ran leaves the row pending again.
    """
    with reading() as session:
        known = session.get(UserEvent, membership_id)
    if known is None:
        return
    with transaction() as session:
        event = event_queries.lock_event(session, known.event_id)
        membership = queries.lock_membership(session, membership_id)
        user = account_queries.lock_user(session, known.user_id)
        if event is None or membership is None or user is None or not still_ours(membership):
            return
        selfie = queries.selfie(session, selfie_id) if selfie_id is not None else None
        looked_for = membership.withdrawn_at is None
        if looked_for and selfie is not None and embedding is not None and selfie.status == DONE:
            if not selfie_queries.looked_for(session, user.id, selfie.id)[event.id]:
                queries.add_selfie_embeddings(session, selfie.id, [event.id], engine_id, embedding)
            match_guest(session, event, user.id, selfie.id, embedding)
        asked, began = membership.requested_at, membership.started_at
        membership.finish(DONE)
        if asked is not None and began is not None and asked > began:
            membership.requeue(attempts=membership.attempts)


# --- what the guest is told ------------------------------------------------------------------------

_WORDS = {PENDING: "queued", PROCESSING: "running", FAILED: "error", REJECTED: "validation_failed"}


def _was_asked(membership: UserEvent) -> bool:
    """Tell whether somebody waits: a large event judges its guests again now and then without being asked."""
    asked, finished = membership.requested_at, membership.finished_at
    return asked is not None and (finished is None or asked > finished)


def state_of(user_id: int) -> MatchingState:
    """Return where the guest's selfie and matching stand, from the database alone."""
    with reading() as session:
        selfie = selfie_queries.latest(session, user_id)
        memberships = queries.memberships_of(session, user_id)
        matched = queries.count_of_user(session, user_id)
    if selfie is None:
        return MatchingState("idle", matched, None, None, None)
    if selfie.status != DONE:
        return MatchingState(
            _WORDS[selfie.status],
            matched,
            selfie.detail or (selfie.error if selfie.status == FAILED else None),
            selfie.started_at,
            selfie.finished_at,
        )
    for status in (PROCESSING, PENDING, FAILED):
        for each in memberships:
            if each.status == status and (status == FAILED or _was_asked(each)):
                detail = each.error if status == FAILED else None
                return MatchingState(_WORDS[status], matched, detail, each.started_at, each.finished_at)
    jobs: list[Selfie | UserEvent] = [selfie, *(each for each in memberships if each.requested_at is not None)]
    last = max(jobs, key=lambda job: job.finished_at or selfie.created_at)
    return MatchingState("done", matched, None, last.started_at, last.finished_at)
