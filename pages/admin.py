"""The pages of administrators."""

from fastapi import Request, Response

from dependencies import CurrentAdmin
from events import service as events
from pages.rendering import page_router, render

router = page_router()


@router.get("/admin")
def overview(request: Request, _: CurrentAdmin) -> Response:
    """Every event."""
    return render(request, "admin/overview.html", events=events.every())
