"""What guests ask about the photos of an event, for its photographers."""

from fastapi import Request, Response

from api.callers import CurrentPhotographer
from api.events.access import AssignedEvent
from pages.rendering import page_router
from pages.requests import Act, Chosen, Number, answer_request, show_requests

router = page_router()
PAGE = "/studio/{event_id}/requests"


@router.get(PAGE)
def requests_page(request: Request, event: AssignedEvent, photographer: CurrentPhotographer) -> Response:
    """Return the page."""
    return show_requests(request, event, photographer, f"/studio/{event.id}")


@router.post(PAGE)
def answer(
    request: Request,
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    act: Act,
    chosen: Chosen,
    photo: Number = None,
    report: Number = None,
) -> Response:
    """Answer one request."""
    return answer_request(request, event, photographer, PAGE.format(event_id=event.id), act, photo, report, chosen)
