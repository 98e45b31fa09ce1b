"""The administrator's overview: curves of the samples, and jobs."""

import math
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from faces.fake import fake_colour, fake_photo
from testkit.servers import Server, wait_until
from tests.pages.stage import Event, Stage, as_admin, axe, page_server, shoot

NOW = int(time.time() // 60)
COLUMNS = (
    "minute, guests, selfies, photos, matches, queue_depth, queue_age_seconds, requests, errors, "
    "machine, requests_seen, errors_seen"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps its database."""
    return tmp_path_factory.mktemp("overview")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server whose database the tests change directly, into states that would take hours to arise."""
    with page_server(folder) as running:
        yield running


def put(folder: Path, statement: str, *rows: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(folder / "bench.db", timeout=20)) as database, database:
        database.executemany(statement, rows)


def with_photos(stage: Stage, folder: Path) -> Event:
    """Return an event with three photos: done, failed, and waiting to be retried."""
    event = stage.event("Course de nuit")
    photographer = stage.as_photographer(event)
    files = [("files", (f"depart-{i}.jpg", fake_photo([fake_colour(i)]))) for i in range(3)]
    photographer.call("POST", f"/api/photographer/events/{event.id}/upload-photos", files=files)
    progress = f"/api/photographer/events/{event.id}/progress"
    wait_until(lambda: photographer.call("GET", progress)["done"] == 3, 20, "the photos")
    change = "UPDATE photos SET status = ?, attempts = 5, error = ?, lease_until = ? WHERE original_filename = ?"
    put(
        folder,
        change,
        ("failed", "the file ends too soon", None, "depart-1.jpg"),
        ("pending", None, "2100-01-01 00:00:00.000000", "depart-2.jpg"),
    )
    return event


@pytest.mark.long
def test_curves_answer_questions(stage: Stage, folder: Path) -> None:
    with stage.page() as page:
        as_admin(stage, page, "/admin?hours=1")
        expect(page.locator("main")).to_contain_text("Aucun événement pour l’instant")
        assert page.locator(".plot").count() == 0
        expect(page.locator(".blank dt")).to_have_count(7)
        assert axe(page) == []
        shoot(page, "admin-overview-empty")
    rows = []
    # Also for the next minutes: the service itself writes a sample every minute.
    for ago in range(-5, 1400):
        age = 130 * abs(math.sin(ago / 90))
        day = 1400 - ago
        counts = (day // 7, day // 9, day, day * 2, int(age), age, 50 + ago % 9, ago % 50 == 0)
        if not 300 < ago < 420:
            rows.append((NOW - ago, *counts, "m", 0, 0))
    marks = ",".join("?" * 12)
    put(folder, f"INSERT OR REPLACE INTO samples ({COLUMNS}) VALUES ({marks})", *rows)  # noqa: S608 - our own names
    for size, language, scheme in (("phone", "fr", "dark"), ("desktop", "en", "light")):
        with stage.page(size, language, color_scheme=scheme) as page:
            as_admin(stage, page, "/admin")
            assert axe(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            shoot(page, f"admin-overview-{size}-{language}-{scheme}")
            titles = page.locator(".plot h2").all_inner_texts()
            assert len(titles) == 7
            # Each title answers its question with a number, or says that there is none.
            assert all(re.search(r"\d|Aucun|No ", title) for title in titles)
            photos = page.locator("#plot-photos")
            # An hour without the service is a gap, not a line.
            assert photos.locator(".curve").get_attribute("d").count("M") == 2  # type: ignore[union-attr]
            photos.locator("svg").hover()
            expect(photos.locator(".reading")).to_contain_text("Photos ")
            photos.locator("summary").click()
            expect(photos.locator("tbody tr")).to_have_count(24)
            page.locator("nav.choice a").nth(3).click()
            page.wait_for_url("**/admin?hours=720")
            expect(page.locator("nav.choice [aria-current]")).to_have_text(
                {"fr": "30 jours", "en": "30 days"}[language]
            )
            assert page.locator(".plot").count() == 7


@pytest.mark.long
def test_jobs_are_retried_and_cancelled(stage: Stage, folder: Path) -> None:
    event = with_photos(stage, folder)
    with stage.page("desktop") as page:
        as_admin(stage, page, "/admin")
        expect(page.locator("#now")).to_contain_text("Voir la tâche en échec")
        # The event for which photos arrive comes first, with its counts.
        card = page.locator("#tonight .card", has_text="Course de nuit")
        expect(card).to_contain_text("3 photos · 0 invité")
        expect(card).to_contain_text("1 photo en attente · 1 en échec")
        page.goto("/admin/jobs?q=rien-de-tel")
        expect(page.locator("#failed")).to_contain_text("Aucune tâche ne correspond.")
        page.goto("/admin/jobs?sort=about&direction=down&kind=photos&q=COURSE")
        expect(page.get_by_role("row", name="depart-1.jpg")).to_contain_text("the file ends too soon")
        assert axe(page) == []
        shoot(page, "admin-jobs")
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        # No count is hidden behind a sideways scroll.
        assert page.evaluate("[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.get_by_role("button", name="Arrêter : depart-2.jpg").click()
        expect(page.get_by_role("status").first).to_contain_text("La tâche est arrêtée.")
        page.get_by_role("button", name="Réessayer : depart-1.jpg").click()
        expect(page.get_by_role("status").first).to_have_text("1 tâche sera réessayée.")
        page.goto(f"/admin/events/{event.id}")
        expect(page.get_by_role("row", name="depart-2.jpg")).to_contain_text("arrêtée par l’administration")
        page.get_by_role("button", name="Réessayer la photo en échec").click()
        expect(page.get_by_role("status").first).to_have_text("1 tâche sera réessayée.")
        page.get_by_role("button", name="Chercher de nouveau tous les invités").click()
        expect(page.get_by_role("status").first).to_contain_text("0 invité sera cherché")
    calls = stage.admin()
    wait_until(lambda: calls.call("GET", f"/api/admin/events/{event.id}")["done"] == 3, 20, "the photos")
    with stage.page("phone", "en") as page:
        as_admin(stage, page, "/admin/jobs")
        expect(page.locator("main")).to_contain_text("Nothing has failed.")
        assert axe(page) == []
        shoot(page, "admin-jobs-phone")


def test_figures_stay_fresh(stage: Stage) -> None:
    with stage.page("desktop") as page:
        page.clock.install()
        event = stage.event("Tout frais")
        as_admin(stage, page, f"/admin/events/{event.id}")
        guests = page.locator("#progress div", has=page.get_by_text("Invités", exact=True)).locator("dd")
        expect(guests).to_have_text("0")
        stage.guest(event)
        page.clock.fast_forward(16_000)
        expect(guests).to_have_text("1")
