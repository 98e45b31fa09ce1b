"""The guest list on an event's page for admins: searched, filtered and sorted without scripts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from guests import members
from guests.members import Member
from keys import comparison_key
from models import Event
from pages.admin.sorting import DOWN, Part, Sorting, in_order, part_of, sorting_of

SHOWN = 25
ORDERS: dict[str, Callable[[Member], Any]] = {
    "name": lambda each: comparison_key(each.name or ""),
    "email": lambda each: comparison_key(each.email or ""),
    "joined": lambda each: each.joined_at,
    "selfie": lambda each: each.selfie_status or "",
    "matched": lambda each: each.matched,
}
FILTERS: dict[str, Callable[[Member], bool]] = {
    "all": lambda _: True,
    "no_portrait": lambda each: not each.has_selfie,
    "not_found": lambda each: not each.matched,
    "found": lambda each: bool(each.matched),
}


@dataclass(frozen=True, slots=True)
class ShownGuests:
    """A page of the guest list, and what was asked for."""

    part: Part[Member]
    sorting: Sorting
    q: str
    show: str

    @property
    def shows(self) -> list[str]:
        """The filters that there are."""
        return [*FILTERS]


def shown_guests(request: Request, event: Event, q: str) -> ShownGuests:
    """Return the page of guests that the address asks for: `q` begins a name or address, `show` is a filter."""
    asked, page = request.query_params.get("show", ""), request.query_params.get("page", "1")
    show = asked if asked in FILTERS else "all"
    sorting = sorting_of(request, ORDERS, "joined", DOWN, anchor="#guests", q=q, show=show, page=page)
    if (show, page, sorting.column, sorting.direction) == ("all", "1", "joined", DOWN):
        # The page that is fetched every few seconds reads no more guests than it shows.
        first = members.members_of(event.id, q, SHOWN, None)
        part = Part(first.members, first.total, 1, max(1, -(-first.total // SHOWN)))
    else:
        found = [each for each in members.members_of(event.id, q, None, None).members if FILTERS[show](each)]
        part = part_of(in_order(found, sorting, ORDERS), page, SHOWN)
    return ShownGuests(part, sorting, q, show)
