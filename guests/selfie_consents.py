"""Ends consents that rest on a selfie where a selfie suffices no more: announces the end, and then withdraws them.

Such consents exist where an event's `selfie_is_consent` was switched off, or `REQUIRE_CONSENT` on, after apps had
sent selfies. From that moment nothing new is computed for these guests. What was found stays until an admin has its
end announced (`python -m privacy.selfie_consents --announce`). Guests who agree in words by then keep everything.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from database import reading, transaction
from errors import NoSuchEvent, NotInEvent
from events import queries as event_queries
from events.consents import queries
from events.consents.queries import Resting
from guests import consent
from mail import outbox
from models import Consent, utcnow

DAYS = 14
AT_ONCE = 100


def resting(event_id: int | None = None) -> list[Resting]:
    """Return the events, or only this one, with guests whose consent rests on a selfie that suffices no more.

    Raises:
        NoSuchEvent: there is no event with this id.
    """
    with reading() as session:
        if event_id is not None and not event_queries.event_exists(session, event_id):
            raise NoSuchEvent
        return [each for each in queries.resting_on_selfies(session) if event_id in (None, each.event_id)]


def announce(event_id: int, days: int = DAYS, now: datetime | None = None) -> tuple[int, int]:
    """Announce the end of an event's consents by selfie, `days` from now; return the numbers of consents and mails.

    Consents whose end was announced before keep their day. Guests without an address read it in the gallery and on
    the account page.
    """
    with transaction() as session:
        event_queries.lock_event(session, event_id)
        found = queries.lock_unannounced(session, event_id)
        ends_at = (now or utcnow()) + timedelta(days=days)
        for each in found:
            each.ends_at = ends_at
        mails = outbox.announce_end_of_consent(session, [each.user_id for each in found], event_id)
    return len(found), mails


def end_due(now: datetime | None = None) -> int:
    """Withdraw the consents whose announced end has come, unless they suffice again; return how many.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    now, ended = now or utcnow(), 0
    while due := _due(now):
        for each in due:
            if _suffices(each):
                _keep(each)
                continue
            try:
                consent.withdraw(each.user_id, each.event_id)
            except NotInEvent:
                # The guest has left: nothing is computed there any more.
                _keep(each)
                continue
            ended += 1
    return ended


def _due(now: datetime) -> Sequence[Consent]:
    with reading() as session:
        return queries.due(session, now, AT_ONCE)


def _suffices(given: Consent) -> bool:
    with reading() as session:
        return queries.suffices(session, given.user_id, given.event_id)


def _keep(given: Consent) -> None:
    with transaction() as session:
        found = session.get(Consent, given.id)
        if found is not None:
            found.ends_at = None


def ends_at(user_id: int, event_id: int) -> tuple[bool, datetime | None]:
    """Return whether a guest's consent in an event rests on a selfie, and when it ends, if that was announced."""
    with reading() as session:
        found = queries.by_selfie(session, user_id, event_id)
    return found is not None, found.ends_at if found is not None else None
