"""The guest's gallery in Chromium: time to the first photo on a slow phone, and the memory that thousands take.

A guest is in all 2,000 photos of an event of ten hours, which has a cover and sections. The first visit: logged in,
nothing in the browser's cache, 150 ms round trip, 1.6 Mbit/s down, a processor four times slower. Then the whole
gallery is scrolled through without throttling.
"""

import os
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select, update

import images
import storage
from accounts.service import NewAccount
from api.sessions import SESSION_COOKIE
from bench.report import Drawing, Measured, Result, run_part
from database import transaction
from events import cover
from events import service as events
from events.sections import service as sections
from events.sections.service import NewSection
from events.service import NewEvent
from guests import registration
from models import Photo
from photos.keys import storage_key
from testkit.bulk_rows import add_faces, add_matches, add_photos, add_selfies
from testkit.in_process import service_in_process
from testkit.passwords import PASSWORD
from testkit.sample_pictures import sample_file
from testkit.servers import Api, Server, run_server, temporary_folder

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PHOTOS, QUICK_PHOTOS, VISITS = 2000, 400, 5
SLOW_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
CEREMONY = datetime(2026, 6, 20, 15, tzinfo=UTC)
SECTIONS = [NewSection(title, CEREMONY + timedelta(hours=each)) for each, title in enumerate(("Ceremony", "Dinner"))]
A_DAY = timedelta(hours=10)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
SHAPES = ((2400, 1600), (1600, 2400), (2400, 1350), (2000, 2000))
# The time of the first thumbnail on the screen, and the layout shift before and after it.
WATCH = """
document.addEventListener("load", ({ target }) => {
  if (target.closest?.(".tile")) requestAnimationFrame(() => setTimeout(() => (window.first ??= performance.now())));
}, true);
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.moved = (window.moved ?? 0) + each.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def _pictures() -> Iterator[images.Renditions]:
    """Renditions of real pictures in the shapes that cameras give, with a sensor's noise."""
    portrait = np.asarray(cv2.imread(str(sample_file("skimage", "data/astronaut.png"))), np.uint8)
    group = np.asarray(cv2.imread(str(sample_file("insightface", "data/images/t1.jpg"))), np.uint8)
    dice = np.random.default_rng(1)
    for number in range(20):
        source = group if number % 3 else portrait
        width, height = SHAPES[number % len(SHAPES)]
        scale = max(width / source.shape[1], height / source.shape[0])
        grown = cv2.resize(source, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)[:height, :width]
        noisy = np.clip(grown.astype(np.int16) + dice.integers(-6, 7, grown.shape, np.int16), 0, 255)
        yield images.renditions(np.ascontiguousarray(noisy, np.uint8))


def prepare(folder: Path, photos: int) -> tuple[int, int]:
    """Fill a database and storage; return the event's id and the middle size of a thumbnail in bytes."""
    pictures = list(_pictures())
    with service_in_process(folder, None, "fake"):
        event = events.create(NewEvent("Gallery", event_code="GALLERY"))
        guest = registration.register(NewAccount("guest", "guest@example.org", PASSWORD), "GALLERY", "fr")
        with transaction() as session:
            add_selfies(session, [guest.id])
            ids = add_photos(session, event.id, photos)
            add_matches(session, guest.id, ids, add_faces(session, event.id, ids))
            for number, picture in enumerate(pictures):
                width, height = SHAPES[number % len(SHAPES)]
                of_this = [photo_id for photo_id in ids if photo_id % len(pictures) == number]
                values = {"width": width, "height": height, "mean_colour": picture.mean_colour}
                session.execute(update(Photo).where(Photo.id.in_(of_this)).values(**values, has_medium=True))
            taken = [CEREMONY + A_DAY * place / photos for place in range(photos)]
            session.execute(update(Photo), [{"id": one, "taken_at": at} for one, at in zip(ids, taken, strict=True)])
            rows = session.execute(select(Photo.id, Photo.filename)).all()
        cover.choose(event.id, ids[0])
        sections.replace(event.id, SECTIONS)
        for photo_id, filename in rows:
            files = pictures[photo_id % len(pictures)].files
            for size in ("thumb", "medium"):
                storage.put(storage_key(event.id, filename, size), files[size])
    return event.id, round(statistics.median(len(each.files["thumb"]) for each in pictures))


def _visit(browser: Browser, server: Server, token: str) -> tuple[BrowserContext, Page]:
    context = browser.new_context(base_url=server.url, **PHONE)
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": server.url}])
    page = context.new_page()
    page.add_init_script(WATCH)
    return context, page


def first_photo(browser: Browser, server: Server, token: str) -> tuple[float, float, float]:
    """Return the seconds from the request to the first photo, the kB received until then, and the layout shift."""
    context, page = _visit(browser, server, token)
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", SLOW_NETWORK)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    received: list[float] = []
    tools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto("/photos", wait_until="commit")
    page.wait_for_function("() => window.first")
    seconds, sent = page.evaluate("window.first") / 1000, sum(received) / 1000
    page.wait_for_timeout(1500)
    moved = page.evaluate("window.moved ?? 0")
    context.close()
    return seconds, sent, moved


def scroll_through(browser: Browser, server: Server, token: str, photos: int) -> list[tuple[float, float, float]]:
    """Scroll to the end; return (photos passed, MB of JavaScript heap, nodes in the page) on the way."""
    context, page = _visit(browser, server, token)
    tools = context.new_cdp_session(page)
    page.goto("/photos")
    page.wait_for_function("() => window.first")
    found: list[tuple[float, float, float]] = []
    reached = 0
    while reached < photos:
        if not found or reached - found[-1][0] > photos / 12:
            found.append((float(reached), *_weight(page, tools)))
        page.evaluate("scrollBy(0, 2 * innerHeight)")
        page.wait_for_timeout(60)
        reached = page.evaluate("Number([...document.querySelectorAll('.tile')].at(-1)?.dataset.place ?? 0)")
    found.append((float(reached), *_weight(page, tools)))
    context.close()
    return found


def _weight(page: Page, tools: Any) -> tuple[float, float]:
    tools.send("HeapProfiler.collectGarbage")
    used = tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    return used, float(page.evaluate("document.querySelectorAll('*').length"))


def measure(quick: bool) -> Measured:
    """Measure everything on one event."""
    photos, visits = (QUICK_PHOTOS, 2) if quick else (PHOTOS, VISITS)
    with temporary_folder() as folder:
        _, thumb = prepare(folder, photos)
        with (
            run_server(folder, FACE_RECOGNIZER_PROVIDER="fake", GUNICORN_WORKERS="1") as server,
            sync_playwright() as play,
        ):
            token = Api(server).call("POST", "/api/login", json={"username": "guest", "password": PASSWORD})
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            first_photo(browser, server, token["access_token"])
            seen = [first_photo(browser, server, token["access_token"]) for _ in range(visits)]
            way = scroll_through(browser, server, token["access_token"], photos)
            browser.close()
    return Measured("gallery", _results(photos, thumb, seen, way), [_drawing(way)])


def _results(
    photos: int, thumb: int, seen: list[tuple[float, float, float]], way: list[tuple[float, float, float]]
) -> list[Result]:
    times = sorted(seconds for seconds, _, _ in seen)
    spread = f"{photos:,} photos, {len(seen)} visits {times[0]:.2f} to {times[-1]:.2f} s"
    slow = "logged in, nothing cached, 150 ms, 1.6 Mbit/s, a quarter of the CPU"
    return [
        Result("first photo seen", statistics.median(times), "s", 1.5, note=f"{slow}; {spread}"),
        Result("received until then", statistics.median(sent for _, sent, _ in seen), "kB"),
        Result("moved after it was shown (layout shift)", max(moved for _, _, moved in seen), "", 0.05),
        Result("a thumbnail, the median", thumb / 1000, "kB"),
        Result("nodes in the page, at most, scrolling to the end", max(nodes for _, _, nodes in way), "", 600),
        Result("JavaScript heap at the end", way[-1][1], "MB", note=f"at the start {way[0][1]:.1f} MB"),
        Result("heap at the end ÷ at the start", way[-1][1] / way[0][1], "x", 2),
    ]


def _drawing(way: list[tuple[float, float, float]]) -> Drawing:
    return Drawing(
        "Does the gallery grow while it is scrolled through?",
        "photos passed",
        "MB of JavaScript heap; hundreds of nodes",
        {
            "heap": [(passed, heap) for passed, heap, _ in way],
            "nodes / 100": [(passed, nodes / 100) for passed, _, nodes in way],
        },
    )


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
