"""The page with the audit log: who did what."""

from fastapi import Request, Response

from api.callers import CurrentAdmin
from audit import log
from audit.log import Action
from keys import row_id
from pages.admin.common import render_admin
from pages.rendering import page_router

router = page_router()
SHOWN = 100
# What the list can be limited to: the part of an action before the dot.
KINDS = sorted({action.value.partition(".")[0] for action in Action})


@router.get("/admin/audit")
def audit(request: Request, _: CurrentAdmin, kind: str = "", before: str = "") -> Response:
    """Return the entries of one kind or of all, newest first; `before` is the id that the next page begins below."""
    kind = kind if kind in KINDS else ""
    found = log.entries(SHOWN, row_id(before), kind or None)
    return render_admin(request, "audit.html", found=found, kinds=KINDS, kind=kind, is_first=row_id(before) is None)
