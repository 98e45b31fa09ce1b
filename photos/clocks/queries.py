"""SQL about the cameras of events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Interval, Select, String, case, cast, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models import CameraClock, Event, Photo

# Where the decimals of the second begin in a time as SQLite stores it, and how it writes one.
DECIMALS = 20
SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


class CameraRow(NamedTuple):
    """A camera of an event, the number of its photos, and the times of the first and the last as they are shown."""

    camera: CameraClock
    photos: int
    first: datetime | None
    last: datetime | None


def with_key(session: Session, event_id: int, camera_key: str) -> CameraClock | None:
    """Return the event's camera with this key."""
    return session.scalar(
        select(CameraClock).where(CameraClock.event_id == event_id, CameraClock.camera_key == camera_key)
    )


def add(session: Session, event_id: int, camera_key: str, make: str, model: str) -> None:
    """Add a camera to an event if that still exists. Two requests may do this at once: the first one's row stays."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = select(Event.id, literal(camera_key), literal(make), literal(model)).where(Event.id == event_id)
    columns = ["event_id", "camera_key", "make", "model"]
    session.execute(insert(CameraClock).from_select(columns, values).on_conflict_do_nothing())


def lock_shift(session: Session, camera_id: int) -> int:
    """Return the shift of a camera's clock in seconds, which no other transaction changes until the end of this."""
    shift = select(CameraClock.shift_seconds).where(CameraClock.id == camera_id).with_for_update(read=True)
    return session.scalar(shift) or 0


def lock_camera(session: Session, event_id: int, camera_id: int) -> CameraClock | None:
    """Return the camera of the event with its row locked. Photos that refer to it can be added meanwhile."""
    return session.scalar(
        select(CameraClock)
        .where(CameraClock.id == camera_id, CameraClock.event_id == event_id)
        .with_for_update(key_share=True)
    )


def shift_photos(session: Session, camera: CameraClock, latest: datetime) -> int:
    """Set the times of the photos that the camera's clock dated, none after `latest`; return how many there are."""
    there = (Photo.camera_id == camera.id, Photo.recorded_at.is_not(None))
    shifted = _shifted(session, camera.shift_seconds, latest)
    session.execute(
        update(Photo).where(*there).values(taken_at=shifted), execution_options={"synchronize_session": False}
    )
    return session.scalar(select(func.count()).select_from(Photo).where(*there)) or 0


def _shifted(session: Session, seconds: int, latest: datetime) -> ColumnElement[Any]:
    """Return the expression of a photo's recorded time plus whole seconds, to the microsecond on both databases.

    It is NULL after `latest`.
    """
    if session.get_bind().dialect.name == "postgresql":
        at = Photo.recorded_at + cast(literal(f"{seconds} seconds", String), Interval)
        return case((at <= latest, at))
    text = cast(Photo.recorded_at, String)
    whole = func.strftime("%Y-%m-%d %H:%M:%S", func.substr(text, 1, DECIMALS - 1), f"{seconds} seconds")
    shifted = whole.concat(func.substr(text, DECIMALS))
    return case((shifted <= latest.strftime(SQLITE_TIME), shifted))


def _with_photos() -> Select[*tuple[Any, ...]]:
    """Select cameras with the number and times of their photos: a subquery each, or a planner reads all photos."""
    of_camera = Photo.camera_id == CameraClock.id
    found = (func.count(), func.min(Photo.taken_at), func.max(Photo.taken_at))
    return select(
        CameraClock, *(select(each).select_from(Photo).where(of_camera).scalar_subquery() for each in found)
    )


def of_event(session: Session, event_id: int) -> Sequence[CameraRow]:
    """Return the event's cameras that have photos, in the order in which they came."""
    # Sorted here: for the order, a planner reads the cameras of all events by their ids.
    rows = [CameraRow(*row) for row in session.execute(_with_photos().where(CameraClock.event_id == event_id))]
    return sorted((row for row in rows if row.photos), key=lambda row: row.camera.id)


def clock_span(session: Session, camera_id: int) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last time that a camera's clock said."""
    times = func.min(Photo.recorded_at), func.max(Photo.recorded_at)
    first, last = session.execute(select(*times).where(Photo.camera_id == camera_id)).one()
    return first, last


def of_camera(session: Session, camera_id: int) -> CameraRow:
    """Return one camera with the number and the times of its photos."""
    return CameraRow(*session.execute(_with_photos().where(CameraClock.id == camera_id)).one())
