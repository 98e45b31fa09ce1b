"""When a photo was taken, in UTC: the first possible one of the moments that its file names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from image_headers.moment import Moment

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
    for each in moments:
        at = each.clock.replace(tzinfo=ZoneInfo(zone) if each.offset is None else timezone(each.offset))
        at = at.astimezone(UTC)
        if at <= now + MAX_AHEAD:
            return Taken(at, each.by_camera)
    return None
