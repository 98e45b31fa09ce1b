"""A guest reports a photo from the viewer, and a visitor from the page of a link, in a browser."""

import re

import pytest
from playwright.sync_api import expect

from testkit.builders import OPEN
from tests.pages.guests import scene, send_photos
from tests.pages.stage import Stage, axe, shoot, wait_for_picture

pytestmark = pytest.mark.long


def test_a_photo_is_reported_from_the_viewer_and_from_a_link(stage: Stage) -> None:
    event = stage.event(guests_see_all_photos=True, **OPEN)
    ids = send_photos(stage, event, [scene(number, 1) for number in range(2)])
    name = stage.guest(event)
    guest = stage.as_guest(event, name)
    with stage.page("phone", "fr", viewport={"width": 360, "height": 640}) as page:
        stage.log_in(page, name)
        page.goto("/photos?show=all")
        page.locator(".tile a").first.click()
        report = page.locator(".viewer .report")
        expect(report).to_be_in_viewport()
        expect(page.locator(".foot-bar button").first).to_be_in_viewport()
        assert axe(page) == []
        shoot(page, "report-viewer-fr", full_page=False)
        report.click()
        expect(page).to_have_url(re.compile(r"/photos/\d+/report\?show=all$"))
        wait_for_picture(page.locator("img.reported"))
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        expect(page.locator("main button.main")).to_be_in_viewport()
        shoot(page, "report-fr", full_page=True)
        page.get_by_label("C’est privé").check()
        page.fill("#text", "Pas pour tout le monde")
        page.click("main button.main")
        expect(page.locator(".notice.good")).to_contain_text("Merci, votre signalement est parti.")
        # Back in the list that the photo was opened in.
        expect(page.locator(".tile")).to_have_count(2)
        shoot(page, "report-thanks-fr", full_page=False)
        page.goto("/account")
        expect(page.locator("#reports li")).to_have_count(1)
        expect(page.locator("#reports")).to_contain_text("En attente de réponse.")
        page.locator("#reports").scroll_into_view_if_needed()
        shoot(page, "report-account-fr", full_page=False)
    link = guest.call("POST", f"/api/user/events/{event.id}/photo-links", json={"photo_ids": ids})["link"]
    with stage.page("phone", "en", java_script_enabled=False, color_scheme="dark") as page:
        page.goto(f"/shared/{link.rpartition('/')[2]}")
        shoot(page, "report-shared-en", full_page=False)
        page.locator(".shared .report").first.click()
        page.get_by_label("It shows a child").check()
        shoot(page, "report-visitor-en", full_page=False)
        page.click("main button.main")
        expect(page.locator(".notice.good")).to_contain_text("Thank you")
    waiting = stage.as_photographer(event).call("GET", f"/api/photographer/events/{event.id}/reports")
    assert [each["by_link"] for each in waiting] == [False, True]
