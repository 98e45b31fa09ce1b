"""Event codes: how they are drawn and read, and whether one is open, answered from a cache.

Codes come from a cryptographic source, without characters that look alike. People type them with other spaces, dashes
or look-alikes: a code that no event has exactly is read loosely, where one event fits.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from cache_manager import TTLCache
from database import reading
from events import queries
from keys import lookup_key, loose_key
from models import Event, utcnow

# No 0 O, 1 I L: they are read aloud, copied from a poster and typed in the dark.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 8
_codes: TTLCache[tuple[int, datetime] | None] = TTLCache(size=10_000, ttl=300, negative_ttl=3)
# A change made by another process must show within five seconds: the change mark is read this often (seconds).
_marks: TTLCache[int] = TTLCache(size=1, ttl=2)
_seen_mark: int | None = None


def new_code() -> str:
    """Return a random code of 8 characters: 31^8, about 8.5e11 possibilities."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


@dataclass(frozen=True, slots=True)
class Reading:
    """The event that a typed code means; `ambiguous`: none, because several fit it equally well."""

    event: Event | None
    ambiguous: bool = False


def read(session: Session, typed: str) -> Reading:
    """Return the event with this code as typed by a person, expired or not.

    The exact code goes first (case, width and invisible characters aside), then the one without spaces. Only then it
    is read loosely (`keys.loose_key`), and only where one open event fits, or none that is open and one that is over.
    """
    exact = (lookup_key(typed), lookup_key("".join(typed.split())))
    for key in dict.fromkeys(exact):
        event = queries.by_code(session, key) if key is not None else None
        if event is not None:
            return Reading(event)
    loose = loose_key(typed)
    alike = queries.reading_alike(session, loose) if loose else ()
    # Those open longest come first: the second is open only if the first is.
    if len(alike) == 2 and (alike[1].expires_at > utcnow() or alike[0].expires_at <= utcnow()):
        return Reading(None, ambiguous=True)
    return Reading(alike[0] if alike else None)


def is_open(event_code: str) -> bool:
    """Tell whether guests can register with this code now."""
    # What has control characters is no event's exact code; it is kept apart from what is.
    key = lookup_key(event_code) or f"\0{loose_key(event_code)}"
    _drop_if_changed()

    def load() -> tuple[int, datetime] | None:
        with reading() as session:
            event = read(session, event_code).event
        return (event.id, event.expires_at) if event else None

    found = _codes.get(key, load)
    return found is not None and found[1] > utcnow()


def is_known(event_code: str) -> bool:
    """Tell whether some event has this code, open or not, as a person types it."""
    with reading() as session:
        found = read(session, event_code)
    return found.event is not None or found.ambiguous


def code_cache() -> TTLCache[tuple[int, datetime] | None]:
    """Return the cache of code look-ups, for its statistics."""
    return _codes


def invalidate() -> None:
    """Drop the cached look-ups in this process: every other way to type a code may mean another event now."""
    _codes.clear()


def forget_codes() -> None:
    """Drop every cached look-up and the change mark, as in a fresh process."""
    _marks.clear()
    _codes.clear()


def _drop_if_changed() -> None:
    """Clear the cache if any process has changed an event since the last check, at most two seconds ago."""
    global _seen_mark

    def load() -> int:
        with reading() as session:
            return queries.change_mark(session)

    mark = _marks.get(queries.EVENTS_MARK, load)
    if mark != _seen_mark:
        # Clear first, then record the mark: a thread that runs between the two clears once more.
        _codes.clear()
        _seen_mark = mark
