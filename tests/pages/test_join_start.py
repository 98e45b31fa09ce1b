"""One button lets a browser into an event; the same browser stays the same guest."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from accounts import sessions
from accounts.passwords import verify_password
from database import reading, transaction
from guests import registration
from guests.wordings import CURRENT, shown
from models import Consent, Event, User, UserEvent, UserSession, utcnow
from testkit.builders import EventInfo, Service, people
from testkit.forms import form_token
from testkit.passwords import PASSWORD

JSON = {"accept": "application/json"}


@pytest.fixture(autouse=True)
def empty_jar(service: Service) -> Iterator[None]:
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


def opened(service: Service, event: EventInfo) -> str:
    """Open the page of the event and return its token."""
    page = service.get(f"/join?event_code={event.code}", headers={"accept": "text/html"})
    return form_token(page.text)


def press(service: Service, event: EventInfo, token: str, consent: str = CURRENT, **headers: str) -> Any:
    fields = {"csrf_token": token, "event_code": event.code, "consent": consent}
    return service.client.post("/join/start", data=fields, headers=headers, follow_redirects=False)


def guests(event: EventInfo) -> list[User]:
    with reading() as session:
        return list(session.scalars(select(User).where(User.event_id == event.id).order_by(User.id)))


def test_a_script_gets_what_it_needs_to_send_the_portrait(service: Service) -> None:
    event = service.event()
    answer = press(service, event, opened(service, event), **JSON).json()
    assert (answer["event"], answer["next"]) == (event.id, f"/selfie?event={event.id}")
    files = {"file": ("me.jpg", people(1), "image/jpeg")}
    headers = {"X-CSRF-Token": answer["csrf_token"]}
    assert service.client.post("/api/upload-selfie", files=files, headers=headers).status_code == 200
    me = service.get("/api/me").json()
    assert re.fullmatch(r"invite-[2-9a-z]{6}", me["username"])
    assert me["email"] is None
    with reading() as session:
        assert session.scalar(select(Consent.version).where(Consent.user_id == me["id"])) == CURRENT


def test_without_consent_a_guest_gets_in_and_is_not_searched_for(service: Service) -> None:
    event = service.event()
    answer = press(service, event, opened(service, event), consent="")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/photos?event={event.id}")
    (guest,) = guests(event)
    with reading() as session:
        membership = session.scalars(select(UserEvent).where(UserEvent.user_id == guest.id)).one()
        assert membership.withdrawn_at is not None
        assert session.scalars(select(Consent).where(Consent.user_id == guest.id)).all() == []
    assert service.get(f"/photos?event={event.id}", headers={"accept": "text/html"}).status_code == 200
    # The same browser changes its mind.
    answer = press(service, event, opened_again(service), **JSON).json()
    assert answer["next"] == f"/selfie?event={event.id}"
    with reading() as session:
        assert session.get_one(UserEvent, membership.id).withdrawn_at is None


def opened_again(service: Service) -> str:
    """Return the token of the account page."""
    return form_token(service.get("/account", headers={"accept": "text/html"}).text)


def test_pressed_twice_it_makes_one_account(service: Service) -> None:
    event = service.event()
    token = opened(service, event)
    assert press(service, event, token).status_code == 303
    # The second time with the session, and with the page of before.
    assert press(service, event, token).status_code == 303
    del service.client.cookies["reperio_session"]
    # The answer to the first one was lost.
    assert press(service, event, token).status_code == 303
    assert len(guests(event)) == 1


def test_a_consent_given_after_a_lost_answer_counts(service: Service) -> None:
    event = service.event()
    token = opened(service, event)
    assert press(service, event, token, consent="").status_code == 303
    del service.client.cookies["reperio_session"]
    assert press(service, event, token).headers["location"] == f"/selfie?event={event.id}"
    (guest,) = guests(event)
    with reading() as session:
        assert session.scalars(select(Consent).where(Consent.user_id == guest.id)).one().version == CURRENT
        assert session.scalars(select(UserEvent).where(UserEvent.user_id == guest.id)).one().withdrawn_at is None


def test_who_got_in_without_consent_is_asked_again_and_the_wording_shown_is_recorded(service: Service) -> None:
    event = service.event()
    press(service, event, opened(service, event), consent="")
    assert service.client.get("/selfie", follow_redirects=False).headers["location"] == "/account"
    page = service.client.get("/account", headers={"accept-language": "fr"}).text
    assert "Avant votre portrait, il nous faut votre accord." in page
    (digest,) = set(re.findall(r'name="wording" value="([0-9a-f]{64})"', page))
    # The language chosen in another tab since is not that of the wording.
    fields = {"csrf_token": form_token(page), "event_id": str(event.id), "wording": digest}
    english = {"accept-language": "en"}
    answer = service.client.post("/account/consent", data=fields, headers=english, follow_redirects=False)
    assert answer.status_code == 303
    (given,) = service.get("/api/my-consents").json()
    assert (given["basis"], given["locale"], given["text_sha256"]) == ("words", "fr", digest)
    assert digest == shown("fr").sha256
    assert service.client.get("/selfie", follow_redirects=False).status_code == 200


def test_two_tabs_at_the_same_moment_make_one_account(service: Service) -> None:
    event = service.event()
    found: list[int] = []
    starting = threading.Barrier(4)

    def begin() -> None:
        starting.wait()
        found.append(registration.start(event.code, "fr", shown("fr"), "the secret of a browser").id)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_after_logging_out_the_next_person_is_another_guest(service: Service) -> None:
    event = service.event()
    press(service, event, opened(service, event))
    # Nothing leads back to this account: the page warns first.
    leaving = {"csrf_token": opened_again(service)}
    assert service.client.post("/logout", data=leaving, follow_redirects=False).headers["location"] == "/leave"
    service.client.post("/logout", data={**leaving, "sure": "1"}, follow_redirects=False)
    press(service, event, opened(service, event))
    assert len(guests(event)) == 2


def test_a_guest_of_another_event_goes_on_with_the_same_account(service: Service) -> None:
    first, further = service.event(), service.event()
    press(service, first, opened(service, first))
    assert press(service, further, opened_again(service)).headers["location"] == f"/selfie?event={further.id}"
    assert guests(further) == []
    assert [each["id"] for each in service.get("/api/user/events").json()] == [first.id, further.id]


def test_cookies_off_is_said_in_words(service: Service) -> None:
    event = service.event()
    token = opened(service, event)
    service.client.cookies.clear()
    answer = press(service, event, token, accept="text/html")
    assert answer.status_code == 403
    assert "cookie" in answer.text
    service.client.cookies.clear()
    assert press(service, event, token, **JSON).json()["error"] == "CookiesRefused"


def test_an_event_that_is_over_lets_nobody_in(service: Service) -> None:
    event = service.event()
    token = opened(service, event)
    with transaction() as session:
        session.execute(update(Event).where(Event.id == event.id).values(expires_at=utcnow() - timedelta(days=1)))
    assert press(service, event, token, **JSON).json()["error"] == "EventExpired"
    assert press(service, event, token).headers["location"].startswith("/join?event_code=")
    assert guests(event) == []


def test_no_password_opens_an_account_without_password(service: Service) -> None:
    event = service.event()
    press(service, event, opened(service, event))
    (guest,) = guests(event)
    for password in ("", "None", PASSWORD):
        body = {"username": guest.username, "password": password or "x" * 8, "event_code": event.code}
        assert service.post("/api/login", json=body).status_code == 401
        assert not verify_password(password, guest.hashed_password)


def test_such_an_account_is_erased_without_password(service: Service) -> None:
    event = service.event()
    press(service, event, opened(service, event))
    token = opened_again(service)
    answer = service.client.post("/account/erase", data={"csrf_token": token}, follow_redirects=False)
    assert answer.headers["location"] == "/goodbye"
    assert guests(event) == []


def kept_for(answer: Any) -> int:
    """Return for how many seconds the browser keeps the cookie of the session."""
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith("reperio_session=")]
    return int(cookie.partition("Max-Age=")[2].partition(";")[0])


def test_a_guests_browser_stays_logged_in_until_after_the_event_and_use_renews_it(service: Service) -> None:
    event = service.event()
    answer = press(service, event, opened(service, event))
    (guest,) = guests(event)
    with reading() as session:
        ends = session.get_one(Event, event.id).expires_at + sessions.KEPT_AFTER_EVENTS
        row = session.scalars(select(UserSession).where(UserSession.user_id == guest.id)).one()
    assert row.expires_at == ends
    assert abs(kept_for(answer) - (ends - utcnow()).total_seconds()) < 60
    # The event is prolonged; the next visit, after a pause, keeps the cookie as long.
    later = ends + timedelta(days=100)
    with transaction() as session:
        values = {"expires_at": later - sessions.KEPT_AFTER_EVENTS}
        session.execute(update(Event).where(Event.id == event.id).values(values))
        session.execute(
            update(UserSession).where(UserSession.id == row.id).values(last_used_at=utcnow() - timedelta(hours=1))
        )
    sessions._noted.clear()
    page = service.get("/account", headers={"accept": "text/html"})
    assert abs(kept_for(page) - (later - utcnow()).total_seconds()) < 60
    with reading() as session:
        assert session.get_one(UserSession, row.id).expires_at == later
