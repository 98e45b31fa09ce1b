"""Create, find and change events."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from audit.log import Action, record
from database import reading, transaction
from events import codes, queries
from events.codes import new_code
from events.ending import resume
from events.queries import CountedEvent
from events.rematching import queries as rematch_queries
from faces.providers import AZURE_ENGINE_ID, engine_id_of
from keys import BADGE_SECONDS, comparison_key, loose_key
from models import KEEP, UNTIL_EXPIRY, Event, User, utcnow
from settings import get_settings

# In a class whose field is called `date`, the type needs another name.
Day = date
CODE_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class NewEvent:
    """The fields of an event to create; those left out get a default."""

    name: str
    event_code: str | None = None
    date: Day | None = None
    timezone: str = "Europe/Paris"
    expires_at: datetime | None = None
    guests_see_all_photos: bool = False
    guests_may_share: bool = True
    keep_capture_details: bool = False
    selfie_is_consent: bool = True
    photos_until: datetime | None = None
    faces_until: datetime | None = None
    photos_need_approval: bool = False
    bystanders: str | None = None
    bystander_days: int | None = None
    badges: bool = False
    badge_seconds: int = BADGE_SECONDS
    photographer_ids: list[int] = field(default_factory=list)


def by_typed_code(session: Session, event_code: str) -> Event | None:
    """Return the event with this code as typed by a person, expired or not."""
    return codes.read(session, event_code).event


def event_for_registration(session: Session, event_code: str) -> Event:
    """Return the open event with this code, read from the database (not from the cache).

    Raises:
        EventNotFound: the code is unknown or expired.
        AmbiguousEventCode: no event has exactly this code, and several have one that reads alike.
    """
    found = codes.read(session, event_code)
    if found.ambiguous:
        raise errors.AmbiguousEventCode
    if found.event is None or found.event.expires_at <= utcnow():
        raise errors.EventNotFound
    return found.event


def read_alike(event: Event) -> Event | None:
    """Return another open event whose code a person may take for this one's, if both are open."""
    now = utcnow()
    if not event.loose_key or event.expires_at <= now:
        return None
    with reading() as session:
        return queries.open_and_alike(session, event, now)


def home_event(session: Session, user: User) -> Event:
    """Return the event a guest sees first: the account's own, else the first one joined.

    Raises:
        NoSuchEvent: the guest is a member of no event.
    """
    event = queries.joined_first(session, user.id, user.event_id)
    if event is None:
        raise errors.NoSuchEvent
    return event


# --- admins --------------------------------------------------------------------------------------


def default_expiry(day: date | None, timezone: str) -> datetime:
    """Return the end, in the event's time zone, of the last day on which guests may join.

    That day is EVENT_LIFETIME_DAYS after the event's day, or after today where it has none.
    """
    zone = ZoneInfo(timezone)
    first = day or datetime.now(zone).date()
    last = first + timedelta(days=get_settings().event_lifetime_days + 1)
    return datetime(last.year, last.month, last.day, tzinfo=zone).astimezone(UTC)


def create(new: NewEvent) -> Event:
    """Create an event and assign its photographers.

    Raises:
        EventCodeTaken: another event has the code.
        NoSuchPhotographer: one of `photographer_ids` is not a photographer.
        BystandersAtAzure: templates of strangers cannot go before those of guests, with this recogniser.
    """
    _check_bystanders(new.bystanders, engine_id_of(get_settings().face_recognizer_provider))
    for attempt in range(CODE_ATTEMPTS):
        code = new.event_code or new_code()
        try:
            with transaction() as session:
                event = Event(
                    name=new.name,
                    event_code=code,
                    code_key=comparison_key(code),
                    loose_key=loose_key(code),
                    date=new.date,
                    timezone=new.timezone,
                    expires_at=new.expires_at or default_expiry(new.date, new.timezone),
                    guests_see_all_photos=new.guests_see_all_photos,
                    guests_may_share=new.guests_may_share,
                    keep_capture_details=new.keep_capture_details,
                    selfie_is_consent=new.selfie_is_consent,
                    photos_until=new.photos_until,
                    faces_until=new.faces_until,
                    photos_need_approval=new.photos_need_approval,
                    bystanders=new.bystanders or default_bystanders(),
                    bystander_days=new.bystander_days,
                    badges=new.badges,
                    badges_used=new.badges,
                    badge_seconds=new.badge_seconds,
                    active_engine_id=engine_id_of(get_settings().face_recognizer_provider),
                )
                session.add(event)
                session.flush()
                _assign(session, event.id, new.photographer_ids)
                record(session, Action.EVENT_CREATED, event_id=event.id)
                queries.raise_change_mark(session)
            codes.invalidate()
            return event
        except IntegrityError as error:
            if new.event_code or attempt == CODE_ATTEMPTS - 1:
                raise errors.EventCodeTaken from error
    raise errors.EventCodeTaken


def default_bystanders() -> str:
    """Return what new events do with templates of strangers, unless an admin says so."""
    return KEEP if get_settings().face_recognizer_provider == "azure" else UNTIL_EXPIRY


def _check_bystanders(wanted: str | None, engine_id: str) -> None:
    if wanted not in (None, KEEP) and engine_id == AZURE_ENGINE_ID:
        raise errors.BystandersAtAzure


def update(
    event_id: int, changes: dict[str, Any], then: Callable[[Session, Event, Collection[str]], None] | None = None
) -> Event:
    """Change an event's fields; `photographer_ids`, if given, replaces its photographers.

    `then` is called in the transaction, with the event's row locked, with the names of the fields that have changed.

    Raises:
        NoSuchEvent: there is no event with this id.
        EventCodeTaken: another event has the new code.
        NoSuchPhotographer: one of `photographer_ids` is not a photographer.
        BystandersAtAzure: templates of strangers cannot go before those of guests, with this recogniser.
    """
    photographer_ids = changes.pop("photographer_ids", None)
    try:
        with transaction() as session:
            event = queries.lock_event(session, event_id)
            if event is None:
                raise errors.NoSuchEvent
            for engine_id in (event.active_engine_id, engine_id_of(get_settings().face_recognizer_provider)):
                _check_bystanders(changes.get("bystanders"), engine_id)
            changed = [name for name, value in changes.items() if getattr(event, name) != value]
            for name, value in changes.items():
                setattr(event, name, value)
            event.badges_used = event.badges_used or event.badges
            resume(event, utcnow())
            if "event_code" in changes:
                event.code_key = comparison_key(event.event_code)
                event.loose_key = loose_key(event.event_code)
            session.flush()
            if "selfie_is_consent" in changed and event.selfie_is_consent:
                # Consents that did not suffice meanwhile do again: photos have arrived since.
                rematch_queries.request_rematch(session, event_id, utcnow(), asked=False)
            session.refresh(event, ["photographers"])
            if photographer_ids is not None and set(photographer_ids) != {each.id for each in event.photographers}:
                _assign(session, event_id, photographer_ids)
                changed.append("photographer_ids")
            _record_change(session, event_id, changed)
            if then is not None:
                then(session, event, changed)
            session.refresh(event, ["photographers", "cover"])
            queries.raise_change_mark(session)
    except IntegrityError as error:
        raise errors.EventCodeTaken from error
    codes.invalidate()
    return event


def _record_change(session: Session, event_id: int, changed: list[str]) -> None:
    """Record which fields were changed. A new code and new photographers have entries of their own."""
    alone = {"event_code": Action.EVENT_CODE_CHANGED, "photographer_ids": Action.EVENT_PHOTOGRAPHERS_CHANGED}
    for name in changed:
        if name in alone:
            record(session, alone[name], event_id=event_id)
    others = [name for name in changed if name not in alone]
    if others:
        record(session, Action.EVENT_CHANGED, event_id=event_id, fields=others)


def give_code(event_id: int) -> Event:
    """Replace the event's code by a new random one.

    Raises:
        NoSuchEvent: there is no event with this id.
        EventCodeTaken: each of 5 random codes was taken.
    """
    for _ in range(CODE_ATTEMPTS):
        try:
            return update(event_id, {"event_code": new_code()})
        except errors.EventCodeTaken:
            continue
    raise errors.EventCodeTaken


def _assign(session: Session, event_id: int, photographer_ids: Sequence[int]) -> None:
    wanted = list(dict.fromkeys(photographer_ids))
    if set(wanted) - queries.known_photographers(session, wanted):
        raise errors.NoSuchPhotographer
    queries.assign(session, event_id, wanted)


def all_events() -> Sequence[Event]:
    """Return every event with its photographers, newest first."""
    with reading() as session:
        return queries.all_events(session)


def all_counted() -> Sequence[CountedEvent]:
    """Return every event with its photographers, its number of guests and of photos, newest first."""
    with reading() as session:
        return queries.all_counted(session)


def of_photographer(photographer_id: int) -> Sequence[Event]:
    """Return the photographer's events, newest first."""
    with reading() as session:
        return queries.of_photographer(session, photographer_id)


def request_rematch(event_id: int) -> int:
    """Request that every guest of the event is matched again; return how many guests that are.

    Raises:
        NoSuchEvent: there is no event with this id.
    """
    with transaction() as session:
        if queries.lock_event(session, event_id) is None:
            raise errors.NoSuchEvent
        return rematch_queries.request_rematch(session, event_id, utcnow())
