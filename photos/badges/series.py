"""Which photos follow from the badges of one photographer's camera: a function of times and marks, without rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

SEEN, SET, GONE = "seen", "set", "gone"


class Mark(NamedTuple):
    """A badge at the time of a photo. `user_id` is its guest, None if it has none here. `kind` is `SEEN` or `SET`."""

    at: datetime
    photo_id: int
    kind: str
    user_id: int | None


class Shot(NamedTuple):
    """A photo, or (None) one that is deleted. `is_read`: it is known whether it shows a badge."""

    at: datetime
    photo_id: int | None
    is_read: bool


class Gift(NamedTuple):
    """A photo that is given to a guest."""

    photo_id: int
    user_id: int


def guests_at(marks: Iterable[Mark]) -> frozenset[int]:
    """Return the guests whose badges these marks of one moment name; what staff set replaces what is seen."""
    by_photo = defaultdict[int, list[Mark]](list)
    for mark in marks:
        by_photo[mark.photo_id].append(mark)
    counted = ([each for each in found if each.kind == SET] or found for found in by_photo.values())
    return frozenset(mark.user_id for mark in chain(*counted) if mark.user_id is not None)


def gifts(marks: Sequence[Mark], shots: Iterable[Shot], seconds: int) -> Iterator[Gift]:
    """Yield the photos and the guests to whom they are given.

    `shots` rise in time from the first mark on, and are read as far as needed.

    A series begins with a mark and ends before the next one, or where more than `seconds` lie between two photos.
    Photos of one instant belong together, and to a mark of that instant. A photo that is not read yet ends a series
    for now: it may show another guest's badge.
    """
    moments = sorted({mark.at for mark in marks})
    guests_from = {at: guests_at(mark for mark in marks if mark.at == at) for at in moments}
    current, place = frozenset[int](), 0
    last = moments[0] if moments else None
    for shot in shots:
        while place < len(moments) and moments[place] <= shot.at:
            last = moments[place]
            current, place = guests_from[last], place + 1
        if current and last is not None and shot.at - last > timedelta(seconds=seconds):
            current = frozenset()
        last = shot.at
        if not shot.is_read:
            current = frozenset()
        if not current and place == len(moments):
            return
        if shot.photo_id is not None:
            yield from (Gift(shot.photo_id, user_id) for user_id in sorted(current))
