"""A real server and a real browser; without Chromium these tests skip."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from testkit.servers import Server, serve
from tests.pages.stage import CHROMIUM, CHROMIUM_OPTIONS, Stage


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gunicorn as in production, with the engine PAGES_ENGINE names: `fake`, or `local` for real faces."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    engine = os.environ.get("PAGES_ENGINE", "fake")
    folder = tmp_path_factory.mktemp("pages")
    with serve(folder, FACE_RECOGNIZER_PROVIDER=engine, GUNICORN_WORKERS="1", JOB_POLL_SECONDS="0.2") as running:
        yield running


# Not for the session: while Playwright is at work, no other test can run an event loop of its own.
@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:
    """Chromium, started once for a module; fake cameras, and permission to use them."""
    options = [*CHROMIUM_OPTIONS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if clip := os.environ.get("FAKE_CAMERA"):
        options.append(f"--use-file-for-fake-video-capture={clip}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stage(server: Server, browser: Browser) -> Stage:
    """The server, its people and the browser."""
    return Stage(server, browser)
