"""The cameras on a photographer's page of an event: the time of each one's first and last photo, and its clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Form, Request, Response

import errors
from api.callers import CurrentPhotographer
from api.events.access import AssignedEvent
from api.fields import RowId
from models import Event
from pages import formatting
from pages.i18n import text
from pages.redirects import redirect_with_flash
from pages.rendering import page_router
from photos.clocks import service
from photos.clocks.service import EventCamera

router = page_router()
# Seconds of each field of the form, the largest first.
UNITS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
# The photos of a clock that is late are shifted to later times.
SIGNS = {"late": 1, "early": -1}
Field = Annotated[str, Form()]
# Digits of one field: more are no number that anybody means.
MAX_DIGITS = 7


@dataclass(frozen=True, slots=True)
class ShownCamera:
    """A camera as the page shows it: times in words, the shift as the form has it.

    `ahead`: its photos have no time, because its clock is; the times are then what the clock says with the shift.
    """

    camera: EventCamera
    name: str
    first: datetime | None
    last: datetime | None
    span: dict[str, str]
    ahead: bool
    direction: str
    parts: dict[str, int]


def shown_cameras(event: Event, language: str) -> list[ShownCamera]:
    """Return the cameras of the event with the times of their photos in the event's time zone."""
    return [_shown(each, event, language) for each in service.cameras_of(event.id)]


def _shown(camera: EventCamera, event: Event, language: str) -> ShownCamera:
    left, parts = abs(camera.shift_seconds), {}
    for unit, seconds in UNITS.items():
        parts[unit], left = divmod(left, seconds)
    shift = timedelta(seconds=camera.shift_seconds)
    first = camera.first or (camera.clock_first and camera.clock_first + shift)
    last = camera.last or (camera.clock_last and camera.clock_last + shift)
    return ShownCamera(
        camera,
        camera.name or text(language, "photographer.cameras.unnamed"),
        first,
        last,
        {"first": _moment(language, first, event.timezone), "last": _moment(language, last, event.timezone)},
        camera.first is None and first is not None,
        "early" if camera.shift_seconds < 0 else "late",
        parts,
    )


def _moment(language: str, at: datetime | None, timezone: str) -> str:
    if at is None:
        return ""
    local = at.astimezone(ZoneInfo(timezone))
    day = formatting.day(language, local)
    return text(language, "photographer.cameras.moment", day=day, time=local.strftime("%H:%M:%S"))


@router.post("/studio/{event_id}/cameras/{camera_id}")
def shift_camera(
    request: Request,
    event: AssignedEvent,
    camera_id: RowId,
    photographer: CurrentPhotographer,
    direction: Field = "",
    days: Field = "",
    hours: Field = "",
    minutes: Field = "",
    seconds: Field = "",
) -> Response:
    """Set the shift of a camera's clock, for browsers without scripts."""
    shift = _seconds(days, hours, minutes, seconds)
    said: dict[str, Any] = {"done": "shifted"}
    if shift is None or direction not in SIGNS:
        said = {"problem": "wrong" if shift is None else "no_direction"}
    else:
        try:
            service.shift_clock(photographer, event.id, camera_id, SIGNS[direction] * shift)
        except errors.ShiftTooLarge:
            said = {"problem": "large"}
    return redirect_with_flash(request, f"/studio/{event.id}", camera=str(camera_id), **said)


def _seconds(*texts: str) -> int | None:
    """Return the seconds that the fields of the form come to; None if all are empty or one of them is no number."""
    if not any(typed.strip() for typed in texts):
        return None
    total = 0
    for typed, unit in zip(texts, UNITS.values(), strict=True):
        digits = typed.strip() or "0"
        if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
            return None
        total += int(digits) * unit
    return total
