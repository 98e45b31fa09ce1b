"""The page on which a guest takes, sees, adds, replaces and erases portraits; its script calls the API."""

from fastapi import Request, Response

from api.callers import CurrentGuest
from api.language import Language
from guests.portraits import portraits_of
from keys import MAX_PORTRAITS
from matching.state import state_of
from models import DONE, FAILED, utcnow
from pages.guest.gallery import MaybeEvent
from pages.guest.membership import membership_in, memberships_of
from pages.guest.standing import REFUSED, reason
from pages.guest.together import invitation_of
from pages.rendering import page_router, render

router = page_router()


@router.get("/selfie")
def portrait(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    asked: MaybeEvent = None,
    change: bool = False,
    add: bool = False,
) -> Response:
    """Return the page with the portraits, or with the camera if there is none, to `change` them or to `add` one.

    `event` is the event whose photos the page leads to.
    """
    joined = memberships_of(guest)
    if asked is not None:
        membership_in(joined, asked)
    kept = portraits_of(guest.id)
    state = state_of(guest.id)
    is_open = any(each.event.expires_at > utcnow() for each in joined)
    add = add and 0 < len(kept) < MAX_PORTRAITS
    for_event = f"?event={asked}" if asked is not None else ""
    return render(
        request,
        "guest/portrait.html",
        portraits=kept,
        used=DONE,
        failed=FAILED,
        most=MAX_PORTRAITS,
        refused=reason(language, state.detail) if state.status == REFUSED else "",
        add=add,
        taking=is_open and (change or add or not kept),
        is_open=is_open,
        for_event=for_event,
        onward=invitation_of(request) or f"/photos{for_event}",
    )
