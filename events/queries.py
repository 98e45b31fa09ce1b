"""SQL about events and memberships."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload, selectinload, with_expression

from events.consents.queries import has_sufficient_consent
from models import (
    GUEST,
    PENDING,
    PHOTOGRAPHER,
    PROCESSING,
    REJECTED,
    ChangeMark,
    Event,
    EventCover,
    EventPhotographer,
    Face,
    FaceMatch,
    Photo,
    PhotoRaw,
    Selfie,
    UnstoredFaces,
    User,
    UserEvent,
    WithheldPhoto,
)
from settings import get_settings

# What is loaded together with an event.
_WHOLE = (selectinload(Event.photographers), joinedload(Event.cover))


class Joined(NamedTuple):
    """An event and the guest's membership of it."""

    event: Event
    membership: UserEvent


class CountedEvent(NamedTuple):
    """An event with its number of guests and of photos."""

    event: Event
    guests: int
    photos: int


def by_code(session: Session, code_key: str) -> Event | None:
    """Return the event with that code."""
    return session.scalar(select(Event).where(Event.code_key == code_key))


def reading_alike(session: Session, loose_key: str) -> Sequence[Event]:
    """Return two of the events whose codes read alike, those that are open longest first."""
    return session.scalars(
        select(Event).where(Event.loose_key == loose_key).order_by(Event.expires_at.desc(), Event.id).limit(2)
    ).all()


def open_and_alike(session: Session, event: Event, now: datetime) -> Event | None:
    """Return another open event whose code reads like this one's: the one that is open longest."""
    alike = select(Event).where(Event.loose_key == event.loose_key, Event.id != event.id, Event.expires_at > now)
    return session.scalar(alike.order_by(Event.expires_at.desc(), Event.id).limit(1))


def by_id(session: Session, event_id: int) -> Event | None:
    """Return the event with its photographers and its cover."""
    return session.scalar(select(Event).where(Event.id == event_id).options(*_WHOLE))


_BADGES = select(Event.badges).where(Event.id == bindparam("of_event"))
_LOCKED = (
    select(Event)
    .where(Event.id == bindparam("of_event"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def uses_badges(session: Session, event_id: int) -> bool:
    """Return whether guests' badges are searched for in the event's photos."""
    return bool(session.scalar(_BADGES, {"of_event": event_id}))


def lock_event(session: Session, event_id: int) -> Event | None:
    """Return the event with its row locked. Inserts of rows that refer to it, as a registration, do not wait."""
    return session.scalar(_LOCKED, {"of_event": event_id})


def is_kept(session: Session, event_id: int) -> bool:
    """Return whether the event is there, and keep it there as an insert does: waits only for `lock_event_alone`."""
    kept = select(Event.id).where(Event.id == event_id).with_for_update(read=True, key_share=True)
    return session.scalar(kept) is not None


def lock_event_alone(session: Session, event_id: int) -> Event | None:
    """Return the event with its row locked against everybody, also those who insert rows that refer to it."""
    return session.scalar(
        select(Event).where(Event.id == event_id).with_for_update().execution_options(populate_existing=True)
    )


def lock_event_of_photo(session: Session, photo_id: int) -> Event | None:
    """Return a photo's event with its row locked; None if the photo or the event is deleted."""
    photo = session.get(Photo, photo_id)
    return lock_event(session, photo.event_id) if photo is not None else None


def all_events(session: Session) -> Sequence[Event]:
    """Return every event with its photographers, newest first."""
    return session.scalars(select(Event).options(*_WHOLE).order_by(Event.id.desc())).all()


def all_counted(session: Session) -> Sequence[CountedEvent]:
    """Return every event with its photographers, its number of guests and of photos, newest first."""
    guests = select(func.count()).select_from(UserEvent).where(UserEvent.event_id == Event.id).scalar_subquery()
    photos = select(func.count()).select_from(Photo).where(Photo.event_id == Event.id).scalar_subquery()
    found = session.execute(select(Event, guests, photos).options(*_WHOLE).order_by(Event.id.desc()))
    return [CountedEvent(*row) for row in found]


def of_photographer(session: Session, photographer_id: int) -> Sequence[Event]:
    """Return the photographer's events with all their photographers, newest first."""
    return session.scalars(
        select(Event)
        .join(EventPhotographer, EventPhotographer.event_id == Event.id)
        .where(EventPhotographer.photographer_id == photographer_id)
        .options(*_WHOLE)
        .order_by(Event.id.desc())
    ).all()


def joined(session: Session, user_id: int) -> Sequence[Joined]:
    """Return the events a guest is a member of, with the memberships and `has_consent`, oldest membership first."""
    found = session.execute(_joined(only_words=get_settings().require_consent), {"user_id": user_id})
    return [Joined(*row) for row in found]


@cache
def _joined(*, only_words: bool) -> Select[Event, UserEvent]:
    """`only_words` is what `has_sufficient_consent` depends on: the statement is built once for each."""
    return (
        select(Event, UserEvent)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == bindparam("user_id"))
        .options(joinedload(Event.cover), with_expression(UserEvent.has_consent, has_sufficient_consent()))
        .order_by(UserEvent.joined_at, UserEvent.id)
    )


class GuestsEvent(NamedTuple):
    """Of an event that a guest has joined, what decides whether a selfie is accepted there."""

    expires_at: datetime
    faces_ended_at: datetime | None
    withdrawn_at: datetime | None


_GUESTS_EVENTS = (
    select(Event.expires_at, Event.faces_ended_at, UserEvent.withdrawn_at)
    .join(UserEvent, UserEvent.event_id == Event.id)
    .where(UserEvent.user_id == bindparam("user_id"))
)


def events_of_guest(session: Session, user_id: int) -> list[GuestsEvent]:
    """Return what decides about selfies in each of the events that a guest has joined."""
    return [GuestsEvent(*row) for row in session.execute(_GUESTS_EVENTS, {"user_id": user_id})]


def lock_joined_events(session: Session, user_id: int) -> list[Event]:
    """Lock the rows of all events a guest is a member of, in the order of their ids; waits for running matches."""
    wanted = sorted(row.event.id for row in joined(session, user_id))
    return [event for event_id in wanted if (event := lock_event(session, event_id)) is not None]


def joined_event(session: Session, user_id: int, event_id: int) -> Event | None:
    """Return the event if the guest is a member of it."""
    return session.scalar(
        select(Event)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == user_id, Event.id == event_id)
    )


def joined_first(session: Session, user_id: int, home_id: int | None) -> Event | None:
    """Return the event `home_id` if the guest is a member of it, else the one joined first."""
    return session.scalar(
        select(Event)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == user_id)
        .order_by(UserEvent.event_id.is_not_distinct_from(home_id).desc(), UserEvent.joined_at, UserEvent.id)
        .limit(1)
    )


def membership(session: Session, user_id: int, event_id: int) -> UserEvent | None:
    """Return the guest's membership of the event."""
    return session.scalar(select(UserEvent).where(UserEvent.user_id == user_id, UserEvent.event_id == event_id))


def lock_membership(session: Session, user_id: int, event_id: int) -> UserEvent | None:
    """Return the guest's membership of the event with its row locked."""
    return session.scalar(
        select(UserEvent).where(UserEvent.user_id == user_id, UserEvent.event_id == event_id).with_for_update()
    )


def counts_in_event(
    event_id: InstrumentedAttribute[int], engine_id: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Return the condition that the engine is the event's active one: only its faces and embeddings count."""
    of_row = aliased(Event)
    return engine_id == select(of_row.active_engine_id).where(of_row.id == event_id).scalar_subquery()


# --- counts --------------------------------------------------------------------------------------


def photo_states(session: Session, event_id: int) -> Sequence[Row[str, int, int]]:
    """Return, for each status, the number of the event's photos and the bytes of their originals."""
    return session.execute(
        select(Photo.status, func.count().label("photos"), func.sum(Photo.size).label("bytes"))
        .where(Photo.event_id == event_id)
        .group_by(Photo.status)
    ).all()


def photo_counts(session: Session, event_id: int) -> Row[int, int, int, datetime | None, int | None]:
    """Return how many photos of the event have a warning, its faces and matches, the oldest upload, and RAW bytes.

    The oldest upload is the time of its oldest unfinished photo.
    """
    # The condition is literally that of the partial index.
    warned = select(func.count()).where(Photo.event_id == event_id, Photo.warning.is_not(None))
    engine = select(Event.active_engine_id).where(Event.id == event_id).scalar_subquery()
    faces = select(func.count()).select_from(Face).where(Face.event_id == event_id, Face.engine_id == engine)
    unstored = select(func.coalesce(func.sum(UnstoredFaces.number), 0)).where(
        UnstoredFaces.event_id == event_id, UnstoredFaces.engine_id == engine
    )
    # A subquery per photo, by index: for a join a planner may choose to read the matches of all events.
    of_photo = (
        select(func.count())
        .select_from(FaceMatch)
        .where(FaceMatch.photo_id == Photo.id, FaceMatch.declared.is_(False))
        .scalar_subquery()
    )
    matches = select(func.coalesce(func.sum(of_photo), 0)).where(Photo.event_id == event_id)
    oldest = select(func.min(Photo.uploaded_at)).where(
        Photo.event_id == event_id, Photo.status.in_((PENDING, PROCESSING))
    )
    raws = select(func.sum(PhotoRaw.size)).where(PhotoRaw.event_id == event_id)
    found = faces.scalar_subquery() + unstored.scalar_subquery()
    others = (each.scalar_subquery() for each in (matches, oldest, raws))
    return session.execute(select(warned.scalar_subquery(), found, *others)).one()


def guest_counts(session: Session, event_id: int) -> Row[int, int, int]:
    """Return the event's number of guests, of those with a selfie, and of those matched with a photo of it."""
    guests = select(func.count()).select_from(UserEvent).where(UserEvent.event_id == event_id)
    # A subquery per guest, by index, as above.
    selfie = select(Selfie.id).where(Selfie.user_id == UserEvent.user_id, Selfie.status != REJECTED).limit(1)
    match = (
        select(FaceMatch.id)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == UserEvent.user_id, Photo.event_id == event_id)
        .limit(1)
    )
    found = [guests.where(each.scalar_subquery().is_not(None)) for each in (selfie, match)]
    return session.execute(select(*(each.scalar_subquery() for each in (guests, *found)))).one()


def event_exists(session: Session, event_id: int) -> bool:
    """Tell whether there is an event with this id."""
    return bool(session.scalar(select(exists().where(Event.id == event_id))))


# --- assigning and removing ------------------------------------------------------------------------


def assign(session: Session, event_id: int, photographer_ids: Iterable[int]) -> None:
    """Replace the event's photographers by these."""
    session.execute(delete(EventPhotographer).where(EventPhotographer.event_id == event_id))
    rows = [{"event_id": event_id, "photographer_id": each} for each in photographer_ids]
    if rows:
        session.execute(insert(EventPhotographer), rows)


def has_photos(session: Session, event_id: int, photo_ids: Collection[int]) -> bool:
    """Tell whether all these photos belong to the event."""
    found = select(func.count()).select_from(Photo).where(Photo.id.in_(photo_ids), Photo.event_id == event_id)
    return session.scalar(found) == len(set(photo_ids))


def cover_photo(session: Session, event_id: int) -> Photo | None:
    """Return the photo that is the event's cover."""
    withheld = exists().where(WithheldPhoto.photo_id == Photo.id).correlate(Photo)
    chosen = (
        select(Photo)
        .join(EventCover, EventCover.photo_id == Photo.id)
        .where(EventCover.event_id == event_id, ~withheld)
    )
    return session.scalars(chosen).one_or_none()


def face_boxes(session: Session, photo_id: int) -> Sequence[list[float]]:
    """Return the boxes (x, y, width, height) in px of the photo's faces, by the event's active engine."""
    active = (Event.id == Face.event_id) & (Event.active_engine_id == Face.engine_id)
    return session.scalars(select(Face.box).join(Event, active).where(Face.photo_id == photo_id)).all()


def set_cover(session: Session, event_id: int, photo_id: int | None) -> None:
    """Set or remove the event's cover photo. The caller has locked the event's row."""
    session.execute(delete(EventCover).where(EventCover.event_id == event_id))
    if photo_id is not None:
        session.execute(insert(EventCover).values(event_id=event_id, photo_id=photo_id))


def only_here(session: Session, event_id: int) -> Row[int, int]:
    """Return the number of accounts that belong to this event alone, and the number of their selfies."""
    # A subquery per guest, by index, as above.
    elsewhere = select(UserEvent.id).where(UserEvent.user_id == User.id, UserEvent.event_id != event_id).limit(1)
    alone = (User.event_id == event_id, User.user_type == GUEST, elsewhere.scalar_subquery().is_(None))
    accounts = select(func.count()).select_from(User).where(*alone)
    sent = select(func.count()).where(Selfie.user_id == User.id, Selfie.storage_key.is_not(None)).scalar_subquery()
    selfies = select(func.coalesce(func.sum(sent), 0)).select_from(User).where(*alone)
    return session.execute(select(accounts.scalar_subquery(), selfies.scalar_subquery())).one()


def remove(session: Session, event_id: int) -> None:
    """Delete the event; foreign keys delete everything that refers to it."""
    session.execute(delete(Event).where(Event.id == event_id))


EVENTS_MARK = "events"


def change_mark(session: Session) -> int:
    """Return the number that is increased with each change of any event."""
    return session.scalar(select(ChangeMark.number).where(ChangeMark.name == EVENTS_MARK)) or 0


def raise_change_mark(session: Session) -> None:
    """Increase the change mark, by which every process learns that an event has changed."""
    session.execute(update(ChangeMark).where(ChangeMark.name == EVENTS_MARK).values(number=ChangeMark.number + 1))


def count(session: Session) -> int:
    """Return the number of events."""
    return session.scalar(select(func.count()).select_from(Event)) or 0


def known_photographers(session: Session, user_ids: Sequence[int]) -> set[int]:
    """Return those of `user_ids` that are photographers."""
    return set(session.scalars(select(User.id).where(User.id.in_(user_ids), User.user_type == PHOTOGRAPHER)))
