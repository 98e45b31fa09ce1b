"""The page with the audit log: who did what."""

from fastapi import Request, Response

from api.callers import CurrentAdmin
from audit import log
from audit.log import Action
from keys import row_id, storable
from pages.admin.common import render_admin
from pages.admin.sorting import DOWN, UP, sorting_of
from pages.rendering import page_router

router = page_router()
SHOWN = 100
MAX_PSEUDONYM = 64
# What the list can be limited to: the part of an action before the dot.
KINDS = sorted({action.value.partition(".")[0] for action in Action})


@router.get("/admin/audit")
def audit(request: Request, _: CurrentAdmin, kind: str = "", about: str = "", before: str = "") -> Response:
    """Return the entries of one kind or of all, by time; `before` is the id that the next page begins behind.

    `about` limits them to one person's pseudonym.
    """
    kind = kind if kind in KINDS else ""
    about = about if len(about) <= MAX_PSEUDONYM and storable(about) else ""
    sorting = sorting_of(request, ("at",), "at", DOWN, kind=kind, about=about)
    oldest_first = sorting.direction == UP
    found = log.entries(SHOWN, row_id(before), kind or None, about or None, oldest_first=oldest_first)
    return render_admin(
        request,
        "audit.html",
        found=found,
        kinds=KINDS,
        kind=kind,
        about=about,
        sorting=sorting,
        is_first=row_id(before) is None,
    )
