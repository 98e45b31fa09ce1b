"""A real server and a real browser, started once for the run; without Chromium these tests skip."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from testkit.servers import Server
from tests.pages.stage import Stage, launch, page_server


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's database."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="session")
def server(server_folder: Path) -> Iterator[Server]:
    """Gunicorn as in production, with the engine PAGES_ENGINE names: `fake`, or `local` for real faces."""
    engine = os.environ.get("PAGES_ENGINE", "fake")
    with page_server(server_folder, engine) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright. Its event loop occupies the main thread to the end: no test may call `asyncio.run` there."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def common_browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium, started once for all modules that need no camera."""
    with launch(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def browser(common_browser: Browser) -> Browser:
    """The browser of a module's tests; a module that needs a camera replaces this fixture."""
    return common_browser


@pytest.fixture(scope="module")
def stage(browser: Browser, server: Server) -> Stage:
    """The server, its people and the browser."""
    return Stage(server, browser)
