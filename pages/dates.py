"""Days as people write them."""

from datetime import date

from pages.i18n import text


def written_day(language: str, day: date) -> str:
    """Return a day with its month in words."""
    months = text(language, "guest.months").split()
    first = "er" if language == "fr" and day.day == 1 else ""
    return f"{day.day}{first} {months[day.month - 1]} {day.year}"
