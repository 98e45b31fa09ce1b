"""Pages of a list: `limit` and `cursor` of the call, `X-Total-Count` and `X-Next-Cursor` of the answer."""

from typing import Annotated, Any, Protocol

from fastapi import Depends, Query, Response

import errors
from api.fields import Cursor, Limit
from photos import ordering
from photos.ordering import NEWEST, Order, Page

PAGED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "X-Total-Count": {"schema": {"type": "integer"}, "description": "Number of entries on all pages."},
            "X-Next-Cursor": {
                "schema": {"type": "string"},
                "description": "`cursor` of the next page; missing on the last one.",
            },
        }
    }
}


AskedOrder = Annotated[
    Order,
    Query(description="When photos were uploaded or taken; with a minus the newest first. Undated ones are last."),
]


async def read_page(limit: Limit = None, cursor: Cursor = None, order: AskedOrder = NEWEST) -> Page:
    """Return the page that the call asks for.

    Raises:
        InvalidCursor: `cursor` was not made by this service. CursorOfAnotherOrder: it was made for another `order`.
    """
    return ordering.read_page(limit, cursor, order)


AskedPage = Annotated[Page, Depends(read_page)]


CURSORS = (errors.InvalidCursor, errors.CursorOfAnotherOrder)


class FoundPage(Protocol):
    """One page of a list, as the services return it."""

    @property
    def total(self) -> int:
        """The number of entries on all pages."""

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page; None on the last one."""


def mark_page(response: Response, found: FoundPage) -> None:
    """Set the headers with the total and the cursor of the next page."""
    response.headers["X-Total-Count"] = str(found.total)
    if found.next_cursor:
        response.headers["X-Next-Cursor"] = found.next_cursor
