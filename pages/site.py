"""Pages for everybody: language and theme switches, the offline page, the manifest and the API's documentation."""

from typing import Annotated

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import JSONResponse

from api.callers import api_reader
from api.cookies import set_cookie
from api.language import LANGUAGE_COOKIE, LANGUAGES, Language
from keys import MAX_ID
from pages.assets import asset_url
from pages.guest.home_screen import start_url
from pages.i18n import text
from pages.login import Visitor, same_site
from pages.redirects import redirect
from pages.rendering import A_YEAR, THEME_COOKIE, THEMES, page_router, render

router = page_router()
Field = Annotated[str, Form()]
Back = Annotated[str, Form(alias="next")]
MaybeEvent = Annotated[int | None, Query(alias="event", ge=1, le=MAX_ID)]
PAPER = "#fbfaf8"


def _remember(request: Request, name: str, value: str, possible: tuple[str, ...], back: str) -> Response:
    answer = redirect(back if same_site(back) else "/")
    if value in possible:
        # Not hidden from scripts: they switch the theme without loading the page again.
        set_cookie(request, answer, name, value, A_YEAR, hidden=False)
    return answer


@router.post("/language")
async def choose_language(request: Request, value: Field = "", back: Back = "/") -> Response:
    """Set the language cookie, which the API obeys too."""
    return _remember(request, LANGUAGE_COOKIE, value, LANGUAGES, back)


@router.post("/theme")
async def choose_theme(request: Request, value: Field = "", back: Back = "/") -> Response:
    """Set the theme cookie: light, dark, or the device's own setting."""
    return _remember(request, THEME_COOKIE, value, THEMES, back)


@router.get("/offline")
def offline(request: Request) -> Response:
    """Return the page that the service worker shows without a network: without a user, in both languages."""
    return render(request, "errors/offline.html")


@router.get("/manifest.webmanifest")
def manifest(user: Visitor, language: Language, event_id: MaybeEvent = None) -> Response:
    """Return the manifest by which a phone installs the site as an app, for a guest at the photos of the event."""
    icons = [
        {"src": asset_url("icons/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        *(
            {"src": asset_url(f"icons/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
            for size in (192, 512)
        ),
        {
            "src": asset_url("icons/maskable-512.png"),
            "sizes": "512x512",
            "type": "image/png",
            "purpose": "maskable",
        },
    ]
    content = {
        "id": "/",
        "name": "Reperio",
        "short_name": "Reperio",
        "description": text(language, "common.tagline"),
        "lang": language,
        "start_url": start_url(user, event_id),
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": icons,
    }
    headers = {"Cache-Control": "no-store" if event_id else "no-cache", "Vary": "Cookie, Accept-Language"}
    return JSONResponse(content, headers=headers, media_type="application/manifest+json")


@router.get("/openapi.json", dependencies=[Depends(api_reader)])
async def openapi(request: Request) -> Response:
    """Return the OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.get("/docs", dependencies=[Depends(api_reader)])
def api_docs(request: Request) -> Response:
    """Return the page with the interactive documentation of the API."""
    response = render(request, "api_docs.html")
    # Swagger UI adds inline styles.
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
    return response
