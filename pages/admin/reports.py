"""All open reports of photos, of every event, for admins."""

from fastapi import Request, Response

from api.callers import CurrentAdmin
from api.photos.reports import OpenReport
from pages.admin.common import render_admin
from pages.rendering import page_router
from photos.reports import service

router = page_router()


@router.get("/admin/reports")
def reports(request: Request, admin: CurrentAdmin) -> Response:
    """Return the page with the reports of each event; the event whose report has waited longest comes first."""
    waiting = [
        (event, number, [OpenReport.of(each, admin) for each in service.open_in(event.id)])
        for event, number in service.events_with_open()
    ]
    return render_admin(request, "reports.html", waiting=waiting)
