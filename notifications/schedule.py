"""When a guest is told: after quiet minutes, at most once an hour, and not at night."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from settings import get_settings

# In the event's time zone: nobody is told from the first to the second.
NIGHT_BEGINS, NIGHT_ENDS = time(2), time(8)


def due_at(since: datetime, last_found: datetime, sent_at: datetime | None, zone: str) -> datetime:
    """Return when to tell of photos, of which the first was found at `since` and the last at `last_found`.

    That is after `NOTIFY_QUIET_SECONDS` without a further one; but where they keep coming, after
    `NOTIFY_INTERVAL_SECONDS` at the latest. `sent_at`: the last message, which that interval follows.
    """
    settings = get_settings()
    quiet = timedelta(seconds=settings.notify_quiet_seconds)
    interval = timedelta(seconds=settings.notify_interval_seconds)
    due = min(last_found + quiet, since + max(quiet, interval))
    if sent_at is not None:
        due = max(due, sent_at + interval)
    return after_night(due, zone)


def after_night(at: datetime, zone: str) -> datetime:
    """Return `at`, or the end of the night if it lies in the night of that time zone."""
    there = ZoneInfo(zone)
    local = at.astimezone(there)
    if not NIGHT_BEGINS <= local.time() < NIGHT_ENDS:
        return at
    return datetime.combine(local.date(), NIGHT_ENDS, there).astimezone(UTC)
