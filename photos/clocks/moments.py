"""When a photo was taken, in UTC: the first possible one of the moments that its file names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from image_headers.moment import Moment
from keys import MAX_SHIFT

# A camera's clock may be ahead by its zone; what is further in the future is no time at which a photo was taken.
MAX_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """When a photo was taken; `by_camera` is whether its camera's clock says so."""

    at: datetime
    by_camera: bool


def taken(moments: Sequence[Moment], zone: str, now: datetime) -> Taken | None:
    """Return the first moment that is possible now, None if there is none.

    A clock without an offset is read in the event's time zone. Of an hour that comes twice, the first is taken; an
    hour that is skipped is read as if the clock had not been put forward.
    """
    all_of_them = (Taken(_utc(each, zone), each.by_camera) for each in moments)
    return next((each for each in all_of_them if each.at <= now + MAX_AHEAD), None)


def ahead(moments: Sequence[Moment], zone: str, now: datetime) -> datetime | None:
    """Return the first time of a camera's clock that is too far in the future, but not further than a shift mends."""
    latest = now + timedelta(seconds=MAX_SHIFT)
    times = (_utc(each, zone) for each in moments if each.by_camera)
    return next((at for at in times if now + MAX_AHEAD < at <= latest), None)


def shifted(recorded: datetime, seconds: int, now: datetime) -> datetime | None:
    """Return what a camera's clock said, shifted; None if that is further in the future than a photo can be."""
    at = recorded + timedelta(seconds=seconds)
    return at if at <= now + MAX_AHEAD else None


def _utc(moment: Moment, zone: str) -> datetime:
    zoned = moment.clock.replace(tzinfo=ZoneInfo(zone) if moment.offset is None else timezone(moment.offset))
    return zoned.astimezone(UTC)
