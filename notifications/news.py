"""Which photos are news to a guest, and since when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models import DONE, PENDING, Subscription
from notifications import queries
from notifications.schedule import due_at


@dataclass(frozen=True, slots=True)
class News:
    """Photos that a guest was not told of, by their ids; when they were found; the newest rows looked at."""

    photo_ids: frozenset[int]
    found: tuple[datetime, ...]
    seen_match_id: int
    seen_given_id: int


def news_for(session: Session, row: Subscription) -> News:
    """Return the photos of the guest in the event, as they are now, that the guest was not told of.

    Matching a guest again writes the matches again. So photos are compared with those the guest was told of, not
    matches by their ids: no photo is news twice.
    """
    matches = queries.matches_of(session, row.user_id, row.event_id)
    given = queries.given_to(session, row.user_id, row.event_id)
    told = set(row.told)
    found = dict[int, datetime]()
    for each in (*matches, *given):
        if each.photo_id not in told:
            found[each.photo_id] = min(each.found_at, found.get(each.photo_id, each.found_at))
    return News(
        frozenset(found),
        tuple(sorted(found.values())),
        # Within an event, ids of both rise in the order of the commits: its row is locked.
        max((each.row_id for each in matches), default=0),
        max((each.row_id for each in given), default=0),
    )


def columns_for(row: Subscription, news: News, zone: str) -> dict[str, object]:
    """Return the columns of a subscription that has seen `news`: when to tell of it, or that there is nothing to."""
    seen = {
        "seen_match_id": max(news.seen_match_id, row.seen_match_id),
        "seen_given_id": max(news.seen_given_id, row.seen_given_id),
    }
    if not news.found:
        return {"status": DONE, "lease_until": None, "new_since": None, **seen}
    since = row.new_since or news.found[0]
    due = due_at(since, news.found[-1], row.sent_at, zone)
    return {"status": PENDING, "lease_until": due, "new_since": since, **seen}
