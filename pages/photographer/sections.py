"""The sections of an event, set by its photographers."""

from fastapi import Request, Response

from api.events.access import AssignedEvent
from pages.rendering import page_router
from pages.sections import Sent, save_sections, show_sections

router = page_router()


@router.get("/studio/{event_id}/sections")
def sections_page(request: Request, event: AssignedEvent) -> Response:
    """Return the form."""
    return show_sections(request, event, f"/studio/{event.id}")


@router.post("/studio/{event_id}/sections")
def change_sections(request: Request, event: AssignedEvent, sent: Sent) -> Response:
    """Replace the sections."""
    return save_sections(request, event, f"/studio/{event.id}", sent)
