"""Upload from the photographer's browser, through lost connections, killed servers and expired sessions."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Page, Route, expect

from testkit.builders import people
from testkit.deployed import make_bucket, s3_server
from testkit.faulty_store import faulty_store
from testkit.passwords import PASSWORD
from testkit.sent_in_parts import large_photo
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


def all_told(page: Page, number: int) -> None:
    """Wait until what was sent and what was there already are together so many photos."""
    page.wait_for_function(
        "number => (document.querySelector('#sent:not([hidden])')?.textContent.match(/[0-9]+/g) ?? [])"
        ".reduce((sum, each) => sum + Number(each), 0) === number",
        arg=number,
    )


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
        all_told(page, NUMBER)
        expect(page.locator("#sent")).to_contain_text("photos envoyées · ")
        expect(page.locator("#before")).to_be_hidden()
        # One quiet line is left, which opens; a new visit begins with nothing.
        for part in ("#queue", "#totals", "#headline"):
            expect(page.locator(part)).to_be_hidden()
        shoot(page, "studio-all-there")
        page.click("#sent")
        expect(page.locator("#queue li:visible").first).to_contain_text("IMG_")
        page.reload()
        expect(page.locator(".shot").first).to_be_visible()
        for part in ("#queue", "#totals", "#headline", "#before", "#sent"):
            expect(page.locator(part)).to_be_hidden()
        drop(page, card)
        expect(page.locator("#sent")).to_have_text(f"{NUMBER} photos étaient déjà là : rien à envoyer.")
    assert len(names(stage, event)) == NUMBER


def not_taken(path: Path) -> Path:
    """Write two photos and ten files that are none into a folder, with the files beside photos that nobody misses."""
    folder = folder_of(path, 2)
    damaged = people(1)
    files = {
        "MVI_0001.MOV": b"film",
        "empty.jpg": b"",
        "half.jpg": damaged[: len(damaged) // 2],
        "film.jpg": b"\0\0\0\x20ftypisom" + bytes(40),
        "order.jpg": b"%PDF-1.7" + bytes(40),
        "words.jpg": b"words" * 20,
        "old.CRW": b"II\x1a\0\0\0HEAPCCDR",
        "all.zip": b"PK",
        "cover.psd": b"8BPS",
        # The notes of a photo, and the moving part of one: left aside.
        "IMG_0001.xmp": b"<x/>",
        "IMG_0001.MOV": b"moving",
        "IMG_0002.AAE": b"notes",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with (folder / "huge.jpg").open("wb") as huge:
        huge.truncate(50 * 1024 * 1024 + 1)
    return folder


REFUSED = {
    "en": {
        "MVI_0001.MOV": "export a frame",
        "empty.jpg": "Copy it from the card again",
        "half.jpg": "damaged or incomplete. Copy the file from the card again, or export the photo as a JPEG",
        "film.jpg": "This is a video",
        "order.jpg": "Export the picture as a JPEG from the program",
        "words.jpg": "We can’t read this kind of photo. Export it as a JPEG",
        "old.CRW": "Export the photo as a JPEG or a DNG",
        "all.zip": "Unpack it",
        "cover.psd": "Export the picture as a JPEG from the program",
        "huge.jpg": "52.4 MB at most. Export the photo as a JPEG",
    },
    "fr": {"MVI_0001.MOV": "C’est une vidéo", "half.jpg": "exportez la photo en JPEG", "huge.jpg": "52,4 Mo au plus"},
}


@pytest.mark.parametrize(("size", "language"), [("desktop", "en"), ("phone", "fr")])
@pytest.mark.long
def test_what_is_refused_is_named_with_the_reason_and_what_to_do(
    mortal: tuple[Stage, Launcher], tmp_path: Path, size: str, language: str
) -> None:
    stage, _ = mortal
    event = stage.event()
    folder = not_taken(tmp_path / "mixed")
    with stage.page(size, language, color_scheme="dark") as page:
        opened(stage, page, event)
        touch = size == "phone"
        expect(page.get_by_text("Déposez ici")).to_be_hidden()
        expect(page.locator("#drop .with-finger")).to_be_visible(visible=touch)
        if touch:
            # The action is at the foot of the screen, wherever the page is scrolled.
            box = page.locator("#drop label.files").bounding_box()
            assert box
            assert box["y"] + box["height"] > page.evaluate("innerHeight") - 40
        shoot(page, f"studio-start-{size}-{language}")
        page.set_input_files("#folder", folder)
        expect(page.locator("#headline")).to_contain_text("10 ")
        expect(page.locator("#reading")).to_contain_text("3 ")
        expect(page.locator("#sent")).to_contain_text("2 photos")
        for name, sentence in REFUSED[language].items():
            page.locator("#queue").evaluate(
                "(queue, name) => { const all = [...queue.querySelectorAll('li')];"
                " queue.scrollTop = all.some((row) => !row.hidden && row.innerText.includes(name)) ? 0 : 1e6; }",
                name,
            )
            expect(page.locator("#queue .refused", has_text=name)).to_contain_text(sentence)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        shoot(page, f"studio-refused-{size}-{language}")
        page.click("#dismiss")
        expect(page.locator("#headline")).to_be_hidden()
        expect(page.locator("#queue")).to_be_hidden()
    assert names(stage, event) == ["IMG_0001.JPG", "IMG_0002.JPG"]


@pytest.mark.long
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
        expect(page.locator("#headline")).to_contain_text("Your session has ended")
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
            all_told(tab, 24)
    assert len(names(stage, event)) == 24


@pytest.mark.long
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
        all_told(page, 12)
    assert len(names(stage, event)) == 12


@pytest.mark.long
def test_without_network_no_time_is_promised_and_sending_goes_on_by_itself(
    mortal: tuple[Stage, Launcher], card: Path
) -> None:
    stage, _ = mortal
    event = stage.event()
    with stage.page("phone", "fr") as page:
        opened(stage, page, event)
        line = slow(page, 30_000)
        page.set_input_files("#folder", card)
        expect(page.locator("#facts")).to_contain_text("encore ")
        line.detach()
        page.context.set_offline(True)
        expect(page.locator("#headline")).to_contain_text("Vous êtes hors ligne. L’envoi reprendra de lui-même")
        expect(page.locator("#facts")).not_to_contain_text("encore ")
        expect(page.locator("#facts")).not_to_contain_text("par seconde")
        shoot(page, "studio-offline-phone")
        assert axe(page) == []
        page.context.set_offline(False)
        all_told(page, NUMBER)
        expect(page.locator("#headline")).to_be_hidden()
    assert len(names(stage, event)) == NUMBER


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
def test_photos_go_to_the_store_and_are_shown_from_there(browser: Browser, tmp_path: Path) -> None:
    pytest.importorskip("moto")
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "large.jpg").write_bytes(large_photo(1))
    folder_of(tmp_path / "card", 2)
    with s3_server(tmp_path) as environment, faulty_store(environment["AWS_ENDPOINT_URL"]) as store:
        make_bucket(environment, "pictures")
        settings = {
            **environment,
            "AWS_ENDPOINT_URL": store.url,
            "STORAGE_URL": "s3://pictures",
            "PRESIGNED_UPLOADS": "true",
            "PRESIGNED_SECONDS": "60",
            "FACE_RECOGNIZER_PROVIDER": "fake",
            "GUNICORN_WORKERS": "1",
        }
        launcher = Launcher(tmp_path, app=CHEAP_APP, **settings)
        try:
            stage = Stage(launcher.start(), browser)
            event = stage.event()
            with stage.page("desktop") as page:
                went: list[tuple[str, str]] = []
                page.on("request", lambda request: went.append((request.method, request.url)))
                opened(stage, page, event)
                drop(page, tmp_path / "card")
                all_told(page, 3)
                sent = [url for method, url in went if method == "PUT"]
                assert len(sent) == 4
                assert all(url.startswith(store.url) for url in sent)
                assert not any("upload-photos" in url for _, url in went)
                photos = stage.as_photographer(event)
                path = f"/api/photographer/events/{event.id}/photos"
                wait_until(lambda: {each["processing_status"] for each in photos.call("GET", path)} == {"done"})
                for _ in range(3):
                    page.reload()
                    page.wait_for_function(
                        "() => [...document.images].filter((each) => each.naturalWidth > 0).length >= 3"
                    )
                # Seen three times, loaded once, or twice where a window of half a minute ended meanwhile.
                loaded = [
                    path for method, path in store.seen if method == "GET" and "/thumb/" in path and "X-Amz" in path
                ]
                assert 3 <= len(loaded) <= 6
                assert len(set(loaded)) == len(loaded)
        finally:
            launcher.stop()


@pytest.mark.long
def test_a_large_photo_that_was_stopped_goes_on_with_its_next_part(
    mortal: tuple[Stage, Launcher], tmp_path: Path
) -> None:
    stage, _ = mortal
    event = stage.event()
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "large.jpg").write_bytes(large_photo(2, 20_000_000))
    with stage.page("desktop") as page:
        went: list[str] = []
        page.on("requestfinished", lambda request: went.append(request.url))
        page.on("dialog", lambda dialog: dialog.accept())
        opened(stage, page, event)
        line = slow(page, 8_000_000)
        with page.expect_response(lambda answer: answer.url.endswith("/parts/1")):
            drop(page, tmp_path / "card")
        page.reload()
        line.detach()
        drop(page, tmp_path / "card")
        all_told(page, 1)
        assert names(stage, event) == ["large.jpg"]
        assert sum(url.endswith("/parts/1") for url in went) == 1
        assert sum(url.endswith("/parts/3") for url in went) == 1
