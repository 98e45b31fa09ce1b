"""The page on which a guest takes, sees, replaces and erases the portrait; its script calls the API."""

from contextlib import suppress

from fastapi import Request, Response

import errors
from api.callers import CurrentGuest
from models import utcnow
from pages.guest.gallery import MaybeEvent
from pages.guest.membership import memberships_of
from pages.rendering import page_router, render
from selfies import service as selfies

router = page_router()


@router.get("/selfie")
def portrait(request: Request, guest: CurrentGuest, asked: MaybeEvent = None, change: bool = False) -> Response:
    """Return the page with the portrait, or with the camera if there is none or to `change` it.

    `event` is the event whose photos the page leads to.
    """
    joined = memberships_of(guest)
    taken = None
    with suppress(errors.NoSelfie):
        taken = selfies.mine(guest.id)
    is_open = any(each.event.expires_at > utcnow() for each in joined)
    if asked is not None and all(each.event.id != asked for each in joined):
        raise errors.NotInEvent
    return render(
        request,
        "guest/portrait.html",
        taken=taken,
        change=change or taken is None,
        is_open=is_open,
        for_event=f"?event={asked}" if asked is not None else "",
    )
