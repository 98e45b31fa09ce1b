"""What mail servers, push services and dying processes do to messages."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

import errors
from database import transaction
from mail.letters import Letter
from models import Event, User, utcnow
from notifications import delivery, push, scanning
from notifications import service as notifications
from notifications.delivery import deliver_next
from notifications.endpoints import Device, checked
from notifications.push import WebPusher, public_address
from settings import get_settings
from testkit.mail_server import Mailbox, MailServer
from testkit.push_service import PushService
from tests.conftest import wait_until
from tests.notifications.people import HOUR, MINUTE, NOON, connection, forget, rows, somebody, work

DUE = NOON + 5 * MINUTE


@pytest.fixture(autouse=True)
def _clean(database: None) -> None:
    forget()


class Killed(BaseException):
    """Stands for SIGKILL after the message was accepted."""


def _dying(send: Callable[..., None]) -> Callable[..., None]:
    def send_and_die(*arguments: Any) -> None:
        send(*arguments)
        raise Killed

    return send_and_die


def test_a_process_that_dies_after_sending_repeats_the_same_mail(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = somebody()
    guest.by_mail()
    guest.photos(1, NOON)
    scanning.Scanner().scan(DUE)
    with connection() as dying:
        monkeypatch.setattr(dying, "send", _dying(dying.send))
        with pytest.raises(Killed):
            deliver_next(dying, WebPusher(), DUE)
    work(DUE + timedelta(seconds=1))
    assert len(box.received) == 1, "its lease still runs"
    work(DUE + timedelta(seconds=get_settings().job_lease_seconds + 1))
    assert len(box.received) == 2
    assert len({message["Message-ID"] for _, message in box.received}) == 1
    guest.photos(1, NOON + HOUR)
    work(NOON + 3 * HOUR)
    assert len({message["Message-ID"] for _, message in box.received}) == 2, "the next message has another one"


def test_a_process_that_dies_after_sending_repeats_the_same_push(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    guest.photos(1, NOON)
    scanning.Scanner().scan(DUE)
    pusher = WebPusher()
    monkeypatch.setattr(pusher, "send", _dying(pusher.send))
    with pytest.raises(Killed):
        deliver_next(None, pusher, DUE)
    work(DUE + MINUTE)
    first, second = service.to(browser)
    assert first["tag"] == second["tag"], "the device shows it once"
    assert len({each.headers["Topic"] for each in service.received}) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_is_gone_is_forgotten(service: PushService, status: int) -> None:
    guest, browser, other = somebody(), service.browser(), service.browser()
    guest.on(browser)
    guest.on(other)
    guest.photos(1, NOON)
    service.answers[_path(service, browser.endpoint)] = (status, {})
    work(DUE)
    assert [row.endpoint for row in rows()] == [other.endpoint]
    assert len(service.to(other)) == 1


def _path(service: PushService, endpoint: str) -> str:
    return endpoint.removeprefix(service.origin)


@pytest.mark.parametrize(("status", "asked", "pause"), [(429, "120", 120), (503, "7200", 7200), (500, "", 30)])
def test_a_push_service_that_asks_to_wait_is_obeyed(
    service: PushService, status: int, asked: str, pause: int
) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    guest.photos(1, NOON)
    service.answers[_path(service, browser.endpoint)] = (status, {"Retry-After": asked} if asked else {})
    work(DUE)
    service.answers.clear()
    work(DUE + timedelta(seconds=pause - 1))
    assert service.received == []
    guest.photos(1, NOON + 2 * MINUTE)
    work(DUE + timedelta(seconds=pause + 1) + 10 * MINUTE)
    assert [each["body"] for each in service.to(browser)] == ["2 nouvelles photos de vous"]


def test_pauses_grow_to_an_hour(service: PushService) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    guest.photos(1, NOON)
    service.answers[_path(service, browser.endpoint)] = (429, {})
    now, pauses = DUE, []
    for _ in range(9):
        work(now)
        due = rows()[0].lease_until
        assert due is not None
        pauses.append((due - now).total_seconds())
        now = due
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.long
def test_a_push_service_that_hangs_or_is_away_delays_the_others_little(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "WHOLE_SECONDS", 0.3)
    told = [(somebody(), service.browser()) for _ in range(5)]
    for guest, browser in told:
        guest.on(browser)
        guest.photos(1, NOON)
    service.hang = 1.5
    began = utcnow()
    work(DUE)
    assert utcnow() - began < timedelta(seconds=1.4), "one is tried, the others wait"
    service.hang = 0
    work(DUE + HOUR)
    wait_until(lambda: service.held == 0)
    assert all(len({each["tag"] for each in service.to(browser)}) == 1 for _, browser in told)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 413])
@pytest.mark.sqlite_is_enough
def test_what_a_push_service_refuses_stops_and_is_told(service: PushService, status: int) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    guest.photos(1, NOON)
    service.answers[_path(service, browser.endpoint)] = (status, {"Location": f"{service.origin}/inside"})
    work(DUE)
    work(DUE + 10 * HOUR)
    assert service.received == []
    [device] = notifications.told(guest.user, guest.event_id).devices
    assert device.refused
    service.answers.clear()
    guest.on(browser)
    guest.photos(1, DUE + 10 * HOUR)
    work(DUE + 12 * HOUR)
    assert len(service.to(browser)) == 1, "subscribed anew, it works again"


def test_a_mail_that_comes_back_is_told_on_the_page_and_stops(box: Mailbox) -> None:
    guest = somebody()
    guest.by_mail()
    guest.photos(1, NOON)
    assert guest.user.email is not None
    box.answers[guest.user.email] = f"550 5.1.1 <{guest.user.email}> is unknown here"
    work(DUE)
    told = notifications.told(guest.user, guest.event_id)
    assert (told.mail, told.mail_refused) == (False, True)
    box.answers.clear()
    work(DUE + 10 * HOUR)
    assert box.received == []
    guest.by_mail()
    told = notifications.told(guest.user, guest.event_id)
    assert (told.mail, told.mail_refused) == (True, False)
    guest.photos(1, DUE + 10 * HOUR)
    work(DUE + 12 * HOUR)
    assert len(box.received) == 1


def test_a_mail_server_that_is_down_delays_mails_alone(
    box: Mailbox, running: MailServer, service: PushService
) -> None:
    guest, browser = somebody(), service.browser()
    guest.by_mail()
    guest.on(browser)
    guest.photos(1, NOON)
    running.stop()
    try:
        work(DUE)
        work(DUE + 20 * MINUTE)
        assert len(service.to(browser)) == 1
    finally:
        running.start()
    guest.photos(1, NOON + 10 * MINUTE)
    work(DUE + 2 * HOUR)
    [(_, message)] = box.received
    assert "2 nouvelles photos" in message["Subject"]


def test_a_defect_of_ours_stops_no_other_message(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    guests = [somebody() for _ in range(2)]
    for guest in guests:
        guest.by_mail()
        guest.photos(1, NOON)
    with connection() as post:
        sound = post.send

        def broken(ready: Letter) -> None:
            if ready.recipient == guests[0].user.email:
                raise RuntimeError(ready.recipient)
            sound(ready)

        monkeypatch.setattr(post, "send", broken)
        scanning.Scanner().scan(DUE)
        while deliver_next(post, WebPusher(), DUE):
            pass
    assert [recipient for recipient, _ in box.received] == [guests[1].user.email]
    assert "example.org" not in caplog.text


@pytest.mark.long
def test_a_lease_is_extended_while_a_server_is_slow(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "job_heartbeat_seconds", 0.1)
    guest = somebody()
    guest.by_mail()
    guest.photos(1, NOON)
    box.hang = 1.0
    seen = []
    sound = delivery._change

    def noted(row: Any, columns: dict[str, Any]) -> None:
        sound(row, columns)
        seen.append(set(columns))

    monkeypatch.setattr(delivery, "_change", noted)
    work(DUE)
    assert seen.count({"lease_until"}) >= 3
    assert len(box.received) == 1


# --- addresses that clients give --------------------------------------------------------------------


KEYS: Mapping[str, str] = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com\\@evil.example/x",
        "https://fcm.googleapis.com#@evil.example/",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "https://localhost/push",
        "https://push.apple.com.evil.example/x",
        "https://evilpush.apple.com/x",
        "https://fcm.googleapis.com/x\r\nHost: evil",
        "https://fcm.googleapis.com/é",
        f"https://fcm.googleapis.com/{'x' * 3000}",
        "https://[fcm.googleapis.com/x",
        "https://fcm.googleapis.com:99999999/x",
        "",
        "file:///etc/passwd",
    ],
)
@pytest.mark.sqlite_is_enough
def test_addresses_that_are_no_push_service_are_refused(endpoint: str, database: None) -> None:
    with pytest.raises(errors.UnknownPushService):
        checked(endpoint, KEYS["p256dh"], KEYS["auth"])


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2b",
        "https://web.push.apple.com/QAbc",
        "https://WEB.push.apple.com:443/QAbc",
    ],
)
@pytest.mark.sqlite_is_enough
def test_addresses_of_the_known_services_are_taken(endpoint: str, database: None) -> None:
    assert checked(endpoint, KEYS["p256dh"] + "=", KEYS["auth"]).endpoint == endpoint


@pytest.mark.parametrize(
    "change",
    [
        {"auth": "short"},
        {"auth": "!" * 22},
        {"p256dh": KEYS["auth"]},
        {"p256dh": "A" * 87},
        {"p256dh": KEYS["p256dh"][:-3] + "AAA"},
        {"p256dh": ""},
    ],
)
@pytest.mark.sqlite_is_enough
def test_keys_that_are_none_are_refused(change: dict[str, str], database: None) -> None:
    keys = {**KEYS, **change}
    with pytest.raises(errors.InvalidPushKeys):
        checked("https://fcm.googleapis.com/x", keys["p256dh"], keys["auth"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.5.4", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
        "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "ff02::1", "::",
    ],
)  # fmt: skip
@pytest.mark.sqlite_is_enough
def test_a_known_name_that_points_inside_is_not_called(
    address: str, database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(0, 0, 0, "", ("142.250.74.10", 443)), (0, 0, 0, "", (address, 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(push.PushRefused, match="inside"):
        public_address("fcm.googleapis.com", 443)


@pytest.mark.sqlite_is_enough
def test_a_service_that_is_not_listed_any_more_is_not_called(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    guest.photos(1, NOON)
    monkeypatch.setattr(get_settings(), "push_test_origin", "")
    work(DUE)
    [row] = rows()
    assert row.status == "failed"
    assert "PUSH_HOSTS" in (row.error or "")
    assert service.received == []


def test_a_guest_has_few_devices_and_a_device_one_guest(service: PushService) -> None:
    guest, other = somebody(), somebody()
    browsers = [service.browser() for _ in range(7)]
    for each in browsers:
        guest.on(each)
    assert [row.endpoint for row in rows()] == [each.endpoint for each in browsers[2:]]
    assert guest.on(browsers[3]) == rows()[1].id, "once more is the same"
    other.on(browsers[3])
    assert len(rows()) == 5
    assert [row.user_id for row in rows() if row.endpoint == browsers[3].endpoint] == [other.user.id]


def test_a_browser_with_a_new_address_is_told_there(service: PushService) -> None:
    guest, old, new = somebody(), service.browser(), service.browser()
    guest.on(old)
    device = Device(new.endpoint, new.subscription["keys"]["p256dh"], new.subscription["keys"]["auth"])
    notifications.renew_device(old.endpoint, device)
    with pytest.raises(errors.NoSuchSubscription):
        notifications.renew_device(old.endpoint, device)
    guest.photos(1, NOON)
    work(DUE)
    assert (len(service.to(old)), len(service.to(new))) == (0, 1)


def test_logging_out_ends_what_the_device_had(service: PushService) -> None:
    guest = somebody()
    guest.user.session_id = "abcdefghijklmnop"
    guest.on(service.browser())
    guest.user.session_id = None
    guest.on(service.browser())
    notifications.end_session(guest.user.id, "abcdefghijklmnop")
    assert [row.session_id for row in rows()] == [None]


def test_nothing_is_promised_that_cannot_be_kept(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, over = somebody(), somebody()
    with transaction() as session:
        session.get_one(Event, over.event_id).expires_at = utcnow() - MINUTE
        session.get_one(User, guest.user.id).email_confirmed_at = None
    with pytest.raises(errors.NoMorePhotos):
        over.by_mail()
    with pytest.raises(errors.NoConfirmedAddress):
        guest.by_mail()
    with pytest.raises(errors.NotInEvent):
        notifications.tell_by_mail(guest.user, over.event_id, "fr")
    monkeypatch.setattr(get_settings(), "smtp_host", "")
    monkeypatch.setattr(get_settings(), "mail_outbox", "off")
    with pytest.raises(errors.MailIsOff):
        guest.by_mail()
    assert rows() == []
