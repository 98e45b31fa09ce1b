"""The administrator's browser, logged in without the form: that one has its own tests."""

from playwright.sync_api import Page

from api.sessions import SESSION_COOKIE
from tests.pages.stage import Stage, admin_token


def as_admin(stage: Stage, page: Page, path: str) -> None:
    """Open a page as the administrator."""
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": admin_token(stage.server), "url": stage.server.url}])
    page.goto(path)
