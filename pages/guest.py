"""The pages of guests: joining an event, their photos."""

from fastapi import Request, Response

from dependencies import CurrentGuest
from events import service as events
from pages.account import Visitor
from pages.rendering import page_router, render

router = page_router()


@router.get("/join")
def join(request: Request, _: Visitor, event_code: str = "") -> Response:
    """Where a QR code leads."""
    is_open = bool(event_code.strip()) and events.is_open(event_code)
    return render(request, "guest/join.html", event_code=event_code, is_open=is_open)


@router.get("/photos")
def photos(request: Request, guest: CurrentGuest) -> Response:
    """The photos the guest is in."""
    joined = [event for event, _ in events.joined_by(guest.id)]
    return render(request, "guest/photos.html", events=joined)
