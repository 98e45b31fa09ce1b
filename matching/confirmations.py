"""Confirmations ("this is me"): a guest says which face of a photo is theirs, or takes that back.

Both lock the event's row, like every writer of the event's matches, and match the guest again at once. A
confirmation never shows the guest a photo that they may not see: a face that does not resemble the guest's portraits
can be confirmed only in photos that all guests see, and it finds no other photos.
"""

from typing import NamedTuple

from sqlalchemy.orm import Session

import errors
from database import reading
from events import queries as event_queries
from faces.providers import calibration_of
from matching import queries
from matching.bystanders.queries import number_in_photo
from matching.claims import queries as claim_queries
from matching.claims.nearest import LOST, MAYBE, Claim, standings
from matching.claims.record import Persons, claim_of
from matching.guest_matches import match_guest, portraits_in, similarity_to
from matching.loading import locked_event_of_photo
from models import Confirmation, Event, Face, User
from photos.badges.given import queries as given_queries
from photos.visible import queries as visible_queries

# Faces that a guest is asked about at a time.
MAX_MAYBES = 24


class MaybePhoto(NamedTuple):
    """A face that may be the guest's; `is_visible`: the guest sees the whole photo anyway."""

    maybe: claim_queries.Maybe
    is_visible: bool


def maybes_of(user_id: int, event: Event) -> list[MaybePhoto]:
    """Return the faces of the event that may be the guest's, the most similar first."""
    with reading() as session:
        found = claim_queries.maybes(session, user_id, event.id, MAX_MAYBES)
        visible = visible_queries.visible_among(session, user_id, [each.photo.id for each in found])
        return [MaybePhoto(each, each.photo.id in visible) for each in found]


def count_maybes(user_id: int, event_id: int) -> int:
    """Return the number of faces that `maybes_of` returns."""
    with reading() as session:
        return min(claim_queries.count_maybes(session, user_id, event_id), MAX_MAYBES)


def maybe_face(user_id: int, face_id: int) -> claim_queries.Maybe:
    """Return a face that the guest is asked about.

    Raises:
        NoSuchFace: the guest is not asked about this face.
    """
    with reading() as session:
        found = claim_queries.maybe(session, user_id, face_id)
    if found is None:
        raise errors.NoSuchFace
    return found


def confirm(user: User, photo_id: int, face_id: int) -> None:
    """Record that the face is the guest's, and match the guest again. Idempotent; takes a refusal back.

    Raises:
        NoSuchPhoto: the guest may not see the photo and is not asked about this face.
        NoSuchFace: the face is not in the photo.
        FaceNotKept: the face was no guest's, and its template is erased.
        ConsentWithdrawn: the guest has withdrawn the consent in the event.
        NoSelfie: the guest has no portrait there.
        FaceOfAnother: the face is clearly another guest's (`matching/claims/nearest.py`).
        FaceNotLikely: the face does not resemble the guest's portraits, and not all guests see the photo.
    """
    with reading() as session:
        _check_seen(session, user.id, photo_id, face_id)
    with locked_event_of_photo(photo_id) as (session, event):
        if event is None:
            raise errors.NoSuchPhoto
        face = _shown_face(session, event, user.id, photo_id, face_id)
        _check_seen(session, user.id, photo_id, face_id)
        likely = _is_likely(session, event, user.id, face)
        refusal = queries.refusal(session, user.id, photo_id)
        if refusal is not None:
            session.delete(refusal)
            given_queries.follow_refusal(session, user.id, photo_id, refused=False)
        known = claim_queries.confirmation(session, user.id, photo_id)
        if known is None:
            known = Confirmation(user_id=user.id, photo_id=photo_id)
            session.add(known)
        known.box, known.face_id, known.likely = face.box, face.id, likely
        session.flush()
        match_guest(session, event, user.id)


def take_back(user_id: int, photo_id: int) -> None:
    """Delete the guest's confirmation of a photo, and match the guest again.

    Raises:
        NoSuchConfirmation: the guest has confirmed no face of the photo, or the photo is deleted.
    """
    with locked_event_of_photo(photo_id) as (session, event):
        known = claim_queries.confirmation(session, user_id, photo_id)
        if event is None or known is None:
            raise errors.NoSuchConfirmation
        session.delete(known)
        session.flush()
        match_guest(session, event, user_id)


def _check_seen(session: Session, user_id: int, photo_id: int, face_id: int) -> None:
    if visible_queries.visible_to_guest(session, photo_id, user_id) is not None:
        return
    face, candidate = claim_queries.face(session, face_id), claim_queries.candidate(session, user_id, face_id)
    if face is None or candidate is None or face.photo_id != photo_id or candidate.standing != MAYBE:
        raise errors.NoSuchPhoto
    if not visible_queries.may_be_asked_about(session, user_id, photo_id):
        raise errors.NoSuchPhoto


def _shown_face(session: Session, event: Event, user_id: int, photo_id: int, face_id: int) -> Face:
    """Return a face of a photo, whose event is locked, for a member of the event."""
    membership = event_queries.lock_membership(session, user_id, event.id)
    if membership is None:
        raise errors.NoSuchPhoto
    if membership.withdrawn_at is not None:
        raise errors.ConsentWithdrawn
    face = claim_queries.face(session, face_id)
    if face is None and number_in_photo(session, photo_id, event.active_engine_id):
        raise errors.FaceNotKept
    if face is None or face.photo_id != photo_id or face.engine_id != event.active_engine_id:
        raise errors.NoSuchFace
    return face


def _is_likely(session: Session, event: Event, user_id: int, face: Face) -> bool:
    """Return whether the face resembles the guest's portraits; without that, all guests must see the photo."""
    portraits = portraits_in(session, event, user_id)
    if not portraits:
        raise errors.NoSelfie
    candidate = claim_queries.candidate(session, user_id, face.id)
    similarity = candidate.similarity if candidate is not None else similarity_to(session, face, portraits) or 0.0
    claims = [claim_of(each) for each in claim_queries.rivals_for(session, [user_id], [face.id])]
    claims.append(Claim(user_id, similarity, accepted=candidate is not None and candidate.accepted, confirmed=True))
    same_person, calibration = Persons(session, event).are_one, calibration_of(event.active_engine_id)
    if standings(claims, same_person, calibration)[user_id] == LOST:
        raise errors.FaceOfAnother
    if candidate is None and not visible_queries.is_for_all_guests(session, face.photo_id):
        raise errors.FaceNotLikely
    return candidate is not None
