"""The page that shows an admin a link with which a guest sets a new password."""

from fastapi import Request, Response

import errors
from accounts.resets import service as resets
from api.fields import RowId
from pages.admin.common import AnyEvent, render_admin
from pages.admin.forms import refused
from pages.rendering import page_router

router = page_router()


@router.post("/admin/events/{event_id}/guests/{user_id}/reset-link")
def make_reset_link(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Make a link and show it.

    The answer is the page itself, not a redirect to it: the link would have to travel in a cookie. Loading the page
    again makes another link.
    """
    try:
        link = resets.issue_for_admin(user_id)
    except (errors.AccountClosed, errors.NoLinkForAdmins):
        return refused(request, f"/admin/events/{event.id}", ["reset_link"], {})
    return render_admin(
        request, "reset_link.html", event=event, link=link.url, minutes=int(resets.LIFETIME.total_seconds() // 60)
    )
