"""How pages say a day, a moment and the end of an event."""

from datetime import UTC, date, datetime

import pytest

from pages import formatting

PARIS = "Europe/Paris"


@pytest.mark.parametrize(
    ("at", "french", "english"),
    [
        (datetime(2026, 12, 21, 17, 30, tzinfo=UTC), "21 décembre 2026 à 18:30", "21 December 2026 at 18:30"),
        (
            datetime(2026, 12, 21, 23, 0, tzinfo=UTC),
            "dans la nuit du 21 au 22 décembre 2026",
            "the night of 21 to 22 December 2026",
        ),
        (
            datetime(2027, 1, 1, 1, 30, tzinfo=UTC),
            "02:30, dans la nuit du 31 décembre 2026 au 1er janvier 2027",
            "02:30, the night of 31 December 2026 to 1 January 2027",
        ),
        (
            datetime(2026, 6, 30, 22, 0, tzinfo=UTC),
            "dans la nuit du 30 juin au 1er juillet 2026",
            "the night of 30 June to 1 July 2026",
        ),
    ],
)
def test_a_moment_in_the_night_is_said_by_the_night(at: datetime, french: str, english: str) -> None:
    assert formatting.moment("fr", at, PARIS) == french
    assert formatting.moment("en", at, PARIS) == english


def test_an_end_is_said_in_a_sentence() -> None:
    midnight, evening = datetime(2026, 12, 21, 23, 0, tzinfo=UTC), datetime(2026, 12, 21, 17, 0, tzinfo=UTC)
    assert formatting.until("fr", midnight, PARIS) == "jusqu’à minuit, dans la nuit du 21 au 22 décembre 2026"
    assert formatting.until("en", evening, PARIS) == "until 21 December 2026 at 18:00"
    assert formatting.since("fr", evening, PARIS) == "depuis le 21 décembre 2026 à 18:00"
    assert formatting.since("en", midnight, PARIS) == "since midnight, the night of 21 to 22 December 2026"
    # The same moment is a plain evening by another clock.
    assert formatting.moment("fr", midnight, "America/Guadeloupe") == "21 décembre 2026 à 19:00"
    assert formatting.night("fr", date(2026, 12, 2)) == "du 1er au 2 décembre 2026"
