"""Days, times, durations, sizes and lists of names as a language writes them."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pages.i18n import text

MINUTE, HOUR, DAY = 60, 3600, 86_400
TWELVE_HOURS = {"en"}
SIZES = ("kilobytes", "megabytes", "gigabytes", "terabytes")


def day(language: str, value: date) -> str:
    """Return a date in words: 20 juin 2026."""
    numeral = text(language, "common.day.first") if value.day == 1 else str(value.day)
    return f"{numeral} {text(language, f'common.month.{value.month}')} {value.year}"


def hour(language: str, value: int) -> str:
    """Return a whole hour of the day, from 0 to 23: 18 h, 6 pm."""
    shown = value % 12 or 12 if language in TWELVE_HOURS else value
    return text(language, f"common.hour.{'am' if value < 12 else 'pm'}", hour=shown)


def moment(language: str, value: datetime, timezone: str) -> str:
    """Return a time in a time zone, to the minute."""
    local = value.astimezone(ZoneInfo(timezone))
    return text(language, "admin.moment", day=day(language, local), time=local.strftime("%H:%M"))


def names(language: str, people: Sequence[str]) -> str:
    """Return names as an enumeration: Léa, Tom et Zoé."""
    if len(people) < 2:
        return "".join(people)
    return text(language, "guest.together.and", first=", ".join(people[:-1]), last=people[-1])


def duration(language: str, seconds: float) -> str:
    """Return a duration in its one or two largest units."""
    whole = round(seconds)
    if whole < MINUTE:
        return text(language, "admin.duration.seconds", seconds=whole)
    if whole < HOUR:
        return text(language, "admin.duration.minutes", minutes=whole // MINUTE)
    if whole < DAY:
        return text(language, "admin.duration.hours", hours=whole // HOUR, minutes=whole % HOUR // MINUTE)
    return text(language, "admin.duration.days", days=whole // DAY, hours=whole % DAY // HOUR)


def size(language: str, value: int) -> str:
    """Return a number of bytes in kB, MB, GB or TB (powers of 1000)."""
    amount, unit = value / 1000, 0
    while amount >= 1000 and unit < len(SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    shown = round(amount, 1) if amount < 10 else round(amount)
    return text(language, f"admin.size.{SIZES[unit]}", amount=int(shown) if shown == int(shown) else shown)
