"""Finds subscriptions that have something new to tell. Recording matches does nothing for it: the rows are there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from database import reading, transaction
from models import Event
from notifications import queries
from notifications.news import columns_for, news_for

# Subscriptions of one transaction, and those looked up at once.
CHUNK, LIMIT = 20, 500
# Rows of two events may be committed in another order than their ids: so many before the newest are looked at
# again, and now and then all.
SLACK = 1000
COMPLETE_EVERY = timedelta(minutes=1)


class Scanner:
    """Looks for photos that guests were given or found in since it looked last. For one thread."""

    def __init__(self) -> None:
        self._newest = queries.Newest(0, 0)
        self._complete_at: datetime | None = None

    def scan(self, now: datetime) -> None:
        """Set when to tell of it for each subscription that has news. One short query while there is none.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        complete = self._complete_at is None or now - self._complete_at >= COMPLETE_EVERY
        with reading() as session:
            newest = queries.newest(session)
            if newest == self._newest and not complete:
                return
        before = queries.Newest(0, 0) if complete else self._newest
        after = queries.Newest(before.match_id - SLACK, before.given_id - SLACK)
        beyond = 0
        while ids := self._unseen(after, beyond):
            for start in range(0, len(ids), CHUNK):
                _note(ids[start : start + CHUNK])
            beyond = ids[-1]
        self._newest = newest
        if complete:
            self._complete_at = now

    @staticmethod
    def _unseen(after: queries.Newest, beyond: int) -> Sequence[int]:
        with reading() as session:
            return queries.with_unseen(session, after, beyond, LIMIT)


def _note(ids: Sequence[int]) -> None:
    with transaction() as session:
        for subscription_id in ids:
            row = queries.lock_quiet(session, subscription_id)
            event = session.get(Event, row.event_id) if row is not None else None
            if row is None or event is None:
                continue
            for name, value in columns_for(row, news_for(session, row), event.timezone).items():
                setattr(row, name, value)
