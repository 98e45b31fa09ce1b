"""The orders of a list of photos: which part of it a page is, and the cursor that leads to the next one."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

import errors
from keys import MAX_ID
from models import Photo

# A minus is for the newest first.
Order = Literal["-uploaded_at", "taken_at", "-taken_at"]
NEWEST: Order = "-uploaded_at"
OLDEST: Order = "taken_at"
BY_TAKEN: tuple[Order, ...] = ("taken_at", "-taken_at")
Statement = Select[*tuple[Any, ...]]
Column = InstrumentedAttribute[Any]
START, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: at most `limit` rows after the photo with this time and id.

    The time is that of the order. It is None where the photo has none: such photos are the last of every order.
    """

    limit: int | None = None
    after: tuple[datetime | None, int] | None = None
    order: Order = NEWEST


def read_page(limit: int | None, cursor: str | None, order: Order = NEWEST) -> Page:
    """Return the page that `limit` and `cursor` describe.

    Raises:
        InvalidCursor: the cursor is malformed. CursorOfAnotherOrder: it is of a list in another order.
    """
    if not cursor:
        return Page(limit, None, order)
    try:
        *kind, at, photo_id = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").split("|")
        after = START + int(at) * MICROSECOND if at else None, int(photo_id)
    except (ValueError, OverflowError) as error:
        raise errors.InvalidCursor from error
    if not 0 <= after[1] <= MAX_ID or kind not in ([], *([each] for each in BY_TAKEN)) or (not kind and not at):
        raise errors.InvalidCursor
    if kind != _kind(order):
        raise errors.CursorOfAnotherOrder
    return Page(limit, after, order)


def cursor_after(photo: Photo, order: Order) -> str:
    """Return the cursor of the page that begins behind this photo."""
    at = photo.taken_at if order in BY_TAKEN else photo.uploaded_at
    micros = "" if at is None else (at - START) // MICROSECOND
    return base64.urlsafe_b64encode("|".join([*_kind(order), f"{micros}", f"{photo.id}"]).encode()).decode()


def _kind(order: Order) -> list[str]:
    """Return what a cursor says of its order: nothing for the first one, as cursors from before there were others."""
    return [] if order == NEWEST else [order]


def parts(statement: Statement, page: Page) -> Iterator[Statement]:
    """Yield the statements whose rows, one after the other, are the list from the page's beginning.

    Photos without a time are a part of their own: so both parts are read along an index, in either direction.
    """
    if page.order == NEWEST:
        yield _part(statement, page, Photo.uploaded_at)
        return
    if page.after is None or page.after[0] is not None:
        yield _part(statement.where(Photo.taken_at.is_not(None)), page, Photo.taken_at)
    yield _part(statement.where(Photo.taken_at.is_(None)), page, Photo.taken_at, dated=False)


def _part(statement: Statement, page: Page, column: Column, *, dated: bool = True) -> Statement:
    down = page.order.startswith("-")
    if page.after is not None and (page.after[0] is not None) == dated:
        statement = statement.where(*_behind(column, *page.after, down=down))
    return statement.order_by(*(each.desc() if down else each.asc() for each in (column, Photo.id)))


def _behind(column: Column, at: datetime | None, photo_id: int, *, down: bool) -> list[ColumnElement[bool]]:
    """Return the conditions that a photo comes after the one with this time and id."""
    last = Photo.id < photo_id if down else Photo.id > photo_id
    if at is None:
        return [last]
    # Written out instead of a row comparison, so that an index scan can start from the first condition.
    if down:
        return [column <= at, or_(column < at, and_(column == at, last))]
    return [column >= at, or_(column > at, and_(column == at, last))]
