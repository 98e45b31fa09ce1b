"""Links that an admin hands to a guest: one logs in once, the other sets a new password."""

from fastapi import Request, Response

import errors
from accounts import login_links
from accounts.resets import service as resets
from api.fields import RowId
from pages.admin.common import AnyEvent, render_admin
from pages.admin.forms import refused
from pages.carried import carried, carry
from pages.redirects import redirect
from pages.rendering import page_router

router = page_router()
PAGE = "/admin/events/{event_id}/guests/{user_id}"
LOGIN, RESET = "login-link", "reset-link"


@router.post(f"{PAGE}/{LOGIN}")
def make_login_link(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Make a link that logs the guest in, and lead to the page that shows it."""
    try:
        return _handed(
            request, _address(event.id, user_id, LOGIN), login_links.url_of(login_links.issue_for_admin(user_id))
        )
    except (errors.AccountClosed, errors.NoLinkForStaff):
        return refused(request, f"/admin/events/{event.id}", ["login_link"], {})


@router.get(f"{PAGE}/{LOGIN}")
def show_login_link(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Return the page with the link that was just made; without one, lead to the guest."""
    hours = int(login_links.LIFETIMES[login_links.HELP].total_seconds() // 3600)
    return _shown(request, event, user_id, "login_link.html", hours=hours)


@router.post(f"{PAGE}/{RESET}")
def make_reset_link(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Make a link with which the guest sets a new password, and lead to the page that shows it."""
    try:
        return _handed(request, _address(event.id, user_id, RESET), resets.issue_for_admin(user_id).url)
    except (errors.AccountClosed, errors.NoLinkForAdmins):
        return refused(request, f"/admin/events/{event.id}", ["reset_link"], {})


@router.get(f"{PAGE}/{RESET}")
def show_reset_link(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Return the page with the link that was just made; without one, lead to the guest."""
    minutes = int(resets.LIFETIME.total_seconds() // 60)
    return _shown(request, event, user_id, "reset_link.html", minutes=minutes)


def _address(event_id: int, user_id: int, kind: str) -> str:
    return f"{PAGE.format(event_id=event_id, user_id=user_id)}/{kind}"


def _handed(request: Request, page: str, link: str) -> Response:
    return carry(request, redirect(page), page, link)


def _shown(request: Request, event: AnyEvent, user_id: int, template: str, **context: int) -> Response:
    link = carried(request)
    if link is None:
        return redirect(PAGE.format(event_id=event.id, user_id=user_id))
    page = render_admin(request, template, event=event, link=link, **context)
    page.headers["Referrer-Policy"] = "no-referrer"
    return page
