"""Whose state changes: the names that notifications and waiting requests use, and triggers of the database."""

# The channel of notifications on PostgreSQL; the triggers of migration 0037 name it as well.
CHANNEL = "reperio_changes"
# Jobs that any process may do have been queued.
JOBS = "jobs"
_GUEST, _EVENT = "guest ", "event "


def guest(user_id: int) -> str:
    """Return the subject of a guest: portraits, matchings, matches, photos given by staff or a badge."""
    return f"{_GUEST}{user_id}"


def event(event_id: int) -> str:
    """Return the subject of an event: photos that come, go, are done, are shown or hidden."""
    return f"{_EVENT}{event_id}"


def is_event(subject: str) -> bool:
    """Return whether a subject is an event, of which many guests may wait for the same change."""
    return subject.startswith(_EVENT)
