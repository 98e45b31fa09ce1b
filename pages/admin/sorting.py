"""How a table is sorted, and the links in its headings: they need no scripts and keep the filter and the page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Request

Row = TypeVar("Row")
UP, DOWN = "up", "down"
ARIA = {UP: "ascending", DOWN: "descending"}


@dataclass(frozen=True, slots=True)
class Sorting:
    """The column and the direction of a table. `kept` are the other values of the page's address."""

    address: str
    column: str
    direction: str
    kept: Mapping[str, str]
    anchor: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The values of the address as it is: the filter's form sends them again."""
        return {"sort": self.column, "direction": self.direction}

    def aria(self, column: str) -> str:
        """Return the value of `aria-sort` for the heading of a column, empty where the table is sorted by another."""
        return ARIA[self.direction] if column == self.column else ""

    def link(self, column: str) -> str:
        """Return the address of the table sorted by this column; the other way round if it is already."""
        turned = DOWN if column == self.column and self.direction == UP else UP
        return self.to(sort=column, direction=turned)

    def to(self, **values: Any) -> str:
        """Return the address of the page with other values."""
        asked = {**self.kept, **self.values, **{name: str(value) for name, value in values.items()}}
        return f"{self.address}?{urlencode({name: value for name, value in asked.items() if value})}{self.anchor}"


def sorting_of(
    request: Request, columns: Iterable[str], default: str, direction: str = UP, *, anchor: str = "", **kept: str
) -> Sorting:
    """Return how the page was asked to sort; by `default` and in `direction` where it was asked for nothing known."""
    asked = request.query_params.get("sort", "")
    column = asked if asked in {*columns} else default
    given = request.query_params.get("direction", "")
    usual = direction if column == default else UP
    return Sorting(request.url.path, column, given if given in ARIA else usual, kept, anchor)


def in_order(rows: Iterable[Row], sorting: Sorting, orders: Mapping[str, Callable[[Row], Any]]) -> list[Row]:
    """Return the rows sorted as asked. Rows that are equal in the column keep their order."""
    return sorted(rows, key=orders[sorting.column], reverse=sorting.direction == DOWN)


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """One page of a list: its rows, how many the list has, the page's number from 1, and how many pages there are."""

    rows: Sequence[Row]
    total: int
    number: int
    pages: int


def part_of(rows: list[Row], asked: str, shown: int) -> Part[Row]:
    """Return the page of `rows` with the number that was asked for, or the nearest that there is."""
    pages = max(1, -(-len(rows) // shown))
    number = min(max(1, int(asked[:9]) if asked.isascii() and asked.isdigit() else 1), pages)
    return Part(rows[(number - 1) * shown : number * shown], len(rows), number, pages)
