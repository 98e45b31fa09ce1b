"""Consents that rest on a selfie where it suffices no more: their end is announced, and then they are withdrawn.

They come to be where an event's `selfie_is_consent` is switched off, or `REQUIRE_CONSENT` on, after apps have sent
selfies. From that moment nothing new is computed for these guests; what was found stays, until an admin has its end
announced (`python -m privacy.selfie_consents --announce`). Who agrees in words by then keeps everything.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from database import reading, transaction
from errors import NotInEvent
from events import queries as event_queries
from events.consents import queries
from events.consents.queries import Resting
from guests import consent
from mail import outbox
from models import Consent, utcnow

DAYS = 14
AT_ONCE = 100


def resting() -> list[Resting]:
    """Return the events with guests whose consent rests on a selfie that suffices no more."""
    with reading() as session:
        return queries.resting_on_selfies(session)


def announce(event_id: int, days: int = DAYS, now: datetime | None = None) -> tuple[int, int]:
    """Announce the end of an event's consents by selfie, `days` from now; return of how many, and how many mails.

    Those announced before keep their day. Guests without an address read it in the gallery and on the account page.
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
