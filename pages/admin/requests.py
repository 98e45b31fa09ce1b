"""What guests ask about the photos of an event, for admins."""

from fastapi import Request, Response

from api.callers import CurrentAdmin
from pages.admin.common import AnyEvent
from pages.rendering import page_router
from pages.requests import Act, Chosen, Number, answer_request, show_requests

router = page_router()
PAGE = "/admin/events/{event_id}/requests"


@router.get(PAGE)
def requests_page(request: Request, event: AnyEvent, admin: CurrentAdmin) -> Response:
    """Return the page."""
    return show_requests(request, event, admin, f"/admin/events/{event.id}")


@router.post(PAGE)
def answer(
    request: Request,
    event: AnyEvent,
    admin: CurrentAdmin,
    act: Act,
    chosen: Chosen,
    photo: Number = None,
    report: Number = None,
) -> Response:
    """Answer one request."""
    return answer_request(request, event, admin, PAGE.format(event_id=event.id), act, photo, report, chosen)
