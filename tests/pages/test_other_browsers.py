"""A guest's first minute in WebKit and in Firefox, where a file stands for the camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PIL import Image
from playwright.sync_api import Browser

from testkit.builders import OPEN
from testkit.other_browsers import OtherBrowser, missing, start, wait_for
from testkit.pictures import saved
from testkit.sample_pictures import sample_file
from testkit.servers import Server
from tests.pages.guests import send_photos
from tests.pages.stage import Event, Stage, page_server

pytestmark = [pytest.mark.long, pytest.mark.server]
OWN_PHOTO = "[...document.querySelectorAll('.tile img')].some((image) => image.complete && image.naturalWidth)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the local engine."""
    with page_server(tmp_path_factory.mktemp("other"), "local") as running:
        yield running


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a portrait."""
    path = tmp_path_factory.mktemp("portrait") / "me.jpg"
    path.write_bytes(saved(Image.open(sample_file("skimage", "data/astronaut.png")).convert("RGB"), "JPEG"))
    return path


@pytest.fixture(scope="module")
def event(server: Server, portrait: Path) -> Event:
    """An event with one photo of the guest and one of others."""
    # The people of the stage, without its browser.
    stage = Stage(server, cast("Browser", None))
    event = stage.event("Course du lac", **OPEN)
    across = Image.open(portrait).crop((0, 0, 512, 340))
    others = sample_file("insightface", "data/images/t1.jpg").read_bytes()
    send_photos(stage, event, [saved(across, "JPEG"), others])
    return event


@pytest.fixture(params=["webkit", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[OtherBrowser]:
    """A browser of the system; the test skips where it is not installed."""
    if lacking := missing(request.param):
        pytest.skip(lacking)
    with start(request.param) as started:
        yield started


def test_from_the_code_to_the_first_own_photo_and_back(
    browser: OtherBrowser, server: Server, event: Event, portrait: Path
) -> None:
    browser.open(f"{server.url}/join?event_code={event.code}")
    browser.tap("main button.main")
    # There is no camera: the button offers a file.
    wait_for(browser, "!document.querySelector('#taking').hidden && document.querySelector('#status').textContent")
    browser.choose_file("#file", portrait)
    wait_for(browser, "document.querySelector('#shot').naturalWidth && !document.querySelector('#again').hidden")
    browser.tap("#go")
    wait_for(browser, f"location.pathname === '/photos' && {OWN_PHOTO}")
    assert "1" in browser.run("document.querySelector('#standing').textContent")
    assert browser.run("document.querySelectorAll('.tile').length") == 1
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    # A photo opens in the viewer, and the back button closes it.
    browser.tap(".tile")
    wait_for(browser, "document.querySelector('dialog[open] img')?.naturalWidth")
    browser.run("history.back()")
    wait_for(browser, "!document.querySelector('dialog[open]')")
    # Back later, the browser is still that guest's.
    browser.open(f"{server.url}/join?event_code={event.code}")
    wait_for(browser, f"location.pathname === '/photos' && {OWN_PHOTO}")


def test_without_a_portrait_a_guest_gets_in_as_well(browser: OtherBrowser, server: Server, event: Event) -> None:
    browser.open(f"{server.url}/join?event_code={event.code}")
    browser.tap(".otherwise form button")
    wait_for(browser, "location.pathname === '/photos'")
    assert browser.run("document.querySelectorAll('.tile').length") == 0
    assert browser.run("document.querySelector('main h1').textContent.length") > 0
