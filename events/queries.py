"""SQL about events and memberships."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from models import (
    GUEST,
    PENDING,
    PROCESSING,
    REJECTED,
    ChangeMark,
    Event,
    EventCover,
    EventPhotographer,
    Face,
    FaceMatch,
    Photo,
    Selfie,
    User,
    UserEvent,
)
from tracing import current_request_id

# What an event is shown with.
_WHOLE = (selectinload(Event.photographers), joinedload(Event.cover))


def by_code(session: Session, code_key: str) -> Event | None:
    """Return the event with that code."""
    return session.scalar(select(Event).where(Event.code_key == code_key))


def by_id(session: Session, event_id: int) -> Event | None:
    """Return the event with its photographers and its cover."""
    return session.scalar(select(Event).where(Event.id == event_id).options(*_WHOLE))


def lock(session: Session, event_id: int) -> Event | None:
    """Return the event and hold its row; registrations, which only refer to it, go on."""
    return session.scalar(
        select(Event)
        .where(Event.id == event_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def every(session: Session) -> Sequence[Event]:
    """Return every event with its photographers, newest first."""
    return session.scalars(select(Event).options(*_WHOLE).order_by(Event.id.desc())).all()


def every_counted(session: Session) -> Sequence[Row[Event, int, int]]:
    """Return every event with its photographers, how many guests and how many photos it has, newest first."""
    guests = select(func.count()).select_from(UserEvent).where(UserEvent.event_id == Event.id).scalar_subquery()
    photos = select(func.count()).select_from(Photo).where(Photo.event_id == Event.id).scalar_subquery()
    return session.execute(select(Event, guests, photos).options(*_WHOLE).order_by(Event.id.desc())).all()


def of_photographer(session: Session, photographer_id: int) -> Sequence[Event]:
    """Return the photographer's events, newest first."""
    return session.scalars(
        select(Event)
        .join(EventPhotographer, EventPhotographer.event_id == Event.id)
        .where(EventPhotographer.photographer_id == photographer_id)
        .options(joinedload(Event.cover))
        .order_by(Event.id.desc())
    ).all()


def joined(session: Session, user_id: int) -> Sequence[Row[Event, UserEvent]]:
    """Return the events a guest belongs to with the memberships, oldest membership first."""
    return session.execute(
        select(Event, UserEvent)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == user_id)
        .options(joinedload(Event.cover))
        .order_by(UserEvent.joined_at, UserEvent.id)
    ).all()


def lock_joined(session: Session, user_id: int) -> None:
    """Hold the rows of all events a guest belongs to: a matching under way there ends before."""
    for event_id in sorted(row[0].id for row in joined(session, user_id)):
        lock(session, event_id)


def joined_event(session: Session, user_id: int, event_id: int) -> Event | None:
    """Return the event if the guest belongs to it."""
    return session.scalar(
        select(Event)
        .join(UserEvent, UserEvent.event_id == Event.id)
        .where(UserEvent.user_id == user_id, Event.id == event_id)
    )


def membership(session: Session, user_id: int, event_id: int) -> UserEvent | None:
    """Return the guest's membership of the event."""
    return session.scalar(select(UserEvent).where(UserEvent.user_id == user_id, UserEvent.event_id == event_id))


def held_membership(session: Session, user_id: int, event_id: int) -> UserEvent | None:
    """Return the guest's membership of the event, held for change."""
    return session.scalar(
        select(UserEvent).where(UserEvent.user_id == user_id, UserEvent.event_id == event_id).with_for_update()
    )


# --- counts --------------------------------------------------------------------------------------


def photo_states(session: Session, event_id: int) -> Sequence[Row[str, int, int]]:
    """Return how many photos of the event are in which state, and the bytes of their originals."""
    return session.execute(
        select(Photo.status, func.count(), func.sum(Photo.size))
        .where(Photo.event_id == event_id)
        .group_by(Photo.status)
    ).all()


def photo_counts(session: Session, event_id: int) -> Row[int, int, datetime | None]:
    """Return the event's faces, its matches, and when its oldest photo came that is not through."""
    faces = select(func.count()).select_from(Face).where(Face.event_id == event_id)
    # Photo by photo, by index: a join would tempt a planner to read the matches of all events.
    of_photo = select(func.count()).select_from(FaceMatch).where(FaceMatch.photo_id == Photo.id).scalar_subquery()
    matches = select(func.coalesce(func.sum(of_photo), 0)).where(Photo.event_id == event_id)
    oldest = select(func.min(Photo.uploaded_at)).where(
        Photo.event_id == event_id, Photo.status.in_((PENDING, PROCESSING))
    )
    return session.execute(select(*(each.scalar_subquery() for each in (faces, matches, oldest)))).one()


def guest_counts(session: Session, event_id: int) -> Row[int, int, int]:
    """Return how many guests the event has, how many of them have a selfie, and how many are in a photo of it."""
    guests = select(func.count()).select_from(UserEvent).where(UserEvent.event_id == event_id)
    # One by one, by index, as above.
    selfie = select(Selfie.id).where(Selfie.user_id == UserEvent.user_id, Selfie.status != REJECTED).limit(1)
    match = (
        select(FaceMatch.id)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == UserEvent.user_id, Photo.event_id == event_id)
        .limit(1)
    )
    found = [guests.where(each.scalar_subquery().is_not(None)) for each in (selfie, match)]
    return session.execute(select(*(each.scalar_subquery() for each in (guests, *found)))).one()


# --- guests ----------------------------------------------------------------------------------------


def is_there(session: Session, event_id: int) -> bool:
    """Tell whether there is such an event."""
    return bool(session.scalar(select(exists().where(Event.id == event_id))))


def _named(statement: Select[*tuple[Any, ...]], prefix: str) -> Select[*tuple[Any, ...]]:
    """Narrow memberships to guests whose name or address begins so; nobody is left out for an empty prefix."""
    if not prefix:
        return statement
    begins = or_(*(key.startswith(prefix, autoescape=True) for key in (User.username_key, User.email_key)))
    # One by one, by index: a join would tempt a planner to read the accounts of all events.
    found = select(User.id).where(User.id == UserEvent.user_id, begins).correlate(UserEvent).scalar_subquery()
    return statement.where(found.is_not(None))


def members(
    session: Session, event_id: int, prefix: str, limit: int | None, after: int | None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return membership id, guest's id, name, address, when joined, whether there is a selfie that was not
    rejected, the newest selfie's status and the number of matches in the event; who joined last first.
    """
    own = select(Selfie.status).where(Selfie.user_id == UserEvent.user_id).correlate(UserEvent)
    matched = (
        select(func.count())
        .select_from(FaceMatch)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == UserEvent.user_id, Photo.event_id == event_id)
        .correlate(UserEvent)
    )
    statement = (
        select(
            UserEvent.id,
            User.id,
            User.username,
            User.email,
            UserEvent.joined_at,
            own.where(Selfie.status != REJECTED).limit(1).scalar_subquery().is_not(None),
            own.order_by(Selfie.id.desc()).limit(1).scalar_subquery(),
            matched.scalar_subquery(),
        )
        .join(User, User.id == UserEvent.user_id)
        .where(UserEvent.event_id == event_id)
        .order_by(UserEvent.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(UserEvent.id < after)
    return session.execute(_named(statement, prefix)).all()


def count_members(session: Session, event_id: int, prefix: str) -> int:
    """Return how many guests the event has whose name or address begins so."""
    statement = select(func.count()).select_from(UserEvent).where(UserEvent.event_id == event_id)
    return session.scalar(_named(statement, prefix)) or 0


# --- assigning and removing ------------------------------------------------------------------------


def assign(session: Session, event_id: int, photographer_ids: Iterable[int]) -> None:
    """Make these, and only these, the event's photographers."""
    session.execute(delete(EventPhotographer).where(EventPhotographer.event_id == event_id))
    rows = [{"event_id": event_id, "photographer_id": each} for each in photographer_ids]
    if rows:
        session.execute(insert(EventPhotographer), rows)


def other_homes(session: Session, user_id: int, event_id: int) -> Sequence[int]:
    """Return the other events a guest has joined, oldest membership first."""
    return session.scalars(
        select(UserEvent.event_id)
        .where(UserEvent.user_id == user_id, UserEvent.event_id != event_id)
        .order_by(UserEvent.joined_at, UserEvent.id)
    ).all()


def has_namesake(session: Session, user: User, event_id: int | None) -> bool:
    """Tell whether another account of that event (or of none) has the user's name or address."""
    scope = User.event_id.is_(None) if event_id is None else User.event_id == event_id
    same = (User.username_key == user.username_key) | (User.email_key == user.email_key)
    return bool(session.scalar(select(exists().where(scope, same, User.id != user.id))))


def has_photo(session: Session, event_id: int, photo_id: int) -> bool:
    """Tell whether the photo is of the event."""
    return bool(session.scalar(select(exists().where(Photo.id == photo_id, Photo.event_id == event_id))))


def set_cover(session: Session, event_id: int, photo_id: int | None) -> None:
    """Let a photo, or none, stand for the event. The caller holds the event's row."""
    session.execute(delete(EventCover).where(EventCover.event_id == event_id))
    if photo_id is not None:
        session.execute(insert(EventCover).values(event_id=event_id, photo_id=photo_id))


def photo_filenames(session: Session, event_id: int) -> Sequence[str]:
    """Return the stored names of the event's photos."""
    return session.scalars(select(Photo.filename).where(Photo.event_id == event_id)).all()


def selfie_keys_of_home(session: Session, event_id: int) -> Sequence[str]:
    """Return the storage keys of the selfies of the accounts whose home is this event."""
    return [
        key
        for key in session.scalars(
            select(Selfie.storage_key)
            .join(User, User.id == Selfie.user_id)
            .where(User.event_id == event_id, User.user_type == GUEST)
        )
        if key is not None
    ]


def bound_to(session: Session, event_id: int) -> Row[int, int]:
    """Return how many guests' accounts belong to this event alone, and how many selfies they have."""
    # Guest by guest, by index, as above.
    elsewhere = select(UserEvent.id).where(UserEvent.user_id == User.id, UserEvent.event_id != event_id).limit(1)
    alone = (User.event_id == event_id, User.user_type == GUEST, elsewhere.scalar_subquery().is_(None))
    accounts = select(func.count()).select_from(User).where(*alone)
    sent = select(func.count()).where(Selfie.user_id == User.id, Selfie.storage_key.is_not(None)).scalar_subquery()
    selfies = select(func.coalesce(func.sum(sent), 0)).select_from(User).where(*alone)
    return session.execute(select(accounts.scalar_subquery(), selfies.scalar_subquery())).one()


def remove(session: Session, event_id: int) -> None:
    """Delete the event; the database deletes all that hangs on it."""
    session.execute(delete(Event).where(Event.id == event_id))


def request_rematch(
    session: Session, event_id: int, now: datetime, *, asked: bool = True, shown_in: Sequence[int] | None = None
) -> int:
    """Let every guest of the event who has not withdrawn be matched again; return how many.

    With `shown_in`, only the guests whom one of these photos shows. Where nobody `asked`, the guests need not know:
    their state stays what it was.
    """
    whom = [UserEvent.event_id == event_id, UserEvent.withdrawn_at.is_(None)]
    if shown_in is not None:
        whom.append(UserEvent.user_id.in_(select(FaceMatch.user_id).where(FaceMatch.photo_id.in_(shown_in))))
    result = session.execute(
        update(UserEvent)
        .where(*whom)
        .values(
            status="pending",
            attempts=0,
            error=None,
            lease_until=None,
            request_id=current_request_id(),
            **({"requested_at": now} if asked else {}),
        )
        .returning(UserEvent.id)
    )
    return len(result.all())


EVENTS_MARK = "events"


def change_mark(session: Session) -> int:
    """Return the number that rises with each change of an event."""
    return session.scalar(select(ChangeMark.number).where(ChangeMark.name == EVENTS_MARK)) or 0


def raise_change_mark(session: Session) -> None:
    """Tell every process that an event has changed."""
    session.execute(update(ChangeMark).where(ChangeMark.name == EVENTS_MARK).values(number=ChangeMark.number + 1))


def count(session: Session) -> int:
    """Return the number of events."""
    return session.scalar(select(func.count()).select_from(Event)) or 0
