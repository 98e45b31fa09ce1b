"""The cameras of an event: known by their photos, listed, and shifted where a clock was wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

import errors
import signing
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from events import queries as event_queries
from image_headers.camera import Camera
from images import ImageInfo
from keys import MAX_CAMERA, MAX_SHIFT
from models import ADMIN, CameraClock, Event, Photo, User, utcnow
from photos.badges import service as badges
from photos.clocks import queries
from photos.clocks.moments import MAX_AHEAD, ahead, shifted, taken
from photos.clocks.queries import CameraRow

PURPOSE = b"camera of an event"


@dataclass(frozen=True, slots=True)
class EventCamera:
    """A camera of an event. `first` and `last` are when its photos were taken as shown, with the shift.

    If its photos have no time because its clock is ahead, `first` and `last` are None, and `clock_first` and
    `clock_last` are what the clock said.
    """

    id: int
    name: str
    photos: int
    first: datetime | None
    last: datetime | None
    shift_seconds: int
    clock_first: datetime | None = None
    clock_last: datetime | None = None


# --- a photo that comes in -----------------------------------------------------------------------


def dated(info: ImageInfo, event: Event) -> dict[str, Any]:
    """Return the columns of a photo that say when it was taken, and by which camera.

    What a clock said that is more than a day ahead is kept without being shown: a shift can put it right.

    A camera that is new to the event gets its row, so no session may be open. Whoever stores the columns calls
    `follow_clock` in the same transaction: the shift may change meanwhile.
    """
    now = utcnow()
    found = taken(info.moments, event.timezone, now)
    camera = _camera_of(event.id, info.camera) if info.camera is not None else None
    shown = found.at if found is not None else None
    recorded = shown if found is not None and found.by_camera else None
    if found is None:
        recorded = ahead(info.moments, event.timezone, now)
    if recorded is not None and camera is not None:
        shown = shifted(recorded, camera.shift_seconds, now)
    return {"camera_id": camera.id if camera is not None else None, "recorded_at": recorded, "taken_at": shown}


def follow_clock(session: Session, photo: Photo) -> None:
    """Set the time at which a stored photo was taken by the shift of its camera's clock.

    Call it after the photo's row has been written: a transaction that changes the shift then waits for this one, or
    is already seen by it.
    """
    if photo.camera_id is not None and photo.recorded_at is not None:
        shift = queries.lock_shift(session, photo.camera_id)
        photo.taken_at = shifted(photo.recorded_at, shift, utcnow())


def _camera_of(event_id: int, camera: Camera) -> CameraClock | None:
    """Return the row of an event's camera, which is made if there is none; None if the event is deleted."""
    make, model = camera.make[:MAX_CAMERA], camera.model[:MAX_CAMERA]
    text = "\0".join((str(event_id), make.casefold(), model.casefold(), camera.number.casefold()))
    key = signing.signature(PURPOSE, text)
    with reading() as session:
        known = queries.with_key(session, event_id, key)
    if known is None:
        with transaction() as session:
            queries.add(session, event_id, key, make, model)
            known = queries.with_key(session, event_id, key)
    return known


# --- what photographers see and set --------------------------------------------------------------


def cameras_of(event_id: int) -> list[EventCamera]:
    """Return the cameras of an event that have photos there, in the order in which they came."""
    with reading() as session:
        return _named(session, queries.of_event(session, event_id))


def _named(session: Session, rows: Sequence[CameraRow]) -> list[EventCamera]:
    """Return the cameras with their names; several of one model are numbered."""
    names = [_name(row.camera.make, row.camera.model) for row in rows]
    several = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    found = []
    for name, (camera, photos, first, last) in zip(names, rows, strict=True):
        seen[name] += 1
        shown = f"{name} ({seen[name]})".strip() if name in several else name
        clock = queries.clock_span(session, camera.id) if first is None else (None, None)
        found.append(EventCamera(camera.id, shown, photos, first, last, camera.shift_seconds, *clock))
    return found


def _name(make: str, model: str) -> str:
    """Return make and model, without the make where the model begins with it; empty if there is neither."""
    first = make.split(" ")[0].casefold()
    return model if model.casefold().startswith(first) else f"{make} {model}".strip()


def shift_clock(staff: User, event_id: int, camera_id: int, seconds: int) -> EventCamera:
    """Set by how many seconds the times of a camera's photos in an event are shifted, of those still to come too.

    The shift is added to what the clock said, whatever it was before; 0 takes it away. Idempotent. Times of
    satellites do not change.

    Raises:
        NoSuchCamera: the event has no such camera, or the photographer is not assigned to it any more.
        ShiftTooLarge: it is more than `MAX_SHIFT`.
    """
    if abs(seconds) > MAX_SHIFT:
        raise errors.ShiftTooLarge
    with transaction() as session:
        # Those who delete photos lock the event's row before the photos' rows. The same order avoids deadlocks.
        event = event_queries.lock_event(session, event_id)
        if event is None:
            raise errors.NoSuchCamera
        if staff.user_type != ADMIN and not account_queries.assigned(session, staff.id, event_id):
            raise errors.NoSuchCamera
        camera = queries.lock_camera(session, event_id, camera_id)
        if camera is None:
            raise errors.NoSuchCamera
        if camera.shift_seconds != seconds:
            camera.shift_seconds = seconds
            number = queries.shift_photos(session, camera, utcnow() + MAX_AHEAD)
            badges.follow_clock(session, event, camera)
            name = _name(camera.make, camera.model)
            record(session, Action.CAMERA_SHIFTED, event_id=event_id, camera=name, shift=seconds, photos=number)
        session.flush()
        named = _named(session, queries.of_event(session, event_id))
        found = next((each for each in named if each.id == camera_id), None)
        return found or _named(session, [queries.of_camera(session, camera.id)])[0]
