"""Administrators create, change and delete photographers' accounts."""

from typing import Any

import pytest

from testkit.builders import Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused

PATH = "/api/admin/photographers"
BAD_IDS = ["abc", "0", "-1", "1.5", "9223372036854775808", "99999999999999999999999", "%00", "1e3"]


def listed(service: Service) -> dict[int, dict[str, Any]]:
    answer = service.get(PATH, service.admin)
    assert answer.status_code == 200
    return {person["id"]: person for person in answer.json()}


def test_a_new_photographer_works_at_once(service: Service) -> None:
    photographer = service.photographer("Léa")
    mine = listed(service)[photographer.id]
    assert (mine["username"], mine["user_type"], mine["event_id"]) == ("Léa", "photographer", None)
    assert service.get("/api/photographer/events", photographer).json() == []
    refused(service.get("/api/photographer/my-event", photographer), 404, "NoEventAssigned")


def test_a_photographers_name_is_taken_once(service: Service) -> None:
    photographer = service.photographer()
    before = listed(service)
    for name, address in (
        (photographer.name.upper(), "other@example.org"),
        ("other", f"{photographer.name}@example.org"),
    ):
        body = {"username": name, "email": address, "password": PASSWORD}
        refused(service.post(PATH, service.admin, json=body), 400, "AccountTaken", "Username ou email déjà utilisé")
    assert listed(service) == before


def test_a_guest_may_have_a_photographers_name(service: Service) -> None:
    event = service.event()
    assert service.guest(event, event.photographer.name).id != event.photographer.id


def test_changes_keep_the_rest(service: Service) -> None:
    photographer = service.photographer()
    body = {"email": "new-address@example.org"}
    changed = service.put(f"{PATH}/{photographer.id}", service.admin, json=body).json()
    assert (changed["username"], changed["email"]) == (photographer.name, "new-address@example.org")
    assert service.get("/api/me", photographer).status_code == 200
    assert service.log_in("new-address@example.org")


def test_a_closed_account_opens_nothing(service: Service) -> None:
    photographer = service.photographer()
    path = f"{PATH}/{photographer.id}"
    assert service.put(path, service.admin, json={"is_active": False}).json()["is_active"] is False
    refused(service.get("/api/me", photographer), 401, "InvalidToken")
    body = {"username": photographer.name, "password": PASSWORD}
    refused(service.post("/api/login", json=body), 401, "BadCredentials")
    service.put(path, service.admin, json={"is_active": True})
    assert service.log_in(photographer.name)


def test_a_change_to_a_taken_name_is_refused(service: Service) -> None:
    one, two = service.photographer(), service.photographer()
    answer = service.put(f"{PATH}/{two.id}", service.admin, json={"username": one.name})
    refused(answer, 400, "AccountTaken")
    assert listed(service)[two.id]["username"] == two.name


def test_a_username_with_an_at_must_be_the_own_email(service: Service) -> None:
    photographer = service.photographer()
    answer = service.put(f"{PATH}/{photographer.id}", service.admin, json={"username": "else@example.org"})
    refused(answer, 400, "UsernameIsNotOwnEmail")
    body = {"username": "a@example.org", "email": "b@example.org", "password": PASSWORD}
    refused(service.post(PATH, service.admin, json=body), 400, "UsernameIsNotOwnEmail")


def test_photos_outlive_their_photographer(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    guest = service.guest(event)
    service.upload(event, people(1))
    assert service.delete(f"{PATH}/{event.photographer.id}", service.admin).status_code == 200
    (photo,) = service.get("/api/all-photos", guest).json()
    assert photo["photographer_id"] is None
    assert service.get(f"/api/photo/{photo['id']}?size=original", guest).content == people(1)


@pytest.mark.parametrize("number", BAD_IDS)
def test_an_id_that_is_none(service: Service, number: str) -> None:
    for answer in (
        service.put(f"{PATH}/{number}", service.admin, json={}),
        service.delete(f"{PATH}/{number}", service.admin),
    ):
        assert answer.status_code in (404, 422)
        assert isinstance(answer.json()["detail"], str)


def test_guests_and_strangers_are_no_photographers(service: Service) -> None:
    guest = service.guest(service.event())
    for number in (guest.id, service.admin.id, 10**15, 2**63 - 1):
        answer = service.put(f"{PATH}/{number}", service.admin, json={"password": PASSWORD})
        refused(answer, 404, "NoSuchPhotographer")
        refused(service.delete(f"{PATH}/{number}", service.admin), 404, "NoSuchPhotographer")


def test_only_admins_make_photographers(service: Service) -> None:
    event = service.event()
    body = {"username": "intruder", "email": "intruder@example.org", "password": PASSWORD}
    for person in (service.guest(event), event.photographer):
        refused(service.post(PATH, person, json=body), 403, "AdminsOnly")
    refused(service.post(PATH, json=body), 401, "NotAuthenticated")
    assert "intruder" not in {person["username"] for person in listed(service).values()}
