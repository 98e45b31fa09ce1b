"""Reads rows for checks and for the repeating of erasures; each query, or each batch, in a session of its own."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from database import reading
from privacy.findings import Finding

BATCH = 500
R = TypeVar("R", bound=Sequence[Any])


def listed(*asked: tuple[str, Callable[[Session], list[str]]]) -> Iterator[Finding]:
    """Yield the rows that each query returns, given the name of its table."""
    for table, query in asked:
        with reading() as session:
            found = query(session)
        yield from (Finding(table, key) for key in found)


def all_rows(query: Callable[[Session, int, int], Sequence[R]]) -> Iterator[R]:
    """Yield all rows of a query that returns some, those whose first column is above a number, by that column."""
    last = 0
    while True:
        with reading() as session:
            rows = query(session, last, BATCH)
        if not rows:
            return
        last = rows[-1][0]
        yield from rows
