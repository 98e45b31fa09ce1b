"""Join a further event with an existing account, and list the events a guest has joined."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

import errors
from accounts import queries as account_queries
from database import reading, transaction
from events import queries
from events.consents.queries import may_be_found
from events.queries import Joined
from events.service import event_for_registration
from guests.consent import record
from guests.wordings import Wording
from models import DONE, Event, UserEvent, utcnow
from selfies import consent as selfie_consent
from selfies import queries as selfie_queries


def join(
    user_id: int,
    event_code: str,
    consent: Wording | None = None,
    *,
    withdrawn: bool = False,
    selfie_consent_in: str | None = None,
) -> Event:
    """Make a guest a member of a further event; with a selfie and a consent, the new row is a job: match the guest.

    `consent` is the wording that the guest agreed to. `withdrawn`: the guest does not consent, so that nothing is
    matched there. Without both, and with `selfie_consent_in`, the language of an app, the selfie that the guest has
    sent is the consent there too, where it may be one (`selfies/consent.py`): joining leads to matching at once.

    Raises:
        EventNotFound: the code is unknown or expired.
        AlreadyJoined: the guest is a member of the event.
    """
    try:
        with transaction() as session:
            event = event_for_registration(session, event_code)
            if not queries.is_kept(session, event.id):
                raise errors.EventNotFound
            user = account_queries.lock_user(session, user_id)
            if queries.membership(session, user_id, event.id) is not None:
                raise errors.AlreadyJoined
            membership = UserEvent(
                user_id=user_id, event_id=event.id, status=DONE, withdrawn_at=utcnow() if withdrawn else None
            )
            session.add(membership)
            session.flush()
            has_selfie = selfie_queries.current(session, user_id) is not None
            record(session, user_id, event.id, consent)
            if has_selfie and consent is None and selfie_consent_in is not None and user is not None:
                selfie_consent.record_for(session, user, event, selfie_consent_in)
            if has_selfie and may_be_found(session, user_id, event.id):
                membership.requeue(requested_at=utcnow())
        return event
    except IntegrityError as error:
        raise errors.AlreadyJoined from error


def joined_by(user_id: int) -> Sequence[Joined]:
    """Return the guest's events with the memberships, oldest membership first."""
    with reading() as session:
        return queries.joined(session, user_id)
