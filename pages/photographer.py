"""The pages of photographers."""

from fastapi import Request, Response

from dependencies import CurrentPhotographer
from events import service as events
from pages.rendering import page_router, render

router = page_router()


@router.get("/studio")
def studio(request: Request, photographer: CurrentPhotographer) -> Response:
    """The events the photographer works at."""
    return render(request, "photographer/studio.html", events=events.of_photographer(photographer.id))
