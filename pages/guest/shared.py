"""The page that a link to photos leads to, without an account: works without scripts, and needs no cookie."""

import re

from fastapi import Request, Response

from api.fields import RowId
from api.language import Language
from api.photo_links.shared import PRIVATE, AsFile, LinkToken, picture_behind, zip_behind
from api.throttling import CallerDep
from pages import formatting
from pages.rendering import page_router, render
from photos.links import service as links
from photos.links.pictures import picture_of

router = page_router()
# Programs that open links to show a preview; each of them says so.
PREVIEWS = re.compile(r"bot\b|preview|whatsapp|externalhit", re.IGNORECASE)


@router.get("/shared/{link_token}")
def shared_page(link_token: LinkToken, request: Request, caller: CallerDep, language: Language) -> Response:
    """Return the page with the photos of a link that its maker may still see."""
    with caller.shared_link():
        shared = links.opened(link_token)
    if _is_person(request):
        links.count_visit(shared)
    answer = render(
        request,
        "guest/shared.html",
        event=shared.event,
        by=shared.by,
        path=f"/shared/{shared.link.token}",
        photos=[picture_of(photo) for photo in shared.photos],
        until=formatting.last_day(language, shared.link.expires_at, shared.event.timezone),
    )
    answer.headers.update(PRIVATE)
    return answer


def _is_person(request: Request) -> bool:
    """Tell whether a person opens the page, as far as one can tell: no preview of a messenger, no HEAD."""
    return not request.scope.get("head_only") and not PREVIEWS.search(request.headers.get("user-agent", ""))


@router.get("/shared/{link_token}/photos.zip")
def shared_zip(link_token: LinkToken, request: Request, caller: CallerDep) -> Response:
    """Return the ZIP of a link's photos; where it is refused, a page says why."""
    return zip_behind(link_token, request, caller)


@router.get("/shared/{link_token}/photos/{photo_id}")
def shared_photo(
    link_token: LinkToken, photo_id: RowId, request: Request, caller: CallerDep, download: AsFile = False
) -> Response:
    """Return one photo, to look at or to save; where it is refused, a page says why."""
    return picture_behind(link_token, photo_id, request, caller, "web", download=download)
