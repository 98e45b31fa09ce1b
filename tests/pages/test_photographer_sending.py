"""Photographers send a night's photos from the browser: through cut lines, dead servers and sessions that end."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from bench.client import Api, Launcher
from tests.builders import people
from tests.pages.stage import PASSWORD, Event, Stage, axe, shoot

NUMBER = 60
FAILED_BODY = b"\xff\xd8\xff\xe0 no photo behind this"


def folder_of(path: Path, number: int, first: int = 1) -> Path:
    """A card with that many photos, each of other bytes."""
    path.mkdir(parents=True, exist_ok=True)
    for each in range(number):
        (path / f"IMG_{each + 1:04}.JPG").write_bytes(people(1 + each % 8) + f"{first + each}".encode())
    return path


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty photos in folders of folders."""
    root = tmp_path_factory.mktemp("card") / "Mariage"
    folder_of(root / "100CANON", NUMBER // 2)
    folder_of(root / "101CANON", NUMBER - NUMBER // 2, first=1000)
    (root / ".DS_Store").write_bytes(b"x")
    return root


@pytest.fixture(scope="module")
def mortal(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Launcher]]:
    """A server of its own with two workers, which may be killed."""
    launcher = Launcher(
        tmp_path_factory.mktemp("mortal"),
        FACE_RECOGNIZER_PROVIDER="fake",
        GUNICORN_WORKERS="2",
        JOB_POLL_SECONDS="0.2",
        JOB_LEASE_SECONDS="3",
        JOB_HEARTBEAT_SECONDS="1",
    )
    try:
        yield Stage(launcher.start(), browser), launcher
    finally:
        launcher.stop()


def opened(stage: Stage, page: Page, event: Event) -> None:
    stage.log_in(page, event.photographer)
    page.goto(f"/studio/{event.id}")


def slow(page: Page, bytes_a_second: int) -> CDPSession:
    """A line as venues have it."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    limits = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    line.send("Network.emulateNetworkConditions", limits)
    return line


def drop(page: Page, *paths: Path) -> None:
    """Let go of files and folders over the page, as from a file manager."""
    box = page.locator("#drop").bounding_box()
    assert box
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    line = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        line.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": data})


def arrived(page: Page) -> int:
    return int(re.sub(r"\D.*", "", page.locator("#count").inner_text() or "0"))


def wait_for(page: Page, number: int) -> None:
    page.wait_for_function(
        "number => parseInt(document.getElementById('count').textContent) >= number", arg=number, timeout=30_000
    )


def names(stage: Stage, event: Event) -> list[str]:
    photos = Api(stage.server).logged_in(event.photographer, PASSWORD)
    return sorted(
        each["original_filename"] for each in photos.call("GET", f"/api/photographer/events/{event.id}/photos")
    )


def test_every_photo_arrives_once_though_the_server_is_killed_and_the_page_reloaded(
    mortal: tuple[Stage, Launcher], card: Path
) -> None:
    stage, launcher = mortal
    event = stage.event()
    with stage.page("desktop") as page:
        page.on("dialog", lambda dialog: dialog.accept())
        opened(stage, page, event)
        line = slow(page, 150_000)
        drop(page, card)
        wait_for(page, 8)
        shoot(page, "studio-sending")
        launcher.kill()
        expect(page.locator("#headline")).to_contain_text("Le service ne répond pas")
        shoot(page, "studio-away")
        assert axe(page) == []
        launcher.start()
        page.click("#hurry")
        expect(page.locator("#headline")).to_be_hidden()
        wait_for(page, 25)
        page.reload()
        expect(page.locator("#before")).to_contain_text("du dossier « Mariage »")
        shoot(page, "studio-before")
        line.detach()
        drop(page, card)
        drop(page, card)
        expect(page.locator("#headline")).to_have_text(f"Tout est arrivé : {NUMBER} photos.", timeout=30_000)
        expect(page.locator("#before")).to_be_hidden()
        shoot(page, "studio-all-there")
    assert len(names(stage, event)) == NUMBER
