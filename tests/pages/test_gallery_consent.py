"""The gallery while its guest withdraws the consent elsewhere, at an event with a Hebrew name."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from guests.wordings import CURRENT
from testkit.builders import OPEN, people
from tests.pages.guests import scene, send_photos, send_portrait
from tests.pages.stage import Event, Stage, as_admin

NAME = "החתונה של נועה (2026)!"


@pytest.fixture(scope="module")
def event(stage: Stage) -> Event:
    """An event with two photos of one person."""
    event = stage.event(NAME, **OPEN)
    send_photos(stage, event, [scene(number, 7) for number in range(2)])
    return event


def direction(page: Page, selector: str) -> str:
    """Return in which direction the event's name is written, in the first of these that has it."""
    name = page.locator(selector, has_text=NAME).first
    return str(name.evaluate("element => getComputedStyle(element).direction"))


def test_photos_seen_before_a_withdrawal_are_no_news_after_a_new_consent(stage: Stage, event: Event) -> None:
    guest = stage.guest(event)
    send_portrait(stage, event, guest, people(7))
    elsewhere = stage.as_guest(event, guest)
    with stage.page() as page:
        page.clock.install(time=datetime.now(UTC))
        stage.log_in(page, guest)
        standing = page.locator("#standing")
        expect(standing).to_have_text("Vous voilà ! 2 photos de vous.")
        assert direction(page, "h1 bdi") == "rtl"
        elsewhere.call("DELETE", f"/api/my-consents/{event.id}")
        page.clock.run_for(9000)
        expect(standing).to_have_text(re.compile("^(Sans votre accord|Nous ne cherchons pas)"))
        elsewhere.call("POST", "/api/consent", json={"event_id": event.id, "version": CURRENT})
        # The portrait went with the last consent.
        send_portrait(stage, event, guest, people(7))
        page.clock.run_for(9000)
        expect(standing).to_have_text("2 photos de vous.")


def test_a_name_that_stands_by_itself_has_its_own_direction(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        for path in ("/admin", "/admin/events", f"/admin/events/{event.id}"):
            as_admin(stage, page, path)
            assert direction(page, "main bdi") == "rtl", path
