"""Addresses of earlier releases' pages, printed on posters and kept as bookmarks: redirects to today's pages."""

from urllib.parse import quote

from fastapi import Response

from pages.redirects import redirect
from pages.rendering import page_router

router = page_router()


@router.get("/register")
@router.get("/register-with-code")
@router.get("/register-with-code/{event_code:path}")
async def old_registration(event_code: str = "") -> Response:
    """Lead to the page to join an event, with the code if there is one."""
    return redirect(f"/join?event_code={quote(event_code, safe='')}" if event_code.strip() else "/join")


@router.get("/dashboard")
@router.get("/gallery")
@router.get("/galerie")
async def old_gallery() -> Response:
    """Lead to the guest's photos."""
    return redirect("/photos")


@router.get("/photographer")
async def old_studio() -> Response:
    """Lead to the photographer's events."""
    return redirect("/studio")
