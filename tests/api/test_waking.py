"""Every call that queues a job wakes the inference thread, so that no job waits for its next poll."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.tokens import csrf_of
from api.sessions import SESSION_COOKIE
from guests.wordings import CURRENT
from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD

Call = Callable[[Service, EventInfo, Person], Any]
PHOTO = ("a.jpg", people(1), "image/jpeg")


def invite(service: Service, event: EventInfo, _: Person) -> Any:
    form = {"username": "invited", "email": "invited@example.org", "password": PASSWORD, "event_code": event.code}
    return service.post("/api/register-invite-with-selfie", data=form, files={"file": PHOTO})


def selfie(service: Service, _: EventInfo, guest: Person) -> Any:
    return service.send_selfie(guest, people(1))


def join(service: Service, _: EventInfo, guest: Person) -> Any:
    return service.post("/api/join-event", guest, json={"event_code": service.event().code})


def consent(service: Service, event: EventInfo, guest: Person) -> Any:
    return service.post("/api/consent", guest, json={"event_id": event.id, "version": CURRENT})


def upload(path: str, part: str) -> Call:
    def send(service: Service, event: EventInfo, _: Person) -> Any:
        return service.post(path.format(event.id), event.photographer, files={part: PHOTO})

    return send


def ask(path: str) -> Call:
    """Post to an address of the photographer's."""

    def send(service: Service, event: EventInfo, _: Person) -> Any:
        return service.post(path.format(event.id), event.photographer)

    return send


def ask_as_admin(path: str) -> Call:
    def send(service: Service, event: EventInfo, _: Person) -> Any:
        return service.post(path.format(event.id), service.admin)

    return send


def form(path: str, who: str, **fields: str) -> Call:
    """Send a page's form as one of the three."""

    def send(service: Service, event: EventInfo, guest: Person) -> Any:
        person = {"guest": guest, "photographer": event.photographer, "admin": service.admin}[who]
        service.client.cookies.set(SESSION_COOKIE, person.token)
        sent = {name: value.format(event=event.id, code=event.code) for name, value in fields.items()}
        if fields.get("event_code") == "new":
            sent["event_code"] = service.event().code
        data = {"csrf_token": csrf_of(person.token), **sent}
        try:
            return service.post(path.format(event.id), data=data, follow_redirects=False)
        finally:
            service.client.cookies.clear()

    return send


CALLS: dict[str, Call] = {
    "invite": invite,
    "selfie": selfie,
    "join": join,
    "consent": consent,
    "photos": upload("/api/photographer/events/{}/upload-photos", "files"),
    "photos of the only event": upload("/api/upload-photos", "files"),
    "photo of the only event": upload("/api/upload-photo", "file"),
    "rematch": ask("/api/photographer/events/{}/rematch"),
    "rematch by an admin": ask_as_admin("/api/admin/events/{}/rematch"),
    "retry": ask("/api/photographer/events/{}/retry-failed"),
    "page: join": form("/join/further", "guest", event_code="new", consent=CURRENT),
    "page: consent": form("/account/consent", "guest", event_id="{event}"),
    "page: retry": form("/studio/{}/retry", "photographer"),
    "page: rematch": form("/admin/events/{}/rematch", "admin"),
    "page: retry by an admin": form("/admin/events/{}/retry-failed", "admin"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_leaves_something_to_do_wakes_the_thread(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    event = service.event()
    guest = service.guest(event)
    woken: list[bool] = []
    app: Any = service.client.app
    monkeypatch.setattr(app.state.inference, "wake", lambda: woken.append(True))
    answer = CALLS[name](service, event, guest)
    assert answer.status_code in (200, 303), answer.text
    assert woken == [True]
