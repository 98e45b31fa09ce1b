"""The calls and pages by which guests choose, in the whole service: a photo is sent, a mail and a push arrive."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from httpx2 import Response

from accounts import login_links
from database import transaction
from faces.fake import fake_colour, fake_photo
from guests.wordings import CURRENT
from models import Subscription, User, utcnow
from settings import get_settings
from testkit.application import application
from testkit.builders import EventInfo, Person, Service
from testkit.forms import form_token
from testkit.mail_server import MailServer
from testkit.push_service import PushService
from testkit.quick_client import QuickClient
from tests.conftest import DATABASES, fresh_database, wait_until

AMY, BEN = fake_colour(1), fake_colour(2)


@pytest.fixture(scope="module", params=DATABASES)
def app(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running: MailServer,
    pushing: PushService,
) -> Iterator[Service]:
    """The whole service, which tells at once: a test in the night would wait for the morning."""
    folder = tmp_path_factory.mktemp("calls")
    settings = {
        **running.box.settings,
        **pushing.settings,
        "NOTIFY_QUIET_SECONDS": "0",
        "NOTIFY_INTERVAL_SECONDS": "0",
        "NOTIFY_POLL_SECONDS": "0.1",
        "ALLOWED_HOSTS": "testserver",
    }
    with (
        fresh_database(request, folder, **settings),
        QuickClient(application(), raise_server_exceptions=False, follow_redirects=False) as client,
    ):
        yield Service(client, folder / "storage")
    running.box.clear()
    pushing.clear()


def _guest(app: Service, event: EventInfo, *, confirmed: bool = True) -> Person:
    guest = app.guest(event)
    assert app.post("/api/consent", guest, json={"event_id": event.id, "version": CURRENT}).status_code == 200
    if confirmed:
        with transaction() as session:
            session.get_one(User, guest.id).email_confirmed_at = utcnow()
    return guest


def _path(event_id: int, what: str = "") -> str:
    return f"/api/user/events/{event_id}/notifications{what}"


def _page(app: Service, guest: Person, path: str, **data: str) -> Response:
    """Send a form of a page as the guest's browser."""
    cookies = {"cookie": f"reperio_session={guest.token}"}
    page = app.client.get("/account", headers=cookies)
    csrf = form_token(page.text)
    answer: Response = app.client.post(path, data={"csrf_token": csrf, **data}, headers=cookies)
    return answer


def test_a_photo_is_sent_and_its_guest_gets_a_mail_and_a_push(
    app: Service, running: MailServer, pushing: PushService
) -> None:
    # Where it is neither night now nor soon.
    zone = "UTC" if 8 <= utcnow().hour < 20 else "Pacific/Auckland" if utcnow().hour < 8 else "America/Los_Angeles"
    event = app.event(timezone=zone)
    amy, ben = _guest(app, event), _guest(app, event)
    browser, other = pushing.browser(), pushing.browser()
    for guest, colour, device in ((amy, AMY, browser), (ben, BEN, other)):
        assert app.send_selfie(guest, fake_photo([colour])).status_code == 200
        app.settle(guest)
        told = app.put(_path(event.id, "/device"), guest, json=device.subscription)
        assert told.status_code == 200, told.text
    answer = app.put(_path(event.id, "/email"), amy)
    assert answer.json()["email"] == {
        "available": True,
        "address": f"{amy.name}@example.org",
        "confirmed": True,
        "on": True,
        "refused": False,
    }
    app.upload(event, fake_photo([AMY]))

    def mails() -> list[tuple[str, EmailMessage]]:
        return [each for each in running.box.received if "List-Unsubscribe" in each[1]]

    wait_until(lambda: bool(mails()) and bool(pushing.to(browser)))
    [(recipient, message)] = mails()
    assert recipient == f"{amy.name}@example.org"
    assert "1 nouvelle photo de vous" in message["Subject"]
    assert pushing.to(browser)[0]["body"] == "1 nouvelle photo de vous"
    assert pushing.to(other) == []
    metrics = app.client.get("/metrics", headers={"Authorization": f"Bearer {get_settings().monitoring_token}"}).text
    assert "reperio_oldest_notification_seconds 0.0" in metrics
    assert 'reperio_notifications_total{channel="push",outcome="sent"}' in metrics
    link = message["List-Unsubscribe"].strip("<>").removeprefix("https://photos.example.org")

    def on() -> bool:
        return bool(app.get(_path(event.id), amy).json()["email"]["on"])

    page = app.client.get(link)
    assert page.status_code == 200
    assert f'action="{link}"' in page.text
    assert on(), "a scanner of mails has opened the link"
    assert app.client.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 404
    assert app.client.post(link[:-4], data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert on()
    for _ in range(2):
        assert app.client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert not on()


def test_what_a_guest_chooses_is_shown_and_ends(app: Service, pushing: PushService) -> None:
    event = app.event()
    amy, ben = _guest(app, event), _guest(app, event, confirmed=False)
    browser = pushing.browser()
    first = app.put(_path(event.id, "/device"), amy, json=browser.subscription).json()
    again = app.put(_path(event.id, "/device"), amy, json=browser.subscription).json()
    assert first == again
    [device] = first["push"]["devices"]
    assert "endpoint" not in device
    assert browser.endpoint not in str(first)
    assert app.put(_path(event.id, "/email"), ben).json()["error"] == "NoConfirmedAddress"
    assert app.delete(f"/api/notifications/{device['id']}", ben).status_code == 404
    assert app.delete(f"/api/notifications/{device['id']}", amy).status_code == 200
    assert app.delete(f"/api/notifications/{device['id']}", amy).status_code == 404
    assert app.get(_path(event.id), amy).json()["push"]["devices"] == []
    other = app.event()
    assert app.put(_path(other.id, "/email"), amy).status_code == 403
    assert app.put(_path(999_999, "/email"), amy).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"endpoint": "https://evil.example/x"}, 400, "UnknownPushService"),
        ({"endpoint": "https://169.254.169.254/x"}, 400, "UnknownPushService"),
        ({"keys": {"p256dh": "AAAA", "auth": "AAAA"}}, 400, "InvalidPushKeys"),
        ({"keys": {"p256dh": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "auth": "é"}}, 400, None),
        ({"keys": {}}, 422, "InvalidRequest"),
        ({"endpoint": "https://fcm.googleapis.com/" + "x" * 5000}, 422, "InvalidRequest"),
        ({"endpoint": None}, 422, "InvalidRequest"),
    ],
)
@pytest.mark.sqlite_is_enough
def test_what_a_client_may_not_say_of_its_device(
    app: Service, pushing: PushService, body: dict[str, object], status: int, error: str | None
) -> None:
    event = app.event()
    amy = _guest(app, event)
    answer = app.put(_path(event.id, "/device"), amy, json={**pushing.browser().subscription, **body})
    assert answer.status_code == status
    assert error in (None, answer.json()["error"])
    with transaction() as session:
        assert session.query(Subscription).filter_by(user_id=amy.id).count() == 0


def test_forms_do_what_the_calls_do_without_a_script(app: Service, pushing: PushService) -> None:
    event = app.event()
    amy = _guest(app, event)
    page = f"/notify?event={event.id}"
    answer = _page(app, amy, "/notify/email", event_id=str(event.id))
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    shown = app.client.get(page, headers={"cookie": f"reperio_session={amy.token}"}).text
    assert f"{amy.name}@example.org" in shown
    assert "Ne plus m’écrire" in shown
    app.put(_path(event.id, "/device"), amy, json=pushing.browser().subscription)
    _page(app, amy, "/notify/devices", event_id=str(event.id))
    _page(app, amy, "/notify/email", event_id=str(event.id), on="false")
    found = app.get(_path(event.id), amy).json()
    assert (found["email"]["on"], found["push"]["devices"]) == (False, [])


def test_a_browser_renews_its_address_without_a_session(app: Service, pushing: PushService) -> None:
    event = app.event()
    amy = _guest(app, event)
    old, new = pushing.browser(), pushing.browser()
    app.put(_path(event.id, "/device"), amy, json=old.subscription)
    body = {**new.subscription, "old_endpoint": old.endpoint}
    assert app.post("/api/push-renewal", json={**body, "old_endpoint": new.endpoint}).status_code == 404
    assert app.post("/api/push-renewal", json={**body, "endpoint": "https://10.0.0.1/x"}).status_code == 400
    assert app.post("/api/push-renewal", json=body).status_code == 200
    with transaction() as session:
        [row] = session.query(Subscription).filter_by(user_id=amy.id).all()
    assert row.endpoint == new.endpoint


def test_logging_out_and_ending_a_session_end_the_device(app: Service, pushing: PushService) -> None:
    event = app.event()
    amy = _guest(app, event)
    here = Person(amy.id, amy.name, app.log_in(amy.name, code=event.code))
    there = Person(amy.id, amy.name, app.log_in(amy.name, code=event.code))
    for person in (amy, here, there):
        app.put(_path(event.id, "/device"), person, json=pushing.browser().subscription)
    assert app.post("/api/logout", here).status_code == 200
    assert len(app.get(_path(event.id), amy).json()["push"]["devices"]) == 2
    assert app.delete("/api/me/sessions", amy).status_code == 200
    assert len(app.get(_path(event.id), amy).json()["push"]["devices"]) == 1


def test_the_gallery_says_how_a_guest_is_told(app: Service) -> None:
    event = app.event()
    never_agreed = app.put(_path(event.id, "/email"), app.guest(event))
    assert never_agreed.json()["error"] == "NoNewsWithoutConsent"
    amy = _guest(app, event)
    app.send_selfie(amy, fake_photo([AMY]))
    app.settle(amy)
    gallery, cookies = f"/photos?event={event.id}", {"cookie": f"reperio_session={amy.token}"}
    assert 'id="notify-me"' in app.client.get(gallery, headers=cookies).text
    app.put(_path(event.id, "/email"), amy)
    assert "Nous vous préviendrons par e-mail." in app.client.get(gallery, headers=cookies).text
    app.delete(f"/api/my-consents/{event.id}", amy)
    assert 'id="notify-me"' not in app.client.get(gallery, headers=cookies).text
    assert app.put(_path(event.id, "/email"), amy).json()["error"] == "NoNewsWithoutConsent"


SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.mark.sqlite_is_enough
def test_the_app_of_an_iphone_starts_at_the_photos_of_its_guest(app: Service) -> None:
    event = app.event()
    amy = _guest(app, event)
    cookies = {"cookie": f"reperio_session={amy.token}"}
    for page in (f"/notify?event={event.id}", f"/photos?event={event.id}"):
        shown = app.client.get(page, headers={**cookies, "user-agent": SAFARI}).text
        assert f'/manifest.webmanifest?event={event.id}" crossorigin="use-credentials"' in shown
        others = app.client.get(page, headers={**cookies, "user-agent": SAFARI.replace("Version", "CriOS")}).text
        assert "/manifest.webmanifest?event" not in others
    address = f"/manifest.webmanifest?event={event.id}"
    manifest = app.client.get(address, headers=cookies)
    start, _, token = manifest.json()["start_url"].partition("#")
    assert start == "/enter?app=1"
    assert login_links.owner_of(token).id == amy.id
    login_links.enter(token, "an app", None)
    assert manifest.headers["cache-control"] == "no-store"
    assert app.client.get(address).json()["start_url"] == "/"
