"""The parts of page tests: a server, its users, and browsers for them."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Playwright, ViewportSize, expect

from api.sessions import SESSION_COOKIE
from guests.wordings import CURRENT
from testkit.passwords import PASSWORD
from testkit.pictures import read_qr
from testkit.servers import CHEAP_APP, ROOT, Api, Server, run_server, wait_until

SCREENSHOTS = ROOT / "build" / "screenshots"
SIZES: dict[str, ViewportSize] = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
LOCALES = {"fr": "fr-FR", "en": "en-GB"}
# The same engine without a desktop browser around it needs half of the processor time, but has no camera.
HEADLESS = Path(os.environ.get("CHROMIUM_HEADLESS", "/usr/bin/chromium-headless-shell"))
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Matching runs at nice 10: beside other tests on both cores, results and the pages that show them come late.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
_numbers = itertools.count(1)


def launch(playwright: Playwright) -> Browser:
    """Start a browser without a camera; skip the test where none is installed."""
    return _launch(playwright, HEADLESS if HEADLESS.exists() else CHROMIUM)


def launch_with_camera(playwright: Playwright, *options: str) -> Browser:
    """Start a browser with a fake camera; skip the test where none is installed."""
    return _launch(playwright, CHROMIUM, "--use-fake-device-for-media-stream", *options)


def _launch(playwright: Playwright, path: Path, *options: str) -> Browser:
    if not path.exists():
        pytest.skip(f"there is no {path}")
    return playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_OPTIONS, *options])


@contextmanager
def page_server(folder: Path, engine: str = "fake") -> Iterator[Server]:
    """Run a server for tests of pages: one worker, cheap password hashes."""
    settings = {"FACE_RECOGNIZER_PROVIDER": engine, "GUNICORN_WORKERS": "1", "JOB_POLL_SECONDS": "0.2"}
    with run_server(folder, app=CHEAP_APP, **settings) as server:
        yield server


@lru_cache
def admin_token(server: Server) -> str:
    """Return a token of the administrator, who logs in once per server."""
    body = {"username": server.admin, "password": server.password}
    return str(Api(server).call("POST", "/api/login", json=body)["access_token"])


@dataclass(frozen=True, slots=True)
class Event:
    """An event, and the name of its photographer."""

    id: int
    code: str
    photographer: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A running server and a browser. Every password is PASSWORD, except the administrator's."""

    server: Server
    browser: Browser

    def admin(self) -> Api:
        """Return the calls of the administrator."""
        return Api(self.server, admin_token(self.server))

    def as_guest(self, event: Event, name: str) -> Api:
        """Return the calls of a guest."""
        return Api(self.server).logged_in(name, PASSWORD, event.code)

    def as_photographer(self, event: Event) -> Api:
        """Return the calls of the event's photographer."""
        return Api(self.server).logged_in(event.photographer, PASSWORD)

    def event(self, name: str = "Mariage de Léa et Tom", **fields: Any) -> Event:
        """Create an event with a photographer of its own."""
        photographer = f"photographer{next(_numbers)}-{os.getpid()}"
        body = {"username": photographer, "email": f"{photographer}@example.org", "password": PASSWORD}
        made = self.admin().call("POST", "/api/admin/photographers", json=body)
        wanted = {"name": name, "photographer_id": made["photographer_id"], **fields}
        event = self.admin().call("POST", "/api/admin/create-event", json=wanted)
        return Event(event["event_id"], event["event_code"], photographer)

    def guest(self, event: Event, name: str | None = None) -> str:
        """Register a guest who consents to being looked for; return the name."""
        name = name or f"guest{next(_numbers)}-{os.getpid()}"
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        body = {"user_data": account, "event_code": event.code, "consent": CURRENT}
        Api(self.server).call("POST", "/api/register-with-event-code", json=body)
        return name

    @contextmanager
    def page(self, size: str = "phone", language: str = "fr", **context: Any) -> Iterator[Page]:
        """Yields a page in a new browser context, without animations. An error in its console fails the test."""
        extra: dict[str, Any] = {
            "locale": LOCALES[language],
            "has_touch": size == "phone",
            "reduced_motion": "reduce",
        }
        opened = self.browser.new_context(base_url=self.server.url, **{"viewport": SIZES[size], **extra, **context})
        opened.set_default_timeout(PATIENCE_MS)
        page, complaints = opened.new_page(), list[str]()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # Tests provoke failing requests; those alone are no errors of the page.
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type == "error" and "Failed to load resource" not in said.text
                else None
            ),
        )
        try:
            yield page
        finally:
            opened.close()
        assert complaints == [], complaints

    def log_in(self, page: Page, name: str, password: str = PASSWORD, code: str = "") -> None:
        """Log in through the form."""
        page.goto("/login")
        page.fill("#username", name)
        page.fill("#password", password)
        page.fill("#event_code", code)
        with page.expect_navigation():
            page.click("main button.main")


def as_admin(stage: Stage, page: Page, path: str) -> None:
    """Open a page as the administrator, without the login form."""
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": admin_token(stage.server), "url": stage.server.url}])
    page.goto(path)


def axe(page: Page) -> list[str]:
    """Return the serious and critical findings of axe-core on the page in its present state."""
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:200]})"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def wait_for_picture(picture: Locator) -> None:
    """Wait until an `<img>` shows its picture: before, it is complete only in name, and some pixels large."""
    expect(picture).to_be_visible()
    wait_until(
        lambda: bool(picture.evaluate("image => image.complete && image.naturalWidth > 1")),
        PATIENCE_MS / 1000,
        "the picture",
    )


def read_shown_qr(picture: Locator) -> str:
    """Return the text of the QR code that an element shows; of an `<img>` as soon as it is there."""
    if picture.evaluate("element => element.tagName") == "IMG":
        wait_for_picture(picture)
    return read_qr(picture.screenshot())


def shoot(page: Page, name: str, *, full_page: bool = True) -> None:
    """Save the page as build/screenshots/<name>.png, only where the environment has SCREENSHOTS."""
    if os.environ.get("SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)
