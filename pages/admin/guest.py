"""The page of one guest of an event, for admins, and the one-time link that logs the guest in."""

from fastapi import Request, Response

import errors
from accounts import login_links
from api.fields import RowId
from guests import members
from pages.admin.common import AnyEvent, render_admin
from pages.admin.forms import refused
from pages.rendering import page_router

router = page_router()
PAGE = "/admin/events/{event_id}/guests/{user_id}"


@router.get(PAGE)
def show_guest(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Return the page: name, portrait, consents and sessions."""
    return render_admin(request, "guest.html", event=event, found=members.details_of(user_id, event.id))


@router.post(f"{PAGE}/login-link")
def make_login_link(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Make a link and show it.

    The answer is the page itself, not a redirect to it: the link would have to travel in a cookie. Loading the page
    again makes another link.
    """
    try:
        token = login_links.issue_for_admin(user_id)
    except (errors.AccountClosed, errors.NoLinkForStaff):
        return refused(request, f"/admin/events/{event.id}", ["login_link"], {})
    hours = int(login_links.LIFETIMES[login_links.HELP].total_seconds() // 3600)
    return render_admin(request, "login_link.html", event=event, link=login_links.url_of(token), hours=hours)
