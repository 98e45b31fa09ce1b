"""The administrator's browser, logged in without the form: that one has its own tests."""

from functools import lru_cache

from playwright.sync_api import Page

from bench.client import Api, Server
from sessions import SESSION_COOKIE
from tests.pages.stage import Stage


@lru_cache
def _token(server: Server) -> str:
    body = {"username": server.admin, "password": server.password}
    return str(Api(server).call("POST", "/api/login", json=body)["access_token"])


def as_admin(stage: Stage, page: Page, path: str) -> None:
    """Open a page as the administrator."""
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": _token(stage.server), "url": stage.server.url}])
    page.goto(path)
