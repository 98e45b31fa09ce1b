"""Guests ask to be told, in a browser: a tap, a refusal, a permission that is taken back, a message that comes."""

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from testkit.builders import OPEN
from testkit.callers import DEVICE
from tests.conftest import wait_until
from tests.pages.guests import guest_found_as, scene, send_photos
from tests.pages.stage import Event, Stage, axe, shoot

# A push service of the internet is not there for tests: the browser's part of subscribing is replaced.
SUBSCRIBED = """
(() => {
    let given = JSON.parse(sessionStorage.getItem("given"));
    const keep = (value) => (sessionStorage.setItem("given", JSON.stringify(value)), (given = value));
    const made = (key) => ({
        endpoint: given.endpoint,
        options: { applicationServerKey: Uint8Array.from(given.key).buffer },
        toJSON: () => ({ endpoint: given.endpoint, keys: DEVICE.keys }),
        unsubscribe: async () => (keep(null), true),
    });
    const DEVICE = %s;
    PushManager.prototype.getSubscription = async () => given && made();
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
        keep({ endpoint: `${DEVICE.endpoint}/${Math.random()}`, key: [...applicationServerKey] });
        return made();
    };
    window.loseSubscription = () => keep(null);
})();
"""


@pytest.fixture(scope="module")
def party(stage: Stage) -> Event:
    """An event with a photo of person 5."""
    event = stage.event("Fête d’été", **OPEN)
    send_photos(stage, event, [scene(1, 5)])
    return event


def told(stage: Stage, event: Event, name: str) -> Any:
    """Return what the service knows."""
    return stage.as_guest(event, name).call("GET", f"/api/user/events/{event.id}/notifications")


def permission(page: Page, state: str) -> None:
    """Let the browser say what a person answered about notifications."""
    page.add_init_script(
        f"Object.defineProperty(Notification, 'permission', {{ get: () => '{state}' }});"
        f"Notification.requestPermission = async () => '{state}';"
    )


def prepared(page: Page, state: str = "granted") -> Page:
    """Replace what needs a push service and a person."""
    permission(page, state)
    page.add_init_script(SUBSCRIBED % json.dumps(DEVICE))
    return page


def test_one_tap_and_the_gallery_says_so_until_the_guest_ends_it(stage: Stage, party: Event) -> None:
    name = guest_found_as(stage, party, 5)
    with stage.page() as page:
        prepared(page)
        stage.log_in(page, name, code=party.code)
        expect(page.locator("#notify-me")).to_be_visible()
        assert axe(page) == []
        page.click("#notify-me")
        expect(page.locator("#notify-state")).to_have_text("Nous vous préviendrons sur cet appareil.")
        expect(page.locator("#notify-me")).to_be_hidden()
        assert len(told(stage, party, name)["push"]["devices"]) == 1
        shoot(page, "guest-told-phone", full_page=False)
        page.reload()
        expect(page.locator("#notify-state")).to_have_text("Nous vous préviendrons sur cet appareil.")
        page.click("#notify-change")
        expect(page.locator("#notify-stop")).to_be_visible()
        assert axe(page) == []
        shoot(page, "guest-notify-phone")
        page.click("#notify-stop")
        expect(page.locator("#notify-state")).to_have_text(
            "C’est noté : vous ne recevrez plus de messages sur cet appareil."
        )
        assert told(stage, party, name)["push"]["devices"] == []


@pytest.mark.long
def test_a_permission_that_is_taken_back_is_noticed(stage: Stage, party: Event) -> None:
    name = guest_found_as(stage, party, 5)
    with stage.page() as page:
        prepared(page)
        stage.log_in(page, name, code=party.code)
        page.click("#notify-me")
        expect(page.locator("#notify-state")).to_have_text("Nous vous préviendrons sur cet appareil.")
        page.evaluate("loseSubscription()")
        permission(page, "denied")
        page.goto(f"/notify?event={party.id}")
        expect(page.locator("#notify-state")).to_contain_text("ne laisse plus passer")
        assert told(stage, party, name)["push"]["devices"] == []
        page.reload()
        expect(page.locator("#notify-state")).to_contain_text("sont bloquées dans ce navigateur")
        expect(page.locator("#notify-me")).to_be_hidden()


@pytest.mark.long
def test_an_address_that_the_browser_lost_is_replaced(stage: Stage, party: Event) -> None:
    name = guest_found_as(stage, party, 5)
    with stage.page() as page:
        prepared(page)
        stage.log_in(page, name, code=party.code)
        page.click("#notify-me")
        expect(page.locator("#notify-state")).to_have_text("Nous vous préviendrons sur cet appareil.")
        [before] = told(stage, party, name)["push"]["devices"]
        page.evaluate("loseSubscription()")
        with page.expect_response("**/notifications/device"):
            page.reload()
        expect(page.locator("#notify-state")).to_have_text("Nous vous préviendrons sur cet appareil.")
        [after] = told(stage, party, name)["push"]["devices"]
        assert after["endpoint_sha256"] != before["endpoint_sha256"]


@pytest.mark.long
def test_refused_unsupported_and_iphones_are_told_what_to_do(stage: Stage, party: Event) -> None:
    name = guest_found_as(stage, party, 5)
    with stage.page() as page:
        prepared(page, "denied")
        stage.log_in(page, name, code=party.code)
        page.click("#notify-me")
        expect(page).to_have_url(f"{stage.server.url}/notify?event={party.id}")
        expect(page.locator("#notify-state")).to_contain_text("bloquées")
        expect(page.locator("main")).to_contain_text("Ce site n’envoie pas d’e-mails.")
    with stage.page(language="en") as page:
        page.add_init_script("delete window.PushManager; navigator.standalone = false;")
        stage.log_in(page, name, code=party.code)
        page.click("#notify-me")
        expect(page.locator("#notify-iphone")).to_contain_text("Add to Home Screen")
        assert axe(page) == []
        shoot(page, "guest-notify-iphone-phone-en")
    with stage.page(java_script_enabled=False) as page:
        stage.log_in(page, name, code=party.code)
        page.click("#notify-me")
        expect(page.locator("#notify-state")).to_contain_text("activez JavaScript")


def test_a_message_is_shown_and_leads_to_the_gallery_and_keeps_no_photo(stage: Stage, party: Event) -> None:
    gallery = f"{stage.server.url}/photos?event={party.id}"
    with stage.page() as page:
        page.goto("/")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        [worker] = page.context.service_workers
        # A browser without a desktop shows nothing and opens nothing: what the script asks it for is kept.
        worker.evaluate(
            """() => {
                self.asked = [];
                registration.showNotification = async (title, options) => asked.push({ title, ...options });
                clients.openWindow = async (address) => asked.push({ address });
            }"""
        )
        message = {"title": "Fête d’été", "body": "3 nouvelles photos de vous", "lang": "fr", "tag": "t1"}
        deliver(page.context, page, json.dumps({"notification": {**message, "navigate": gallery}}))
        deliver(page.context, page, "not JSON")
        wait_until(lambda: len(worker.evaluate("asked")) >= 2)
        shown, unreadable = worker.evaluate("asked")
        assert {name: shown[name] for name in message} == message
        assert set(shown) == {*message, "icon", "data"}
        assert unreadable["title"] == "Reperio"
        worker.evaluate(
            """(data) => self.dispatchEvent(
                Object.assign(new ExtendableEvent("notificationclick"), { notification: { data, close() {} } }))""",
            {"navigate": "https://elsewhere.example" + gallery.removeprefix(stage.server.url)},
        )
        wait_until(lambda: len(worker.evaluate("asked")) >= 3)
        assert worker.evaluate("asked")[2] == {"address": gallery}, "this site, whatever the message says"
        kept = worker.evaluate(
            "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name).then((c) => c.keys()))))"
            ".then((all) => all.flat().map((request) => request.url))"
        )
        assert [each for each in kept if "/api/" in each or "/photos" in each] == []


def deliver(context: BrowserContext, page: Page, data: str) -> None:
    """Let the browser receive a message, as from its push service."""
    cdp = context.new_cdp_session(page)
    registrations: list[Any] = []
    cdp.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    cdp.send("ServiceWorker.enable")
    while not registrations:
        page.wait_for_timeout(20)
    origin = registrations[-1]["scopeURL"].rstrip("/")
    registration = registrations[-1]["registrationId"]
    cdp.send("ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": registration, "data": data})
    cdp.detach()
