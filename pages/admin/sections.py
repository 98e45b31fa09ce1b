"""The sections of an event, set by admins."""

from fastapi import Request, Response

from pages.admin.common import AnyEvent
from pages.rendering import page_router
from pages.sections import Sent, save_sections, show_sections

router = page_router()


@router.get("/admin/events/{event_id}/sections")
def sections_page(request: Request, event: AnyEvent) -> Response:
    """Return the form."""
    return show_sections(request, event, f"/admin/events/{event.id}")


@router.post("/admin/events/{event_id}/sections")
def change_sections(request: Request, event: AnyEvent, sent: Sent) -> Response:
    """Replace the sections."""
    return save_sections(request, event, f"/admin/events/{event.id}", sent)
