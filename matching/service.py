"""Match selfies with faces: exact comparison, with the same result whether the selfie or the photo comes last.

A selfie first commits its embeddings. Then, in a further transaction for each event, it locks the event's row and
compares with all faces of the event. A photo locks the event's row, inserts its faces and compares them with all
selfies, in one transaction. So the one that gets the lock second sees what the other has committed. Every writer of
an event's matches locks the event's row; the unique key on guest and photo is the second line of defence.

A job may run again in another process after a crash. Each step first asks `still_ours` whether the attempt that runs
it is the current one, and leaves the same rows however often it runs.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from database import reading, transaction
from encryption.templates import writing_cipher
from events.ending import compares_faces
from events.rematching import queries as rematch_queries
from faces.engine import DetectedFace
from matching import matrices, queries
from matching.bystanders import queries as bystander_queries
from matching.bystanders.service import which_to_store
from matching.claims import queries as claim_queries
from matching.erased.service import may_be_stored
from matching.guest_matches import affected_guests, match_after_photo, match_guest, thresholds_among
from matching.loading import locked_event
from matching.queries import RankedSelfie
from matching.redetecting.queries import request_for_guest
from matching.reprocessing.places import Way, pairs
from models import DONE, REJECTED, Event, Photo, Selfie, utcnow
from photos.badges import service as badges
from selfies import queries as selfie_queries
from stored.erasure import erase

# --- a selfie against the event's faces ------------------------------------------------------------


def accept_selfie(
    selfie_id: int,
    engine_id: str,
    embedding: matrices.Embeddings,
    still_ours: Callable[[Selfie], bool],
    search: Callable[[int], None] | None = None,
) -> None:
    """Match a selfie's `embedding` (dimensions,) in all events of its guest, then let it replace the older selfies.

    A further portrait (`keep`) replaces none. `search`, for recognisers that keep the faces themselves, is called
    with an event's id after the embedding is committed and before the selfie is matched there, with no session open.

    Repeats until every event is matched, because the guest may join an event, or consent again, meanwhile. A stored
    embedding does not prove that its event is matched: an earlier attempt may have ended between the two steps. So
    each attempt matches every event itself.

    The files of the replaced selfies are erased, or this one's if a newer one has been accepted.
    """
    blob = embedding.astype(np.float32).tobytes()
    matched: set[int] = set()
    while True:
        with transaction() as session:
            current = _lock_selfie(session, selfie_id, still_ours)
            if current is None:
                return
            selfie = current.selfie
            if not current.is_in_force:
                selfie_queries.remove(session, [selfie_id])
                erase(session, [selfie.storage_key] if selfie.storage_key else [])
                return
            looked_for = selfie_queries.looked_for(session, selfie.user_id, selfie_id, engine_id)
            event_ids = sorted(looked_for.keys() - matched)
            if not event_ids:
                _finish_selfie(session, selfie, engine_id)
                return
            without_embedding = [event_id for event_id in event_ids if not looked_for[event_id]]
            queries.add_selfie_embeddings(session, selfie_id, without_embedding, engine_id, blob)
        for event_id in event_ids:
            if search is not None:
                search(event_id)
            with locked_event(event_id, engine_id) as (session, event):
                if event is not None and _match_selfie(session, event, selfie_id):
                    matched.add(event_id)
                if event_id == event_ids[-1]:
                    fully_matched = _lock_fully_matched(session, selfie_id, engine_id, matched, still_ours)
                    if fully_matched is not None:
                        _finish_selfie(session, fully_matched, engine_id)
                        return


def _match_selfie(session: Session, event: Event, selfie_id: int) -> bool:
    """Match a selfie in one event, which is locked; return False if the membership or the consent is gone."""
    selfie = queries.selfie_of_member(session, selfie_id, event.id)
    if selfie is None:
        return False
    match_guest(session, event, selfie.user_id)
    request_for_guest(session, event, selfie.user_id)
    return True


def _lock_selfie(session: Session, selfie_id: int, still_ours: Callable[[Selfie], bool]) -> RankedSelfie | None:
    """Lock the guest's row; return the selfie, or None if it is deleted or the attempt is no longer current.

    Withdrawing a consent and accepting a selfie lock the same row. Joining an event waits for it too: the new
    membership refers to it.
    """
    if queries.lock_owner(session, selfie_id) is None:
        return None
    found = queries.ranked_selfie(session, selfie_id)
    return found if found is not None and still_ours(found.selfie) else None


def _lock_fully_matched(
    session: Session, selfie_id: int, engine_id: str, matched: set[int], still_ours: Callable[[Selfie], bool]
) -> Selfie | None:
    """Lock the guest's row, so that no event is joined; return the selfie if `matched` covers all its events."""
    current = _lock_selfie(session, selfie_id, still_ours)
    if current is None or not current.is_in_force:
        return None
    selfie = current.selfie
    looked_for = selfie_queries.looked_for(session, selfie.user_id, selfie_id, engine_id)
    return selfie if matched.issuperset(looked_for) else None


def _finish_selfie(session: Session, selfie: Selfie, engine_id: str) -> None:
    """Mark the selfie done and delete the older ones that it replaces, with their files.

    In events that still change to this engine, it takes over the matches of the older ones until the switch.
    """
    older = selfie_queries.older_selfies(session, selfie.user_id, selfie.id)
    if selfie.keep:
        older = [each for each in older if each.status == REJECTED]
    elif older:
        selfie_queries.inherit_matches(session, selfie.user_id, selfie.id, engine_id)
        # What remains are matches in events that the guest has left, or for which the consent is withdrawn.
        selfie_queries.delete_matches_of_older(session, selfie.user_id, selfie.id)
        selfie_queries.delete_evaluations(session, selfie.user_id)
    selfie_queries.remove(session, [each.id for each in older])
    selfie.finish(DONE)
    selfie.detail = None
    erase(session, [each.storage_key for each in older if each.storage_key])


# --- a photo's faces against the event's selfies ---------------------------------------------------


def record_photo(
    photo_id: int,
    engine_id: str,
    faces: Sequence[DetectedFace],
    still_ours: Callable[[Photo], bool],
    mean_colour: str | None = None,
    warning: str | None = None,
    full: tuple[int, int] | None = None,
    seen_badges: Sequence[str] | None = None,
) -> bool:
    """Store a photo's faces and match them with the event's guests; give what follows from the badges it shows.

    Returns False, without any change, if the photo is deleted or the attempt is no longer current.
    """
    with reading() as session:
        known = session.get(Photo, photo_id)
    if known is None:
        return False
    with locked_event(known.event_id, engine_id) as (session, event):
        photo = queries.lock_photo(session, photo_id)
        if event is None or photo is None or not still_ours(photo):
            return False
        store_faces(session, event, photo, engine_id, faces)
        photo.finish(DONE)
        photo.engine_id = engine_id
        photo.note_renditions(mean_colour, warning, full)
        session.flush()
        badges.note(session, event, photo, seen_badges, None)
    return True


def store_faces(session: Session, event: Event, photo: Photo, engine_id: str, faces: Sequence[DetectedFace]) -> None:
    """Replace the photo's faces by this engine and, if it is the event's active one, match them with the guests.

    Where faces are no longer compared, none is stored. Faces at the places of erased ones are left out: see
    `matching/erased/`. Which faces of strangers are stored: see `matching/bystanders/`. The caller has locked the
    rows of the event and the photo.
    """
    faces = _allowed(session, photo, faces) if compares_faces(event) else []
    active = engine_id == event.active_engine_id
    # Read before the photo's own faces are inserted: the cache must hold committed faces only.
    known_faces = matrices.faces_of(session, event.id, event.version, engine_id) if active else None
    unstored_before = 0
    if known_faces is None or known_faces.unstored:
        unstored_before = bystander_queries.number_in_photo(session, photo.id, engine_id)
    others = known_faces.without(photo.id, unstored_before) if known_faces is not None else None
    wanted = which_to_store(session, event, photo, engine_id, others, faces)
    stored = [face for face, is_wanted in zip(faces, wanted, strict=True) if is_wanted]
    # Their matches, and those that their means found elsewhere, depended on the faces that are replaced.
    shown = claim_queries.guests_with_candidates(session, photo.id) if active and photo.engine_id is not None else ()
    replaced = queries.replace_faces(session, photo.id, engine_id, _face_rows(session, photo, engine_id, stored))
    if replaced.had_faces:
        queries.increment_version(session, event.id)
    unstored = len(faces) - len(stored)
    if unstored != unstored_before:
        bystander_queries.note_number(session, photo, engine_id, unstored)
    if known_faces is not None and others is not None:
        fresh = matrices.block_of(replaced.face_ids, photo.id, [each.embedding for each in stored])
        _match_photo(session, event, photo.id, known_faces, others.plus(fresh, unstored), fresh, shown)


def add_faces(session: Session, event: Event, photo: Photo, faces: Sequence[DetectedFace]) -> None:
    """Store those of the faces found again in a photo that have become a guest's, and match them with the guests.

    `faces` are all that the event's active engine finds in it. Faces that are stored stay as they are. Where faces of
    strangers may be stored now, all are. The caller has locked the rows of the event and the photo.
    """
    engine_id = event.active_engine_id
    faces = _allowed(session, photo, faces) if compares_faces(event) else []
    known_boxes = [each.box for each in bystander_queries.places_in(session, photo.id, engine_id)]
    same = pairs(known_boxes, [stored_box(each) for each in faces], Way.unchanged((photo.width, photo.height)))
    there = {place for _, place in same}
    missing = [face for place, face in enumerate(faces) if place not in there]
    known_faces = matrices.faces_of(session, event.id, event.version, engine_id)
    unstored_before = bystander_queries.number_in_photo(session, photo.id, engine_id)
    others = replace(known_faces, unstored=known_faces.unstored - unstored_before)
    wanted = which_to_store(session, event, photo, engine_id, others, missing, known_boxes)
    stored = [face for face, is_wanted in zip(missing, wanted, strict=True) if is_wanted]
    face_ids = queries.add_faces(session, _face_rows(session, photo, engine_id, stored))
    unstored = len(missing) - len(stored)
    if unstored != unstored_before:
        bystander_queries.note_number(session, photo, engine_id, unstored)
    fresh = matrices.block_of(face_ids, photo.id, [each.embedding for each in stored])
    _match_photo(session, event, photo.id, known_faces, others.plus(fresh, unstored), fresh, ())


def _allowed(session: Session, photo: Photo, faces: Sequence[DetectedFace]) -> list[DetectedFace]:
    """Return the faces that are at no erased face's place."""
    allowed = may_be_stored(session, photo, [face.box for face in faces])
    return [face for face, may in zip(faces, allowed, strict=True) if may]


def stored_box(face: DetectedFace) -> list[float]:
    """Return the place of a face as it is stored, in px of the photo."""
    return [round(float(value), 1) for value in face.box]


def _face_rows(session: Session, photo: Photo, engine_id: str, faces: Sequence[DetectedFace]) -> list[dict[str, Any]]:
    if not faces:
        return []
    cipher = writing_cipher(session, photo.event_id)
    return [
        {
            "photo_id": photo.id,
            "event_id": photo.event_id,
            "box": stored_box(face),
            "landmarks": [[round(float(value), 1) for value in point] for point in face.landmarks],
            "quality": round(float(face.quality), 4),
            "engine_id": engine_id,
            "embedding": cipher.face(photo.id, face.embedding.astype(np.float32).tobytes()),
        }
        for face in faces
    ]


def _match_photo(
    session: Session,
    event: Event,
    photo_id: int,
    before: matrices.EventFaces,
    faces: matrices.EventFaces,
    fresh: matrices.Block,
    shown: Iterable[int],
) -> None:
    """Match the guests whose face may be among the `fresh` ones, and those who were `shown` among the replaced ones.

    `before` are the event's faces with the replaced ones, `faces` those with the new ones. Over all faces, not only
    the new ones: a new face changes a portrait's mean, which may find further faces.
    """
    before_too = {*claim_queries.confirmers(session, photo_id), *shown}
    if not before_too and not fresh.face_ids.size and before.found == faces.found:
        return
    thresholds = thresholds_among(faces, event.active_engine_id)
    if thresholds != thresholds_among(before, event.active_engine_id):
        # The event has outgrown its thresholds: all guests are matched again by the new ones, in the background.
        rematch_queries.request_rematch(session, event.id, utcnow(), asked=False)
    known = affected_guests(session, event, fresh, thresholds, before_too)
    match_after_photo(session, event, known, faces, before_too)
