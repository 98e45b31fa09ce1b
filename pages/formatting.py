"""Days, times, durations, sizes and lists of names as a language writes them."""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pages.i18n import text

# The hour at which the night ends.
NIGHT_ENDS = 6
MINUTE, HOUR, DAY = 60, 3600, 86_400
TWELVE_HOURS = {"en"}
SIZES = ("kilobytes", "megabytes", "gigabytes", "terabytes")


def day(language: str, value: date) -> str:
    """Return a date in words: 20 juin 2026."""
    return f"{_numeral(language, value)} {text(language, f'common.month.{value.month}')} {value.year}"


def hour(language: str, value: int) -> str:
    """Return a whole hour of the day, from 0 to 23: 18 h, 6 pm."""
    shown = value % 12 or 12 if language in TWELVE_HOURS else value
    return text(language, f"common.hour.{'am' if value < 12 else 'pm'}", hour=shown)


def moment(language: str, value: datetime, timezone: str) -> str:
    """Return a time in a time zone, to the minute: 21 décembre 2026 à 18:30, dans la nuit du 21 au 22 décembre 2026.

    A time before six in the morning is of the night that began the day before, as people say it.
    """
    return _said(language, value, timezone, ("admin.moment.day", "admin.moment.midnight", "admin.moment.night"))


def until(language: str, value: datetime, timezone: str) -> str:
    """Return the same with the words for an end to come: jusqu’à minuit, dans la nuit du 21 au 22 décembre 2026."""
    return _said(language, value, timezone, ("admin.until.day", "admin.until.midnight", "admin.until.night"))


def since(language: str, value: datetime, timezone: str) -> str:
    """Return the same with the words for an end that is past: depuis le 21 décembre 2026 à 18:30."""
    return _said(language, value, timezone, ("admin.since.day", "admin.since.midnight", "admin.since.night"))


def _said(language: str, value: datetime, timezone: str, keys: tuple[str, str, str]) -> str:
    """Return the first text in the day, the second at midnight, the third in the night."""
    local = value.astimezone(ZoneInfo(timezone))
    time = local.strftime("%H:%M")
    if local.hour >= NIGHT_ENDS:
        return text(language, keys[0], day=day(language, local), time=time)
    return text(language, keys[1 if time == "00:00" else 2], night=night(language, local), time=time)


def night(language: str, value: date) -> str:
    """Return the night that ends on a day: du 21 au 22 décembre 2026. A month or year in common is said once."""
    before = value - timedelta(days=1)
    first = _numeral(language, before)
    if before.month != value.month:
        first += f" {text(language, f'common.month.{before.month}')}"
    if before.year != value.year:
        first += f" {before.year}"
    return text(language, "admin.night", first=first, last=day(language, value))


def _numeral(language: str, value: date) -> str:
    return text(language, "common.day.first") if value.day == 1 else str(value.day)


def last_day(language: str, until: datetime, timezone: str) -> str:
    """Return the last day, in a time zone, before that moment: what ends at midnight ends on the day before."""
    return day(language, (until - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)))


def names(language: str, people: Sequence[str]) -> str:
    """Return names as an enumeration: Léa, Tom et Zoé."""
    shown = [_isolated(each) for each in people]
    if len(shown) < 2:
        return "".join(shown)
    return text(language, "guest.together.and", first=", ".join(shown[:-1]), last=shown[-1])


def _isolated(name: str) -> str:
    """Return a name that does not turn the words around it: between isolates if it is written from right to left."""
    if any(unicodedata.bidirectional(each) in ("R", "AL") for each in name):
        return f"\u2068{name}\u2069"
    return name


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
