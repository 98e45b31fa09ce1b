"""The page of one guest of an event, for admins."""

from fastapi import Request, Response

from api.fields import RowId
from guests import members
from pages.admin.common import AnyEvent, render_admin
from pages.rendering import page_router

router = page_router()


@router.get("/admin/events/{event_id}/guests/{user_id}")
def show_guest(request: Request, event: AnyEvent, user_id: RowId) -> Response:
    """Return the page: name, portrait, consents and sessions."""
    return render_admin(request, "guest.html", event=event, found=members.details_of(user_id, event.id))
