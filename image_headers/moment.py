"""Reads texts that say when a picture was taken, as cameras and software write them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

# Colons are EXIF's, hyphens XMP's; software mixes them. Seconds may be unknown; a date without a time is none.
TIME = re.compile(
    r"(\d{4})[-:/.](\d\d?)[-:/.](\d\d?)[ T]{1,4}(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?|:? {0,4})? ?(\S{1,9})?",
    re.ASCII,
)
OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)(?::?00)?", re.ASCII)
# The zones of the world lie between -12:00 and +14:00.
MAX_OFFSET = timedelta(hours=14)
# A camera whose clock was never set gives a year such as 1970 or 1980.
EARLIEST = 1990


@dataclass(frozen=True, slots=True)
class Moment:
    """When a picture was taken, as a file says it: `clock` has no zone.

    `offset` is how far the clock is ahead of UTC; None: the file does not say. `by_camera` is false for the time of
    a satellite, which is right however the camera's clock is set.
    """

    clock: datetime
    offset: timedelta | None = None
    by_camera: bool = True


def parse_offset(text: str) -> timedelta | None:
    """Return an offset from UTC such as +02:00, -0330 or Z; None for what is none."""
    if text.strip() in ("Z", "z", "UTC", "GMT"):
        return timedelta()
    match = OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes = int(match[2]), int(match[3])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > MAX_OFFSET:
        return None
    return -offset if match[1] == "-" else offset


def parse(text: str, *, offset: str = "", fraction: str = "") -> Moment | None:
    """Return the moment that a text names; None for an impossible one, or a day without a time.

    `offset` and `fraction` (decimals of the second) count where the text itself has none.
    """
    match = TIME.fullmatch(text.strip("\0 "))
    if match is None:
        return None
    *numbers, decimals, zone = match.groups()
    own = parse_offset(zone) if zone else None
    if zone and own is None:
        return None
    return _moment([int(each or 0) for each in numbers], decimals or fraction, own if zone else parse_offset(offset))


def _moment(numbers: list[int], fraction: str, offset: timedelta | None) -> Moment | None:
    decimals = fraction.strip()
    micros = int(decimals[:6].ljust(6, "0")) if decimals.isascii() and decimals.isdigit() else 0
    year, month, day, hour, minute, second = numbers
    if year < EARLIEST:
        return None
    try:
        return Moment(datetime(year, month, day, hour, minute, second, micros), offset)  # noqa: DTZ001 - a clock
    except ValueError:
        return None
