"""Upload from the photographer's browser, through lost connections, killed servers and expired sessions."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Page, Route, expect

from testkit.builders import people
from testkit.passwords import PASSWORD
from testkit.servers import CHEAP_APP, Launcher
from tests.conftest import wait_until
from tests.pages.stage import Event, Stage, axe, shoot

NUMBER = 60


def folder_of(path: Path, number: int, first: int = 1) -> Path:
    """Write photos of different bytes into a folder; return the folder."""
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
    """A server with two workers, for tests that kill it."""
    launcher = Launcher(
        tmp_path_factory.mktemp("mortal"),
        app=CHEAP_APP,
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
    """Limit the page's upload speed; return the CDP session."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    limits = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    line.send("Network.emulateNetworkConditions", limits)
    return line


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders on the page, as from a file manager."""
    box = page.locator("#drop").bounding_box()
    assert box
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    line = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        line.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": data})


def arrived(page: Page) -> int:
    return int(re.sub(r"\D.*", "", page.locator("#count").inner_text() or "0"))


def wait_for(page: Page, number: int) -> None:
    page.wait_for_function("number => parseInt(document.getElementById('count').textContent) >= number", arg=number)


def names(stage: Stage, event: Event) -> list[str]:
    photos = stage.as_photographer(event)
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
        # So slow that much is left to send when the page is loaded again.
        line.detach()
        line = slow(page, 30_000)
        launcher.start()
        # Hidden again where the page has found the service by itself meanwhile.
        page.locator("#hurry").dispatch_event("click")
        expect(page.locator("#headline")).to_be_hidden()
        wait_for(page, 12)
        page.reload()
        expect(page.locator("#before")).to_contain_text("du dossier « Mariage »")
        shoot(page, "studio-before")
        line.detach()
        drop(page, card)
        drop(page, card)
        expect(page.locator("#headline")).to_have_text(f"Tout est arrivé : {NUMBER} photos.")
        expect(page.locator("#before")).to_be_hidden()
        shoot(page, "studio-all-there")
    assert len(names(stage, event)) == NUMBER


def test_what_is_refused_is_named_with_the_reason(mortal: tuple[Stage, Launcher], tmp_path: Path) -> None:
    stage, _ = mortal
    event = stage.event()
    folder = folder_of(tmp_path / "mixed", 2)
    (folder / "MVI_0001.MOV").write_bytes(b"film")
    (folder / "empty.jpg").touch()
    (folder / "half.jpg").write_bytes(people(1)[: len(people(1)) // 2])
    with (folder / "huge.jpg").open("wb") as huge:
        huge.truncate(50 * 1024 * 1024 + 1)
    for size, language, words in (
        ("desktop", "en", ("Not a photo that we can read.", "This file is empty.", "damaged", "52.4 MB at most")),
        ("phone", "fr", ("Ce n’est pas une photo", "Ce fichier est vide.", "endommagé", "52,4 Mo au plus")),
    ):
        with stage.page(size, language, color_scheme="dark") as page:
            opened(stage, page, event)
            page.set_input_files("#folder", folder)
            expect(page.locator("#headline")).to_contain_text("4 ")
            for sentence in words:
                expect(page.locator("#queue .refused", has_text=sentence)).to_have_count(1)
            states = page.locator("#queue li:visible").evaluate_all(
                "rows => rows.sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).map((row) => row.className)"
            )
            assert states[:4] == ["refused"] * 4, "problems first"
            assert axe(page) == []
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            shoot(page, f"studio-refused-{size}-{language}")
    assert names(stage, event) == ["IMG_0001.JPG", "IMG_0002.JPG"]


def test_a_session_that_ends_waits_for_its_owner_and_goes_on(mortal: tuple[Stage, Launcher], tmp_path: Path) -> None:
    stage, _ = mortal
    event = stage.event()
    folder = folder_of(tmp_path / "night", 24)
    with stage.page("desktop", "en") as page:
        opened(stage, page, event)
        slow(page, 100_000)
        page.set_input_files("#folder", folder)
        wait_for(page, 4)
        page.context.clear_cookies(name="reperio_session")
        expect(page.locator("#headline")).to_contain_text("Your session is over")
        assert axe(page) == []
        shoot(page, "studio-session-over")
        assert page.url.endswith(f"/studio/{event.id}")
        with page.context.expect_page() as found:
            page.click("#login")
        other = found.value
        other.fill("#username", event.photographer)
        other.fill("#password", PASSWORD)
        other.click("main button.main")
        other.wait_for_url(f"**/studio/{event.id}")
        # A second tab that sends the same folder is harmless.
        other.set_input_files("#folder", folder)
        for tab in (other, page):
            expect(tab.locator("#headline")).to_have_text("All there: 24 photos.")
    assert len(names(stage, event)) == 24


def test_sending_stops_and_goes_on_and_a_busy_service_is_waited_for(
    mortal: tuple[Stage, Launcher], tmp_path: Path
) -> None:
    stage, _ = mortal
    event = stage.event()
    folder = folder_of(tmp_path / "busy", 12)
    with stage.page("desktop", "fr") as page:
        opened(stage, page, event)
        line = slow(page, 60_000)
        page.set_input_files("#folder", folder)
        wait_for(page, 1)
        page.click("#pause")
        expect(page.locator("#headline")).to_have_text("En pause.")
        stood = arrived(page)
        page.wait_for_timeout(700)
        assert arrived(page) == stood
        line.detach()
        busy = iter(range(2))

        def answer(route: Route) -> None:
            if next(busy, None) is None:
                route.continue_()
            else:
                route.fulfill(status=503, headers={"Retry-After": "1"}, json={"error": "TooBusy", "detail": "…"})

        page.route("**/upload-photos", answer)
        page.click("#pause")
        expect(page.locator("#headline")).to_contain_text("très sollicité")
        expect(page.locator("#headline")).to_have_text("Tout est arrivé : 12 photos.")
    assert len(names(stage, event)) == 12


def test_thousands_of_photos_stay_fluid(mortal: tuple[Stage, Launcher]) -> None:
    stage, _ = mortal
    event = stage.event()
    with stage.page("desktop") as page:
        opened(stage, page, event)
        page.route("**/upload-photos", lambda route: None)
        page.evaluate(
            """async () => {
                const all = new DataTransfer();
                for (let number = 0; number < 10000; number++)
                    all.items.add(new File([`photo ${number}`], `IMG_${number}.JPG`, { lastModified: 1 }));
                await new Promise((made) => setTimeout(made, 500));
                window.longest = 0;
                new PerformanceObserver((list) => {
                    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
                }).observe({ type: "longtask" });
                setTimeout(() => dispatchEvent(new DragEvent("drop", { dataTransfer: all })));
            }"""
        )
        expect(page.locator("#count")).to_have_text(re.compile(r"sur 10\s?000 photos"))
        assert page.locator("#queue li").count() < 30
        page.locator("#queue").evaluate("queue => queue.scrollTo(0, queue.scrollHeight)")
        expect(page.locator("#queue li", has_text="IMG_9999.JPG")).to_be_visible()
        page.wait_for_timeout(1500)
        assert page.evaluate("window.longest") < 400


def test_photos_that_could_not_be_processed_are_tried_again(mortal: tuple[Stage, Launcher], tmp_path: Path) -> None:
    stage, launcher = mortal
    event = stage.event()
    calls = stage.as_photographer(event)
    calls.upload(event.id, list(folder_of(tmp_path / "card", 2).iterdir()))
    progress = f"/api/photographer/events/{event.id}/progress"
    wait_until(lambda: calls.call("GET", progress)["done"] == 2)
    with closing(sqlite3.connect(launcher.environment["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
        database.execute(
            "UPDATE photos SET status = 'failed', error = 'a fault' WHERE id = (SELECT max(id) FROM photos)"
        )
        database.commit()
    with stage.page("desktop", "fr") as page:
        opened(stage, page, event)
        expect(page.locator("#state form")).to_contain_text("1 photo n’a pas pu être traitée.")
        expect(page.locator(".shot[data-state=failed]")).to_contain_text("non traitée")
        assert axe(page) == []
        shoot(page, "studio-failed")
        page.get_by_role("button", name="Réessayer").click()
        expect(page.locator(".shot[data-state=done]")).to_have_count(2)
        expect(page.locator("#state form")).to_have_count(0)
