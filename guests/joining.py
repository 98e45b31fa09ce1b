"""Join a further event with an existing account, and list the events a guest has joined."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

import errors
from database import reading, transaction
from events import queries
from events.queries import Joined
from events.service import event_for_registration
from guests.consent import record
from models import DONE, PENDING, Event, UserEvent, utcnow
from selfies import queries as selfie_queries


def join(
    user_id: int, event_code: str, consent: str | None = None, locale: str = "fr", *, withdrawn: bool = False
) -> Event:
    """Make a guest a member of a further event; the new membership row is the job that matches the guest there.

    `consent` is the version of the consent text the guest agreed to, in the language `locale`. `withdrawn`: the
    guest does not consent, so that nothing is matched there.

    Raises:
        EventNotFound: the code is unknown or expired.
        AlreadyJoined: the guest is a member of the event.
    """
    try:
        with transaction() as session:
            event = event_for_registration(session, event_code)
            if queries.membership(session, user_id, event.id) is not None:
                raise errors.AlreadyJoined
            has_selfie = not withdrawn and selfie_queries.current(session, user_id) is not None
            session.add(
                UserEvent(
                    user_id=user_id,
                    event_id=event.id,
                    status=PENDING if has_selfie else DONE,
                    requested_at=utcnow() if has_selfie else None,
                    withdrawn_at=utcnow() if withdrawn else None,
                )
            )
            record(session, user_id, event.id, consent, locale)
        return event
    except IntegrityError as error:
        raise errors.AlreadyJoined from error


def joined_by(user_id: int) -> Sequence[Joined]:
    """Return the guest's events with the memberships, oldest membership first."""
    with reading() as session:
        return queries.joined(session, user_id)
