"""The page of one guest of an event, for admins."""

from typing import Annotated

from fastapi import Form, Request, Response

from api.fields import RowId
from guests import members
from guests.erasure import erase_guest
from pages.admin.common import AnyEvent, render_admin
from pages.redirects import redirect
from pages.rendering import page_router
from photos.withheld import service as withheld

router = page_router()
PAGE = "/admin/events/{event_id}/guests/{user_id}"


@router.get(PAGE)
def show_guest(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Return the page: name, portrait, consents and sessions."""
    found = members.details_of(user_id, event.id)
    hidden = event.id in withheld.hides_in(user_id)
    return render_admin(request, "guest.html", event=event, found=found, hidden=hidden)


@router.post(f"{PAGE}/hide")
def hide_photos(event: AnyEvent, user_id: RowId) -> Response:
    """Hide the photos of the guest from all others, as they asked."""
    withheld.hide_photos_of(user_id, event.id)
    return redirect(PAGE.format(event_id=event.id, user_id=user_id))


@router.post(f"{PAGE}/show")
def show_photos(event: AnyEvent, user_id: RowId) -> Response:
    """Show them again."""
    withheld.show_photos_of(user_id, event.id)
    return redirect(PAGE.format(event_id=event.id, user_id=user_id))


@router.post(f"{PAGE}/erase")
def erase_account(event: AnyEvent, user_id: RowId, photos: Annotated[str, Form()] = "leave") -> Response:
    """Erase the guest's account, in all events.

    Raises:
        NoSuchUser: there is no such guest in this event.
    """
    members.details_of(user_id, event.id)
    erase_guest(user_id, hide_photos=photos == "hide")
    return redirect(f"/admin/events/{event.id}")
