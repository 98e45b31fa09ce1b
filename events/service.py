"""Events: their codes, their guests, and what disappears with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
import storage
from accounts import queries as account_queries
from accounts.consent import record
from cache_manager import TTLCache
from database import reading, transaction
from events import queries
from events.codes import new_code
from faces.providers import engine_id_of
from keys import comparison_key, lookup_key
from models import DONE, PENDING, Event, User, UserEvent, utcnow
from photos.keys import stored_keys
from selfies import queries as selfie_queries
from settings import get_settings

# In a class whose field is called `date`, the type needs another name.
Day = date
CODE_ATTEMPTS = 5
_codes: TTLCache[tuple[int, datetime] | None] = TTLCache(size=10_000, ttl=300, negative_ttl=3)
# Another process's change must show within five seconds: so often the database is asked whether there was one.
_marks: TTLCache[int] = TTLCache(size=1, ttl=2)
_seen_mark: int | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What an admin says of an event; what is left out gets a default."""

    name: str
    event_code: str | None = None
    date: Day | None = None
    timezone: str = "Europe/Paris"
    expires_at: datetime | None = None
    guests_see_all_photos: bool = False
    photographer_ids: list[int] = field(default_factory=list)


def code_cache() -> TTLCache[tuple[int, datetime] | None]:
    """Return the cache of code look-ups, for its figures."""
    return _codes


def _notice_changes() -> None:
    """Forget what is cached if any process has changed an event since the last look, at most two seconds ago."""
    global _seen_mark

    def load() -> int:
        with reading() as session:
            return queries.change_mark(session)

    mark = _marks.get(queries.EVENTS_MARK, load)
    if mark != _seen_mark:
        # Cleared before it counts as seen: a thread that comes between the two clears once more.
        _codes.clear()
        _seen_mark = mark


def forget_codes() -> None:
    """Look at the database again at the next call, as a fresh process would."""
    _marks.clear()
    _codes.clear()


def is_open(event_code: str) -> bool:
    """Tell whether guests can register with this code now."""
    key = lookup_key(event_code)
    if key is None:
        return False
    _notice_changes()

    def load() -> tuple[int, datetime] | None:
        with reading() as session:
            event = queries.by_code(session, key)
        return (event.id, event.expires_at) if event else None

    found = _codes.get(key, load)
    return found is not None and found[1] > utcnow()


def by_typed_code(session: Session, event_code: str) -> Event | None:
    """Return the event with the code that somebody typed, expired or not."""
    key = lookup_key(event_code)
    return queries.by_code(session, key) if key is not None else None


def event_for_registration(session: Session, event_code: str) -> Event:
    """Return the event that this code opens, read from the database.

    Raises:
        EventNotFound: unknown or expired.
    """
    event = by_typed_code(session, event_code)
    if event is None or event.expires_at <= utcnow():
        raise errors.EventNotFound
    return event


def join(user_id: int, event_code: str, consent: str | None = None, locale: str = "fr") -> Event:
    """Make a guest a member of a further event; the matching there is a job of the new row.

    `consent` is the version of the words the guest agreed to, in the language `locale`.

    Raises:
        EventNotFound, AlreadyJoined: as they say.
    """
    try:
        with transaction() as session:
            event = event_for_registration(session, event_code)
            if queries.membership(session, user_id, event.id) is not None:
                raise errors.AlreadyJoined
            has_selfie = selfie_queries.current(session, user_id) is not None
            session.add(
                UserEvent(
                    user_id=user_id,
                    event_id=event.id,
                    status=PENDING if has_selfie else DONE,
                    requested_at=utcnow() if has_selfie else None,
                )
            )
            record(session, user_id, event.id, consent, locale)
        return event
    except IntegrityError as error:
        raise errors.AlreadyJoined from error


def joined_by(user_id: int) -> Sequence[Row[Event, UserEvent]]:
    """Return the guest's events with the memberships, oldest membership first."""
    with reading() as session:
        return queries.joined(session, user_id)


def home_event(session: Session, user: User) -> Event:
    """Return the event a guest sees first: the one of the account, else the first joined.

    Raises:
        NoSuchEvent: the guest belongs to none any more.
    """
    rows = queries.joined(session, user.id)
    events = [row[0] for row in rows]
    for event in events:
        if event.id == user.event_id:
            return event
    if not events:
        raise errors.NoSuchEvent
    return events[0]


# --- admins --------------------------------------------------------------------------------------


def default_expiry(day: date | None, timezone: str) -> datetime:
    """Return the end, in the event's time zone, of the last day guests may join."""
    zone = ZoneInfo(timezone)
    first = day or datetime.now(zone).date()
    last = first + timedelta(days=get_settings().event_lifetime_days + 1)
    return datetime(last.year, last.month, last.day, tzinfo=zone).astimezone(UTC)


def create(new: NewEvent) -> Event:
    """Make an event and assign its photographers.

    Raises:
        EventCodeTaken, NoSuchPhotographer: as they say.
    """
    for attempt in range(CODE_ATTEMPTS):
        code = new.event_code or new_code()
        try:
            with transaction() as session:
                event = Event(
                    name=new.name,
                    event_code=code,
                    code_key=comparison_key(code),
                    date=new.date,
                    timezone=new.timezone,
                    expires_at=new.expires_at or default_expiry(new.date, new.timezone),
                    guests_see_all_photos=new.guests_see_all_photos,
                    active_engine_id=engine_id_of(get_settings().face_recognizer_provider),
                )
                session.add(event)
                session.flush()
                _assign(session, event.id, new.photographer_ids)
                queries.raise_change_mark(session)
            _codes.invalidate(event.code_key)
            return event
        except IntegrityError as error:
            if new.event_code or attempt == CODE_ATTEMPTS - 1:
                raise errors.EventCodeTaken from error
    raise errors.EventCodeTaken


def update(event_id: int, changes: dict[str, Any]) -> Event:
    """Change an event's fields; `photographer_ids`, where given, replaces its photographers.

    Raises:
        NoSuchEvent, EventCodeTaken, NoSuchPhotographer: as they say.
    """
    photographer_ids = changes.pop("photographer_ids", None)
    try:
        with transaction() as session:
            event = queries.lock(session, event_id)
            if event is None:
                raise errors.NoSuchEvent
            keys = {event.code_key}
            for name, value in changes.items():
                setattr(event, name, value)
            if "event_code" in changes:
                event.code_key = comparison_key(event.event_code)
                keys.add(event.code_key)
            session.flush()
            if photographer_ids is not None:
                _assign(session, event_id, photographer_ids)
            session.refresh(event, ["photographers", "cover"])
            queries.raise_change_mark(session)
    except IntegrityError as error:
        raise errors.EventCodeTaken from error
    for key in keys:
        _codes.invalidate(key)
    return event


def give_code(event_id: int) -> Event:
    """Replace the event's code by a new random one.

    Raises:
        NoSuchEvent: there is none.
    """
    for _ in range(CODE_ATTEMPTS):
        try:
            return update(event_id, {"event_code": new_code()})
        except errors.EventCodeTaken:
            continue
    raise errors.EventCodeTaken


def remove(event_id: int) -> None:
    """Delete an event with its photos, faces, matches and the accounts that belong to it alone.

    A guest who has joined further events keeps the account: its home becomes the first of those where nobody has
    the same name, else no event.

    Raises:
        NoSuchEvent: there is none. AccountsWouldCollide: an account has nowhere to go.
    """
    with transaction() as session:
        event = queries.lock(session, event_id)
        if event is None:
            raise errors.NoSuchEvent
        for user in account_queries.guests_of(session, event_id):
            homes = queries.other_homes(session, user.id, event_id)
            if homes:
                user.event_id = _free_home(session, user, homes)
                session.flush()
        keys = [key for name in queries.photo_filenames(session, event_id) for key in stored_keys(event_id, name)]
        keys += queries.selfie_keys_of_home(session, event_id)
        queries.remove(session, event_id)
        queries.raise_change_mark(session)
    _codes.invalidate(event.code_key)
    storage.delete(keys)


def _free_home(session: Session, user: User, homes: Sequence[int]) -> int | None:
    for home in (*homes, None):
        if not queries.has_namesake(session, user, home):
            return home
    raise errors.AccountsWouldCollide


def _assign(session: Session, event_id: int, photographer_ids: Sequence[int]) -> None:
    wanted = list(dict.fromkeys(photographer_ids))
    if set(wanted) - account_queries.known_photographers(session, wanted):
        raise errors.NoSuchPhotographer
    queries.assign(session, event_id, wanted)


def every() -> Sequence[Event]:
    """Return every event with its photographers, newest first."""
    with reading() as session:
        return queries.every(session)


def every_counted() -> Sequence[Row[Event, int, int]]:
    """Return every event with its photographers, how many guests and how many photos it has, newest first."""
    with reading() as session:
        return queries.every_counted(session)


def of_photographer(photographer_id: int) -> Sequence[Event]:
    """Return the photographer's events, newest first."""
    with reading() as session:
        return queries.of_photographer(session, photographer_id)


def request_rematch(event_id: int) -> int:
    """Ask for every guest of the event to be matched again; return how many.

    Raises:
        NoSuchEvent: there is none.
    """
    with transaction() as session:
        if queries.lock(session, event_id) is None:
            raise errors.NoSuchEvent
        return queries.request_rematch(session, event_id, utcnow())
