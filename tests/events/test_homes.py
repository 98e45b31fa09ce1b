"""Where a guest is at home once the event of the account is deleted."""

from testkit.builders import EventInfo, Person, Service
from testkit.pictures import refused


def join(service: Service, guest: Person, event: EventInfo) -> None:
    answer = service.post("/api/join-event", guest, json={"event_code": event.code})
    assert answer.status_code == 200, answer.text


def delete(service: Service, event: EventInfo) -> None:
    assert service.delete(f"/api/admin/events/{event.id}", service.admin).status_code == 200


def home(service: Service, guest: Person) -> int | None:
    event_id: int | None = service.get("/api/me", guest).json()["event_id"]
    return event_id


def test_home_is_the_event_joined_first(service: Service) -> None:
    # Joined in another order than they were made.
    second, third, first = service.event(), service.event(), service.event()
    guest = service.guest(first)
    join(service, guest, third)
    join(service, guest, second)
    delete(service, first)
    assert home(service, guest) == third.id
    assert service.get("/api/user/event-expiration", guest).json()["event_id"] == third.id
    delete(service, third)
    assert home(service, guest) == second.id


def test_home_is_where_nobody_has_the_same_name(service: Service) -> None:
    first, taken, free = service.event(), service.event(), service.event()
    guest = service.guest(first)
    service.guest(taken, guest.name)
    join(service, guest, taken)
    join(service, guest, free)
    delete(service, first)
    assert home(service, guest) == free.id


def test_an_account_without_a_home_still_shows_the_event_joined_first(service: Service) -> None:
    first, second, third = service.event(), service.event(), service.event()
    guest = service.guest(first)
    for each in (third, second):
        service.guest(each, guest.name)
        join(service, guest, each)
    delete(service, first)
    assert home(service, guest) is None
    assert service.get("/api/user/event-expiration", guest).json()["event_id"] == third.id


def test_an_event_whose_guest_has_nowhere_to_go_is_not_deleted(service: Service) -> None:
    first, taken = service.event(), service.event()
    guest = service.guest(first, "namesake")
    service.guest(taken, "namesake")
    # A photographer has the guest's name among the accounts without an event.
    service.photographer("namesake")
    join(service, guest, taken)
    refused(service.delete(f"/api/admin/events/{first.id}", service.admin), 409, "AccountsWouldCollide")
    assert home(service, guest) == first.id
