"""The faces of one event that may be the guest's ("maybe you"); the page's script sends the answers to the API."""

from fastapi import Request, Response

from api.callers import CurrentGuest
from api.language import Language
from matching import confirmations
from pages.guest.gallery import MaybeEvent, row_of
from pages.guest.membership import membership_in, memberships_of
from pages.guest.standing import standing_of
from pages.redirects import redirect
from pages.rendering import page_router, render
from photos import service as photos

router = page_router()


@router.get("/photos/maybe")
def maybe(request: Request, guest: CurrentGuest, language: Language, event_id: MaybeEvent = None) -> Response:
    """Return the page that asks about each face; without an event, lead to the gallery, which knows the last one.

    Only photos that the guest sees anyway can be opened.
    """
    if event_id is None:
        return redirect("/photos")
    here = membership_in(memberships_of(guest), event_id)
    asked = confirmations.maybes_of(guest.id, here.event)
    visible = photos.seen_among(guest, event_id, [each.maybe.photo.id for each in asked if each.is_visible])
    return render(
        request,
        "guest/maybe.html",
        event=here.event,
        standing=standing_of(guest, here, language),
        asked=asked,
        data={"event": event_id, "zone": here.event.timezone, "photos": [row_of(each) for each in visible]},
    )
