"""Sessions are listed and ended, and everything made from one ends with it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select, update

from accounts import sessions, tokens
from database import reading, transaction
from models import User, UserSession, utcnow
from settings import get_settings
from testkit.builders import Person, Service, people
from testkit.passwords import OTHER_PASSWORD, PASSWORD
from testkit.pictures import refused
from tests.api.accounts.test_login import fresh, register

PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
AGAIN = "/api/token/refresh"


def again(service: Service, person: Person, password: str = PASSWORD, **more: Any) -> Person:
    """Log in once more and return the person with the new token."""
    body = {"username": person.name, "password": password, **more}
    answer = service.post("/api/login", json=body, headers={"User-Agent": PHONE})
    assert answer.status_code == 200, answer.text
    return Person(person.id, person.name, answer.json()["access_token"])


def listed(service: Service, person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.get("/api/me/sessions", person).json()
    return found


def works(service: Service, person: Person) -> bool:
    status: int = service.get("/api/me", person).status_code
    assert status in (200, 401)
    return status == 200


def change(number: str, **columns: Any) -> None:
    with transaction() as session:
        session.execute(update(UserSession).where(UserSession.id == number).values(**columns))


def test_logging_out_ends_that_session_alone(service: Service) -> None:
    guest = service.guest(service.event())
    other = again(service, guest)
    assert service.post("/api/logout", guest).status_code == 200
    assert not works(service, guest)
    assert works(service, other)
    refused(service.post("/api/logout", guest), 401, "InvalidToken")


def test_sessions_are_listed_with_their_device_and_ended_one_by_one(service: Service) -> None:
    guest = service.guest(service.event())
    other, third = again(service, guest), again(service, guest)
    found = listed(service, third)
    assert [each["current"] for each in found].count(True) == 1
    assert len(found) == 3
    assert [each["device"] for each in found].count("Firefox · Android") == 2
    assert not {"refresh_hash", "token_version"} & set(found[0])
    mine = next(each["id"] for each in listed(service, other) if each["current"])
    assert service.delete(f"/api/me/sessions/{mine}", third).status_code == 200
    assert [works(service, each) for each in (guest, other, third)] == [True, False, True]
    refused(service.delete(f"/api/me/sessions/{mine}", third), 404, "NoSuchSession")
    assert service.delete("/api/me/sessions", third).status_code == 200
    assert [works(service, each) for each in (guest, third)] == [False, True]


@pytest.mark.parametrize("number", ["0", "x" * 17, "%00", "a b", "é"])
def test_a_session_that_cannot_be_is_refused_in_words(service: Service, number: str) -> None:
    assert service.delete(f"/api/me/sessions/{number}", service.guest(service.event())).status_code in (404, 422)


def test_nobody_ends_the_session_of_somebody_else(service: Service) -> None:
    event = service.event()
    guest, stranger = service.guest(event), service.guest(event)
    mine = listed(service, guest)[0]["id"]
    refused(service.delete(f"/api/me/sessions/{mine}", stranger), 404, "NoSuchSession")
    refused(service.delete(f"/api/admin/users/{guest.id}/sessions", stranger), 403, "AdminsOnly")
    assert works(service, guest)
    assert service.delete(f"/api/admin/users/{guest.id}/sessions", service.admin).status_code == 200
    assert not works(service, guest)
    refused(service.delete("/api/admin/users/999999/sessions", service.admin), 404, "NoSuchUser")


def test_a_token_of_another_account_does_not_fit_a_session(service: Service) -> None:
    event = service.event()
    guest, victim = service.guest(event), service.guest(event)
    mine = listed(service, guest)[0]["id"]
    mixed = tokens.issue(victim.id, 0, timedelta(hours=1), mine)
    assert not works(service, Person(victim.id, victim.name, mixed))


def test_a_signed_link_ends_with_its_session(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    other = again(service, event.photographer)
    path = f"/api/photographer/events/{event.id}/photos"
    links = [service.get(path, each).json()[0]["url"] for each in (event.photographer, other)]
    assert links[0] != links[1]
    assert [service.get(link).status_code for link in links] == [200, 200]
    assert service.post("/api/logout", other).status_code == 200
    assert service.get(links[0]).status_code == 200
    refused(service.get(links[1]), 401, "InvalidToken")
    # A link cannot be moved to another session, nor to none.
    session = listed(service, event.photographer)[0]["id"]
    own = links[1].partition("session=")[2].partition("&")[0]
    for changed in (links[1].replace(own, session), links[1].replace(f"&session={own}", "")):
        refused(service.get(changed), 401, "InvalidToken")


def test_a_new_password_ends_the_other_sessions(service: Service) -> None:
    guest = service.guest(service.event())
    other = again(service, guest)
    body = {"current": PASSWORD, "new": OTHER_PASSWORD}
    refused(service.post("/api/me/password", guest, json={**body, "current": "wrong"}), 401, "BadCredentials")
    refused(service.post("/api/me/password", guest, json={**body, "new": "seven77"}), 400, "PasswordTooShort")
    same = {**body, "new": body["current"]}
    refused(service.post("/api/me/password", guest, json=same), 400, "PasswordUnchanged")
    assert works(service, other)
    assert service.post("/api/me/password", guest, json=body).status_code == 200
    assert [works(service, each) for each in (guest, other)] == [True, False]
    refused(service.post("/api/login", json={"username": guest.name, "password": PASSWORD}), 401, "BadCredentials")
    assert works(service, again(service, guest, OTHER_PASSWORD))


def test_staff_change_theirs_by_the_rules_for_staff(service: Service) -> None:
    photographer = service.photographer()
    body = {"current": PASSWORD, "new": "Secret.000"}
    refused(service.post("/api/me/password", photographer, json=body), 400, "StaffPasswordTooShort")
    assert service.post("/api/me/password", photographer, json={**body, "new": OTHER_PASSWORD}).status_code == 200
    assert works(service, photographer)


def test_a_token_of_a_release_without_sessions_stays_good(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    old = Person(guest.id, guest.name, tokens.issue(guest.id, 0, timedelta(hours=1)))
    assert works(service, old)
    assert [each["current"] for each in listed(service, old)] == [False]
    assert service.post("/api/logout", old).status_code == 200
    assert service.delete(f"/api/admin/users/{guest.id}/sessions", service.admin).status_code == 200
    assert not works(service, old)


def test_a_session_ends_when_it_expires_and_a_login_deletes_its_row(service: Service) -> None:
    guest = service.guest(service.event())
    number = listed(service, guest)[0]["id"]
    change(number, expires_at=utcnow() - timedelta(seconds=1))
    assert not works(service, guest)
    other = again(service, guest)
    with reading() as session:
        kept = session.scalar(select(func.count()).where(UserSession.user_id == guest.id).select_from(UserSession))
    assert kept == 1
    assert len(listed(service, other)) == 1


def test_the_last_use_is_written_every_ten_minutes(service: Service) -> None:
    guest = service.guest(service.event())
    number, before = listed(service, guest)[0]["id"], utcnow() - timedelta(minutes=9)
    change(number, last_used_at=before)
    assert works(service, guest)
    assert listed(service, guest)[0]["last_used_at"] == before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    change(number, last_used_at=utcnow() - timedelta(minutes=11))
    assert works(service, guest)
    assert listed(service, guest)[0]["last_used_at"] > before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_closing_or_erasing_an_account_ends_its_sessions(service: Service) -> None:
    guest = service.guest(service.event())
    other = again(service, guest)
    answer = service.client.request("DELETE", "/api/me", headers=guest.headers, json={"password": PASSWORD})
    assert answer.status_code == 200
    assert not works(service, other)
    with reading() as session:
        assert session.scalars(select(UserSession).where(UserSession.user_id == guest.id)).all() == []


# --- refresh tokens --------------------------------------------------------------------------------


def refreshing(service: Service) -> tuple[Person, dict[str, Any]]:
    guest = service.guest(service.event())
    body = {"username": guest.name, "password": PASSWORD, "refresh": True}
    given: dict[str, Any] = service.post("/api/login", json=body).json()
    return Person(guest.id, guest.name, given["access_token"]), given


def exchange(service: Service, token: str) -> Any:
    return service.post(AGAIN, json={"refresh_token": token})


def test_without_being_asked_a_login_answers_as_before(service: Service) -> None:
    guest = service.guest(service.event())
    answer = service.post("/api/login", json={"username": guest.name, "password": PASSWORD}).json()
    assert answer.keys() == {"access_token", "token_type", "expires_in"}
    assert answer["expires_in"] == 24 * 3600


def test_a_refresh_token_gives_a_new_token_each_time(service: Service) -> None:
    guest, given = refreshing(service)
    assert given["expires_in"] == 15 * 60
    claims = jwt.decode(given["access_token"], get_settings().secret_key, ["HS256"])
    assert claims["exp"] - claims["iat"] == 15 * 60
    for _ in range(3):
        answer = exchange(service, given["refresh_token"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["refresh_token"] != given["refresh_token"]
        given = answer.json()
        assert works(service, Person(guest.id, guest.name, given["access_token"]))
    assert len(listed(service, guest)) == 2, "it is one session all along"


def test_a_lost_answer_does_not_log_out(service: Service) -> None:
    _, given = refreshing(service)
    answers = [exchange(service, given["refresh_token"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert exchange(service, answers[-1].json()["refresh_token"]).status_code == 200


def test_the_same_refresh_token_sent_many_times_at_once_leaves_one_that_is_good(service: Service) -> None:
    guest, given = refreshing(service)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: exchange(service, given["refresh_token"]), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert works(service, guest)
    mine = select(UserSession).where(UserSession.user_id == guest.id, UserSession.refresh_hash.is_not(None))
    with reading() as session:
        row = session.scalars(mine).one()
    assert row.refresh_hash in {sessions._hash(answer.json()["refresh_token"]) for answer in answers}


def test_a_refresh_token_used_again_later_ends_the_session(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, given = refreshing(service)
    following = exchange(service, given["refresh_token"]).json()
    moment = utcnow() + sessions.LOST_ANSWER + timedelta(seconds=1)
    monkeypatch.setattr(sessions, "utcnow", lambda: moment)
    refused(exchange(service, given["refresh_token"]), 401, "InvalidToken")
    monkeypatch.undo()
    refused(exchange(service, following["refresh_token"]), 401, "InvalidToken")
    for token in (given["access_token"], following["access_token"]):
        assert not works(service, Person(guest.id, guest.name, token))


def test_one_older_than_the_last_ends_the_session_at_once(service: Service) -> None:
    guest, given = refreshing(service)
    second = exchange(service, given["refresh_token"]).json()
    assert exchange(service, second["refresh_token"]).status_code == 200
    refused(exchange(service, given["refresh_token"]), 401, "InvalidToken")
    assert not works(service, guest)


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: "",
        lambda token: "x.y.z",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: ".".join([token.split(".")[0], "made-up", token.split(".")[2]]),
        lambda token: token + ".",
        lambda token: "\u00e9" * 50,
    ],
)
def test_a_forged_refresh_token_ends_nothing(service: Service, forge: Callable[[str], str]) -> None:
    guest, given = refreshing(service)
    refused(exchange(service, forge(given["refresh_token"])), 401, "InvalidToken")
    assert works(service, guest)
    assert exchange(service, given["refresh_token"]).status_code == 200


def test_the_tokens_are_no_substitutes_for_each_other(service: Service) -> None:
    guest, given = refreshing(service)
    refused(exchange(service, given["access_token"]), 401, "InvalidToken")
    assert not works(service, Person(guest.id, guest.name, given["refresh_token"]))


def test_a_session_with_refresh_ends_by_logout_closing_and_age(service: Service) -> None:
    guest, given = refreshing(service)
    assert service.post("/api/logout", guest).status_code == 200
    refused(exchange(service, given["refresh_token"]), 401, "InvalidToken")

    guest, given = refreshing(service)
    with transaction() as session:
        session.execute(update(User).where(User.id == guest.id).values(is_active=False))
    refused(exchange(service, given["refresh_token"]), 401, "InvalidToken")

    guest, given = refreshing(service)
    number = next(each["id"] for each in listed(service, guest) if each["current"])
    change(number, created_at=utcnow() - timedelta(days=179, hours=23))
    assert exchange(service, given["refresh_token"]).status_code == 200
    found = next(each for each in listed(service, guest) if each["current"])
    assert found["expires_at"] < (utcnow() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_no_token_is_stored(service: Service) -> None:
    _, given = refreshing(service)
    exchange(service, given["refresh_token"])
    with reading() as session:
        rows = str([vars(row) for row in session.scalars(select(UserSession))])
    assert given["refresh_token"].split(".")[1] not in rows


# --- who goes first --------------------------------------------------------------------------------


@pytest.mark.parametrize("namesakes", [1, 9])
def test_no_number_of_namesakes_keeps_a_photographer_out(service: Service, namesakes: int) -> None:
    photographer, code = service.photographer(), ""
    for _ in range(namesakes):
        event = service.event()
        register(service, event, photographer.name, "Secret.000")
        code = event.code
    for more in ({}, {"event_code": code}, {"event_code": "NOSUCHCODE"}):
        found = again(service, photographer, **more)
        assert service.get("/api/me", found).json()["id"] == photographer.id
    wrong = {"username": photographer.name, "password": "wrong"}
    refused(service.post("/api/login", json={**wrong, "event_code": code}), 401, "BadCredentials")
    guest = service.post("/api/login", json={**wrong, "password": "Secret.000", "event_code": code})
    assert guest.status_code == 200
    headers = {"Authorization": f"Bearer {guest.json()['access_token']}"}
    assert service.get("/api/me", headers=headers).json()["user_type"] == "user"


def test_an_unknown_code_opens_no_guest(service: Service) -> None:
    name = fresh()
    register(service, service.event(), name)
    body = {"username": name, "password": PASSWORD, "event_code": "NOSUCHCODE"}
    refused(service.post("/api/login", json=body), 401, "BadCredentials")
