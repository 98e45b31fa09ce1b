"""Browsers beside Chromium, each behind the same few methods: WebKit by Selenium, Firefox by WebDriver BiDi.

Both are the browsers of the system as they are; neither has a camera here.
"""

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from websockets.sync.client import ClientConnection, connect

WIDTH, HEIGHT = 360, 640
PATIENCE_SECONDS = 60.0
WEBKIT_DRIVER = Path("/usr/bin/WebKitWebDriver")
FIREFOX = Path("/usr/bin/firefox-esr")


class OtherBrowser(Protocol):
    """One window of a browser, as large as a small phone's."""

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, a string, number or boolean."""

    def tap(self, selector: str) -> None:
        """Press an element where it is."""

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input."""


def wait_for(browser: OtherBrowser, expression: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until an expression is true; while a page is replaced by the next one, it is not.

    Raises:
        AssertionError: it is still not true after `seconds`.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            if browser.run(f"Boolean({expression})"):
                return
        except Exception as error:  # noqa: BLE001 - each browser has its own for a page that is going away
            last: object = error
        else:
            last = browser.run("document.body.innerText")
        assert time.monotonic() < end, f"{expression} is not true at {browser.run('location.href')}: {last}"
        time.sleep(0.1)


class WebKit:
    """WebKitGTK's browser, driven by Selenium."""

    def __init__(self, driver: webdriver.WebKitGTK) -> None:
        """Use a started browser."""
        self._driver = driver
        driver.set_window_size(WIDTH, HEIGHT)

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._driver.get(url)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        return self._driver.execute_script(f"return ({expression})")

    def tap(self, selector: str) -> None:
        """Press an element where it is."""
        self._driver.find_element(By.CSS_SELECTOR, selector).click()

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input."""
        self._driver.find_element(By.CSS_SELECTOR, selector).send_keys(str(path))


class Firefox:
    """Firefox, driven by WebDriver BiDi without a driver between."""

    def __init__(self, connection: ClientConnection) -> None:
        """Begin a session over the WebSocket of a started browser."""
        self._connection = connection
        self._count = 0
        self._call("session.new", capabilities={})
        self._context = self._call("browsingContext.getTree")["contexts"][0]["context"]
        viewport = {"width": WIDTH, "height": HEIGHT}
        self._call("browsingContext.setViewport", context=self._context, viewport=viewport)

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression.

        Raises:
            RuntimeError: it threw an exception, or the page went away.
        """
        return self._evaluate(expression).get("value")

    def tap(self, selector: str) -> None:
        """Press an element where it is."""
        self.run(f"{_find(selector)}.scrollIntoView({{ block: 'center', behavior: 'instant' }})")
        target = {"type": "element", "element": self._reference(selector)}
        pointer: list[dict[str, Any]] = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": target},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        finger = {"type": "pointer", "id": "finger", "parameters": {"pointerType": "touch"}, "actions": pointer}
        self._call("input.performActions", context=self._context, actions=[finger])

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input."""
        self._call("input.setFiles", context=self._context, element=self._reference(selector), files=[str(path)])

    def _reference(self, selector: str) -> dict[str, str]:
        return {"sharedId": self._evaluate(_find(selector))["sharedId"]}

    def _evaluate(self, expression: str) -> dict[str, Any]:
        target = {"context": self._context}
        answer = self._call("script.evaluate", expression=expression, target=target, awaitPromise=True)
        if answer["type"] != "success":
            raise RuntimeError(answer)
        return dict(answer["result"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        self._connection.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE_SECONDS))
            if answer.get("id") == self._count:
                if answer["type"] == "error":
                    raise RuntimeError(answer)
                return dict(answer["result"])


def _find(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"


def missing(name: str) -> str:
    """Return what the browser `webkit` or `firefox` needs and this machine lacks, or an empty text."""
    if name == "firefox":
        return "" if FIREFOX.exists() else f"there is no {FIREFOX} (Debian's firefox-esr)"
    if not WEBKIT_DRIVER.exists() or _webkit() is None:
        return f"there is no {WEBKIT_DRIVER} (Debian's webkit2gtk-driver)"
    return "" if shutil.which("Xvfb") else "there is no Xvfb, the screen that WebKit needs"


@contextmanager
def start(name: str) -> Iterator[OtherBrowser]:
    """Start the browser `webkit` or `firefox` with a profile of its own, and stop it at the end."""
    with _firefox() if name == "firefox" else _webkit_on_a_screen() as browser:
        yield browser


def _webkit() -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-*/MiniBrowser"))), None)


@contextmanager
def _webkit_on_a_screen() -> Iterator[OtherBrowser]:
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "800x800x24"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert screen.stdout is not None
        options = Options()
        options.binary_location = str(_webkit())
        options.add_argument("--automation")
        environment = {"PATH": "/usr/bin:/bin", "DISPLAY": f":{screen.stdout.readline().strip()}"}
        driver = webdriver.WebKitGTK(options, Service(str(WEBKIT_DRIVER), env=environment))
        try:
            yield WebKit(driver)
        finally:
            driver.quit()
    finally:
        screen.terminate()
        screen.wait()


@contextmanager
def _firefox() -> Iterator[OtherBrowser]:
    with tempfile.TemporaryDirectory() as profile:
        command = [str(FIREFOX), "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        log = Path(profile, "log.txt")
        with log.open("w") as errors:
            process = subprocess.Popen(command, stderr=errors)
        try:
            while not (found := re.search(r"BiDi listening on (\S+)", log.read_text(errors="replace"))):
                assert process.poll() is None, log.read_text(errors="replace")
                time.sleep(0.1)
            with connect(f"{found[1]}/session", max_size=None) as connection:
                yield Firefox(connection)
        finally:
            process.terminate()
            process.wait()
