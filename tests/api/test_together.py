"""Photos together: an invitation, who accepts it, what they see, and who leaves."""

from typing import Any

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    event = service.event()
    pictures = (people(1), people(2), people(1, 2), people(1, 2, 3))
    service.upload(event, *pictures, names=["one.jpg", "two.jpg", "both.jpg", "all.jpg"])
    service.process_photos(event)
    return event


@pytest.fixture
def trio(service: Service, event: EventInfo) -> list[Person]:
    return [service.guest_found_as(event, number) for number in (1, 2, 3)]


def start(service: Service, guest: Person, **asked: Any) -> Any:
    answer = service.post("/api/together", guest, json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def accept(service: Service, guest: Person, token: str) -> Any:
    return service.post("/api/together-invitation", guest, json={"token": token})


def seen(service: Service, guest: Person, group: int) -> set[str]:
    answer = service.get(f"/api/together/{group}/photos", guest)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-total-count"] == str(len(answer.json()))
    return {each["original_filename"] for each in answer.json()}


def test_those_who_agreed_see_the_photos_that_show_all_of_them(service: Service, trio: list[Person]) -> None:
    first, second, third = trio
    group = start(service, first)
    assert group["link"].endswith(f"/together/{group['token']}")
    assert seen(service, first, group["id"]) == set(), "nobody else has agreed"
    asked = service.get("/api/together-invitation", second, params={"token": group["token"]}).json()
    assert (asked["joined"], [each["me"] for each in asked["members"]]) == (False, [False])
    refused(service.get(f"/api/together/{group['id']}/photos", second), 404, "NoSuchGroup")
    for _ in range(2):
        assert accept(service, second, group["token"]).json()["joined"]
    assert seen(service, first, group["id"]) == seen(service, second, group["id"]) == {"both.jpg", "all.jpg"}
    assert accept(service, third, group["token"]).status_code == 200
    assert [seen(service, each, group["id"]) for each in trio] == [{"all.jpg"}] * 3
    assert service.delete(f"/api/together/{group['id']}", third).json() == {"message": "Vous avez quitté le groupe"}
    assert seen(service, first, group["id"]) == {"both.jpg", "all.jpg"}
    sentence = "Ce groupe n'existe pas, ou vous n'en faites pas partie."
    refused(service.get(f"/api/together/{group['id']}/photos", third), 404, "NoSuchGroup", sentence)
    refused(service.delete(f"/api/together/{group['id']}", third), 404, "NoSuchGroup", sentence)
    assert [each["id"] for each in service.get("/api/together", second).json()] == [group["id"]]
    # A guest who withdraws the consent is in no photo any more.
    event_id = group["event_id"]
    assert service.delete(f"/api/my-consents/{event_id}", second).status_code == 200
    assert seen(service, first, group["id"]) == set()
    for each in (first, second):
        assert service.delete(f"/api/together/{group['id']}", each).status_code == 200
    refused(accept(service, third, group["token"]), 404, "NoSuchInvitation")


def test_an_invitation_is_for_guests_of_the_event_only_and_cannot_be_made_up(
    service: Service, event: EventInfo, trio: list[Person]
) -> None:
    group = start(service, trio[0], event_id=event.id)
    stranger = service.guest(service.event())
    sentence = "Cette invitation n'existe plus, ou n'est pas pour l'un de vos événements."
    refused(accept(service, stranger, group["token"]), 404, "NoSuchInvitation", sentence)
    refused(service.post("/api/together", stranger, json={"event_id": event.id}), 403, "NotInEvent")
    for event_id in (0, 2**63, "x"):
        refused(service.post("/api/together", trio[1], json={"event_id": event_id}), 422, "InvalidRequest")
    number, _, signed = group["token"].partition(".")
    for wrong in ("", "x", number, f"{number}.", f"{int(number) + 1}.{signed}", f"{number}.{signed[:-1]}", "9" * 150):
        refused(accept(service, trio[1], wrong), 404, "NoSuchInvitation")


def test_groups_have_a_size_and_a_number(service: Service, event: EventInfo, trio: list[Person]) -> None:
    group = start(service, trio[0])
    for _ in range(9):
        assert accept(service, service.guest(event), group["token"]).status_code == 200
    refused(accept(service, trio[1], group["token"]), 409, "GroupFull")
    for _ in range(20):
        start(service, trio[1])
    refused(service.post("/api/together", trio[1]), 409, "TooManyGroups")
    refused(accept(service, trio[1], start(service, trio[2])["token"]), 409, "TooManyGroups")
