"""The gallery and its viewer, on phones and desktops, with people of solid colours."""

import pytest
from playwright.sync_api import expect

from tests.builders import people
from tests.pages.guests import scene, send_photos, send_portrait
from tests.pages.stage import Event, Stage, axe, shoot


@pytest.fixture(scope="module")
def party(stage: Stage) -> tuple[Event, str]:
    """An event where everybody sees all, with a guest who is in 24 of its 30 photos."""
    event = stage.event(
        "Fête d’été", date="2026-06-20", expires_at="2099-01-01T00:00:00Z", guests_see_all_photos=True
    )
    guest = stage.guest(event)
    send_portrait(stage, event, guest, people(5))
    mine = [scene(number, 5, *([9] if number % 3 else []), tall=number % 4 == 0) for number in range(24)]
    others = [scene(30 + number, 17) for number in range(6)]
    send_photos(stage, event, mine + others)
    return event, guest


def test_looks(stage: Stage, party: tuple[Event, str]) -> None:
    _event, guest = party
    for size, theme in (("phone", "dark"), ("desktop", "light")):
        with stage.page(size, "fr", color_scheme=theme) as page:
            stage.log_in(page, guest)
            expect(page.locator(".tile img.there").first).to_be_visible()
            expect(page.locator("#standing")).to_contain_text("24 photos de vous")
            page.wait_for_timeout(500)
            shoot(page, f"guest-gallery-{size}")
            assert axe(page) == []
            page.locator(".tile a").nth(2).click()
            expect(page.locator(".viewer .picture img.there").first).to_be_visible()
            page.wait_for_timeout(300)
            page.screenshot(path=f"build/screenshots/guest-viewer-{size}.png")
            assert axe(page) == []
