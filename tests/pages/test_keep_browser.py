"""Links that log in, in a real browser: the token is put into the form, and a web app presses the button itself."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from api.sessions import SESSION_COOKIE
from testkit.builders import OPEN, people
from tests.pages.stage import Event, Stage, as_admin, axe, shoot

pytestmark = pytest.mark.long


def help_link(stage: Stage, event: Event, guest: str) -> str:
    user_id = stage.as_guest(event, guest).call("GET", "/api/me")["id"]
    made = stage.admin().call("POST", f"/api/admin/users/{user_id}/login-link")
    return "/enter#" + str(made["url"]).partition("#")[2]


def test_a_link_logs_in_by_one_button_and_an_app_by_none(stage: Stage) -> None:
    event = stage.event("Mariage de Léa et Tom", **OPEN)
    guest = stage.guest(event)
    first, second = help_link(stage, event, guest), help_link(stage, event, guest)
    with stage.page() as page:
        page.goto(first)
        expect(page.locator("#token")).to_be_hidden()
        shoot(page, "enter")
        assert axe(page) == []
        page.get_by_role("button", name="Voir mes photos").click()
        page.wait_for_url("**/photos")
        page.goto("/keep")
        page.get_by_role("button", name="Créer mon lien").click()
        expect(page.locator("#link")).to_have_value(re.compile("/enter#"))
        shoot(page, "keep-link")
        assert axe(page) == []
        page.goto("/keep")
        shoot(page, "keep")
        assert axe(page) == []
    with stage.page() as page:
        page.goto(second.replace("#", "?app=1#"))
        page.wait_for_url("**/photos")
        # The app starts again, with the same address.
        page.goto(second.replace("#", "?app=1#"))
        page.wait_for_url("**/photos#main")


def test_an_admin_sees_who_a_guest_is(stage: Stage) -> None:
    event = stage.event("Course de la ville", **OPEN)
    guest = stage.guest(event)
    with stage.page() as page:
        as_admin(stage, page, f"/admin/events/{event.id}")
        page.get_by_role("link", name=guest).click()
        expect(page.locator("h1")).to_have_text(guest)
        shoot(page, "admin-guest")
        assert axe(page) == []
        page.get_by_role("button", name="Créer un lien de connexion").click()
        expect(page.locator("#login-link")).to_contain_text("/enter#")
        shoot(page, "admin-login-link")


@pytest.mark.long
def test_a_photographer_gets_a_link_for_the_guest_in_a_portrait(stage: Stage) -> None:
    event = stage.event("Congrès de Lyon", **OPEN)
    with stage.page() as page:
        page.goto(f"/join?event_code={event.code}")
        consent = page.locator("input[name=consent]").first.get_attribute("value") or ""
        csrf = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        form: Any = {"csrf_token": csrf, "event_code": event.code, "consent": consent}
        made = page.request.post("/join/start", form=form, headers={"accept": "application/json"}).json()
        portrait: Any = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": people(5)}
        headers = {"x-csrf-token": made["csrf_token"]}
        assert page.request.post("/api/upload-selfie", multipart={"file": portrait}, headers=headers).ok
        assert page.request.get("/api/rematch-status?wait=10").json()["status"] == "done"
    with stage.page() as page:
        page.context.add_cookies(
            [{"name": SESSION_COOKIE, "value": stage.as_photographer(event).token, "url": stage.server.url}]
        )
        page.goto(f"/studio/{event.id}/help")
        shoot(page, "studio-help")
        assert axe(page) == []
        page.locator("#portrait").set_input_files([portrait])
        page.get_by_role("button", name="Chercher son compte").click()
        expect(page.locator("#link")).to_have_value(re.compile("/enter#"))
        shoot(page, "studio-help-link")
        assert axe(page) == []
        shown = page.locator("#link").input_value()
        page.reload()
        expect(page.locator("#link")).to_have_value(shown)
