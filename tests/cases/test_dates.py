"""When a photo was taken is read from wherever its file says it."""

import pytest

from tests.cases.conftest import Send


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        ("date_plain.jpg", "2026-06-20T16:30:05.000000Z"),
        ("date_offset_plus9.jpg", "2026-06-20T09:30:05.123000Z"),
        ("date_offset_conflict.jpg", "2026-06-20T16:30:05.000000Z"),
        ("date_only_digitized.jpg", "2026-06-20T16:30:05.000000Z"),
        ("date_only_xmp.jpg", "2026-06-20T16:30:05.000000Z"),
        ("date_subsec_inline.jpg", "2026-06-20T16:30:05.123000Z"),
        ("date_zeros.jpg", None),
    ],
)
def test_a_photo_is_dated_as_its_file_says(sent: Send, file: str, taken: str | None) -> None:
    assert sent(file)["taken_at"] == taken
