"""Renders a template in the reader's language and colours, with the security headers."""

import json
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

import presigning
from accounts.tokens import csrf_of
from api.cookies import cookie_of, set_cookie
from api.language import language_of
from api.sessions import VISITOR_COOKIE, check_form, csrf_seed, renew_session
from keys import (
    MAX_CODE_KEY,
    MAX_EMAIL,
    MAX_EMAIL_KEY,
    MAX_PASSWORD,
    MAX_TYPED,
    MAX_USERNAME,
    MIN_PASSWORD,
    MIN_STAFF_PASSWORD,
)
from models import ADMIN, GUEST, PHOTOGRAPHER, User
from pages import i18n
from pages.assets import asset_url
from pages.redirects import clear_flash, flash_of
from settings import get_settings

THEME_COOKIE = "reperio_theme"
THEMES = ("auto", "light", "dark")
A_YEAR = 365 * 86_400
HOMES = {GUEST: "/photos", PHOTOGRAPHER: "/studio", ADMIN: "/admin"}
# With the origin of the object store, where browsers load pictures from it or send photos to it.
CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{images} blob: data:; "
    "connect-src 'self'{connections}; "
    "media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    # A page contains the CSRF token of its session: the back button must load it again.
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
# How many characters an input takes, by what is typed there. A code or a search may be longer than what is stored.
LIMITS = {
    "username": MAX_USERNAME,
    "email": MAX_EMAIL,
    "password": MAX_PASSWORD,
    "min_password": MIN_PASSWORD,
    "min_staff_password": MIN_STAFF_PASSWORD,
    "event_code": MAX_CODE_KEY,
    "search": MAX_EMAIL_KEY,
    "link": MAX_TYPED,
}
# Texts for the scripts of every page; a template names further ones in `script_texts`.
SCRIPT_TEXTS = ("common.js.", "common.error.")


def content_security() -> str:
    """Return the policy of pages."""
    settings = get_settings()
    images, connections = settings.presigned_seconds > 0, settings.presigned_uploads
    store = presigning.origin() if images or connections else None
    there = f" {store}" if store else ""
    return CONTENT_SECURITY.format(images=there if images else "", connections=there if connections else "")


class _Unindent(Extension):
    """Removes the indentation of templates when they are loaded: about a fifth of a page's bytes."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE)


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=[_Unindent],
)
_environment.globals["limits"] = LIMITS


def page_router() -> APIRouter:
    """Return a router for pages: not part of the OpenAPI document, and with the CSRF check for every form."""
    return APIRouter(include_in_schema=False, dependencies=[Depends(check_form)])


def theme_of(request: Request) -> str:
    """Return the colour theme that the reader chose: `auto`, `light` or `dark`."""
    chosen = cookie_of(request, THEME_COOKIE)
    return chosen if chosen in THEMES else "auto"


def here(request: Request) -> str:
    """Return the path and query of this page, to come back to it."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """Return a page.

    Its template has `t`, `asset`, `limits`, `language`, `theme`, `user` (the account that is logged in, or None),
    `home` (the user's first page), `csrf_token`, `here`, `flash` (what a form left for this page: `pages.redirects`),
    and `context`.
    """
    language = language_of(request)
    user: User | None = getattr(request.state, "user", None)
    flash = flash_of(request)
    seed, new_visitor = csrf_seed(request)

    def texts_of(prefixes: list[str]) -> Markup:
        return _data(i18n.section(language, (*SCRIPT_TEXTS, *prefixes)))

    def t(key: str, **values: Any) -> str:
        return i18n.text(language, key, **values)

    body = _environment.get_template(template).render(
        t=t,
        texts_of=texts_of,
        asset=asset_url,
        language=language,
        theme=theme_of(request),
        user=user,
        home=HOMES[user.user_type] if user else "/",
        csrf_token=csrf_of(seed),
        flash=flash,
        here=here(request) if request.method == "GET" else request.url.path,
        **context,
    )
    headers = {**HEADERS, "Content-Security-Policy": content_security()}
    response = Response(body, status, headers, media_type="text/html")
    if flash:
        clear_flash(request, response)
    if new_visitor:
        set_cookie(request, response, VISITOR_COOKIE, seed, None)
    if user is not None:
        renew_session(request, response, user)
    return response


def _data(value: Any) -> Markup:
    """Return JSON escaped so that it cannot end the <script> element around it."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(written.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704 - escaped here
