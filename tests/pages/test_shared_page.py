"""The page behind a link to photos, in a browser: without an account, without scripts, on phone and desktop."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.guests import scene, send_photos
from tests.pages.stage import Stage, axe, shoot, wait_for_picture


@pytest.fixture(scope="module")
def path(stage: Stage) -> str:
    """A link to five photos of an event."""
    event = stage.event("Fête d’été", guests_see_all_photos=True)
    name = stage.guest(event, "Camille")
    ids = send_photos(stage, event, [scene(number, 1, tall=number == 1) for number in range(5)])
    guest = stage.as_guest(event, name)
    body: dict[str, Any] = {"photo_ids": ids, "shows_name": True}
    link = guest.call("POST", f"/api/user/events/{event.id}/photo-links", json=body)["link"]
    return f"/shared/{link.rpartition('/')[2]}"


@pytest.mark.parametrize(
    ("size", "language", "scheme"),
    [("phone", "fr", "light"), pytest.param("desktop", "en", "dark", marks=pytest.mark.long)],
)
def test_anyone_sees_and_saves_the_photos(stage: Stage, path: str, size: str, language: str, scheme: str) -> None:
    with stage.page(size, language, java_script_enabled=False, color_scheme=scheme) as page:
        page.goto(path)
        expect(page.locator(".shared img")).to_have_count(5)
        wait_for_picture(page.locator(".shared img").first)
        # Not that of the event: its address has the code, which is not for people with a link.
        expect(page.locator("a[href^='/privacy']")).to_have_attribute("href", "/privacy")
        # What the page has, it has from the start: nothing moves when the pictures come.
        expect(page.locator(".save-all a")).to_be_in_viewport()
        with page.expect_download() as saved:
            page.locator(".save").first.click()
        assert saved.value.suggested_filename == "DSC_0000.jpg"
        with page.expect_download() as archive:
            page.locator(".save-all a").click()
        assert archive.value.suggested_filename == "Fête d’été.zip"
        shoot(page, f"shared-{size}-{language}-{scheme}", full_page=False)
        answer = page.goto(path[:-1] + ("0" if path[-1] != "0" else "1"))
        assert answer is not None
        assert answer.status == 404
        expect(page.locator(".shared")).to_have_count(0)
        shoot(page, f"shared-gone-{size}-{language}-{scheme}", full_page=False)


def test_the_page_can_be_used_by_everybody(stage: Stage, path: str) -> None:
    with stage.page("phone", "fr", color_scheme="dark") as page:
        page.goto(path)
        assert axe(page) == []
        page.emulate_media(color_scheme="light")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.set_viewport_size({"width": 360, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shoot(page, "shared-small-fr-dark", full_page=False)
