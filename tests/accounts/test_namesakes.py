"""Which of several accounts a name means: at the limit of how many are tried, and who goes first."""

from typing import Any

from testkit.builders import Service
from testkit.pictures import refused
from tests.api.accounts.test_login import fresh, log_in, register, who

MOST = 8


def test_a_name_at_eight_events_lists_them_all(service: Service) -> None:
    name, events = fresh(), [service.event() for _ in range(MOST)]
    for event in events:
        register(service, event, name)
    answer = log_in(service, name)
    refused(answer, 409, "SeveralAccounts")
    assert {each["event_code"] for each in answer.json()["accounts"]} == {event.code for event in events}


def test_staff_go_before_guests_of_their_name(service: Service) -> None:
    photographer, event = service.photographer(), service.event()
    # With the same password too, even where the code is of the guest's event.
    register(service, event, photographer.name)
    assert who(service, log_in(service, photographer.name)) == photographer.id
    assert who(service, log_in(service, photographer.name, code=event.code)) == photographer.id


def test_an_account_made_in_an_event_goes_before_one_that_joined_it(service: Service) -> None:
    name, event, other = fresh(), service.event(), service.event()
    at_home, joined = register(service, event, name), register(service, other, name)
    headers = {"Authorization": f"Bearer {service.log_in(name, code=other.code)}"}
    answer: Any = service.post("/api/join-event", headers=headers, json={"event_code": event.code})
    assert answer.status_code == 200
    assert who(service, log_in(service, name, code=event.code)) == at_home
    assert who(service, log_in(service, name, code=other.code)) == joined


def test_a_closed_account_takes_no_part_in_the_choice(service: Service) -> None:
    photographer, event = service.photographer(), service.event()
    guest = register(service, event, photographer.name)
    path = f"/api/admin/photographers/{photographer.id}"
    assert service.put(path, service.admin, json={"is_active": False}).status_code == 200
    assert who(service, log_in(service, photographer.name)) == guest


def test_without_a_code_guests_names_are_free(service: Service) -> None:
    name, photographer = fresh(), service.photographer()
    register(service, service.event(), name)
    for asked, taken in ((name, False), (photographer.name, True)):
        body = {"username": asked, "email": f"{asked}@example.org"}
        for code in ({}, {"event_code": None}, {"event_code": ""}):
            answer = service.post("/api/check-user-availability", json={**body, **code})
            assert answer.json() == {"username_taken": taken, "email_taken": taken}
