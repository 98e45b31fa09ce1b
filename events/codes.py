"""Event codes: how they are drawn, and whether one is open, answered from a cache.

Codes come from a cryptographic source, without characters that look alike.
"""

import secrets
from datetime import datetime

from cache_manager import TTLCache
from database import reading
from events import queries
from keys import lookup_key
from models import utcnow

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


def is_open(event_code: str) -> bool:
    """Tell whether guests can register with this code now."""
    key = lookup_key(event_code)
    if key is None:
        return False
    _drop_if_changed()

    def load() -> tuple[int, datetime] | None:
        with reading() as session:
            event = queries.by_code(session, key)
        return (event.id, event.expires_at) if event else None

    found = _codes.get(key, load)
    return found is not None and found[1] > utcnow()


def code_cache() -> TTLCache[tuple[int, datetime] | None]:
    """Return the cache of code look-ups, for its statistics."""
    return _codes


def invalidate(code_key: str) -> None:
    """Drop the cached look-up of one code in this process."""
    _codes.invalidate(code_key)


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
