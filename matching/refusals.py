"""Refusals ("that is not me"): a guest removes a photo from the matches for good, or takes the refusal back.

Both lock the event's row, like every writer of the event's matches. So a matching that runs at the same time commits
first, and every later one sees the refusal: none brings the match back.
"""

from sqlalchemy.orm import Session

import errors
from database import reading
from matching import queries
from matching.claims import queries as claim_queries
from matching.guest_matches import match_guest
from matching.loading import locked_event_of_photo
from photos.badges.given import queries as given_queries
from photos.withheld import queries as withheld_queries


def refuse(user_id: int, photo_id: int) -> None:
    """Delete the guest's match with a photo, record the refusal, and match the guest again at once. Idempotent.

    A photo that was given without a face is no longer shown as the guest's.
    Answers also a face that the guest is asked about ("maybe"): it is not asked about again.

    Raises:
        NoSuchMatch: the photo is neither matched with the guest nor given to them, the guest is not asked about it,
        and it is not refused.
    """
    with reading() as session:
        if not _may_be_refused(session, user_id, photo_id):
            raise errors.NoSuchMatch
    with locked_event_of_photo(photo_id) as (session, event):
        if event is None:
            raise errors.NoSuchMatch
        if queries.refusal(session, user_id, photo_id) is not None:
            return
        if not _may_be_refused(session, user_id, photo_id):
            raise errors.NoSuchMatch
        queries.delete_match(session, user_id, photo_id)
        given_queries.follow_refusal(session, user_id, photo_id, refused=True)
        queries.add_refusal(session, user_id, photo_id)
        # A guest who is not in the photo has no say in who sees it.
        withheld_queries.show_photo_of(session, user_id, photo_id)
        confirmation = claim_queries.confirmation(session, user_id, photo_id)
        if confirmation is not None:
            session.delete(confirmation)
            session.flush()
        # What was found only because of that photo goes too.
        match_guest(session, event, user_id)
        # Where the event changes to another engine, the guest may not be matched again yet.
        claim_queries.delete_candidates_in(session, user_id, photo_id)


def take_back(user_id: int, photo_id: int) -> None:
    """Delete the refusal of a photo and match the guest again in its event, in the same transaction.

    Raises:
        NoSuchRefusal: the guest has not refused the photo, or it is deleted.
    """
    with reading() as session:
        if queries.refusal(session, user_id, photo_id) is None:
            raise errors.NoSuchRefusal
    with locked_event_of_photo(photo_id) as (session, event):
        refusal = queries.refusal(session, user_id, photo_id)
        if event is None or refusal is None:
            raise errors.NoSuchRefusal
        session.delete(refusal)
        session.flush()
        given_queries.follow_refusal(session, user_id, photo_id, refused=False)
        match_guest(session, event, user_id)


def _may_be_refused(session: Session, user_id: int, photo_id: int) -> bool:
    return (
        queries.is_matched_or_refused(session, user_id, photo_id)
        or given_queries.is_given(session, user_id, photo_id)
        or claim_queries.is_candidate(session, user_id, photo_id)
    )
