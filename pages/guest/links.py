"""The guest's links to photos: each with its address, until when it opens, and the button that revokes it."""

from contextlib import suppress
from typing import Any

from fastapi import Request, Response

import errors
from api.callers import CurrentGuest
from api.fields import RowId
from api.language import Language
from pages import formatting
from pages.redirects import flash_of, redirect_with_flash
from pages.rendering import page_router, render
from photos.links import service as links
from photos.links.service import OwnLink
from throttling import rules

router = page_router()
PAGE = "/links"


@router.get(PAGE)
def my_links(request: Request, guest: CurrentGuest, language: Language) -> Response:
    """Return the page."""
    found = [_shown(each, language) for each in links.links_of(guest)]
    return render(request, "guest/links.html", links=found, revoked=flash_of(request).get("done") == "revoked")


def _shown(link: OwnLink, language: str) -> dict[str, Any]:
    zone = link.event.timezone
    return {
        "id": link.row.id,
        "event": link.event,
        "photos": link.photos,
        "address": link.address,
        "is_open": link.is_open,
        "may_share": link.event.guests_may_share,
        "opened": link.row.opened,
        "shows_name": link.told_name is not None,
        "made": formatting.last_day(language, link.row.created_at, zone),
        "until": formatting.last_day(language, link.expires_at, zone),
    }


@router.post(PAGE + "/{link_id}/revoke")
def revoke(request: Request, guest: CurrentGuest, link_id: RowId) -> Response:
    """Revoke a link. Sent twice it changes nothing."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    with suppress(errors.NoSuchPhotoLink):
        links.revoke(guest, link_id)
    return redirect_with_flash(request, PAGE, done="revoked")
