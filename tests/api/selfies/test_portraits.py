"""Several portraits over the API: added, listed, shown, erased; and a sixth one."""

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    event = service.event()
    service.upload(event, people(1), people(2), people(1, 2), names=["one.jpg", "two.jpg", "both.jpg"])
    service.process_photos(event)
    return event


@pytest.fixture
def guest(service: Service, event: EventInfo) -> Person:
    """A guest who is found as person 1."""
    return service.guest_found_as(event)


def add(service: Service, guest: Person, data: bytes, *, keep: bool = True) -> str:
    parameters = {"keep": "true"} if keep else {}
    assert service.send_selfie(guest, data, **parameters).status_code == 200
    status: str = service.settle(guest)["status"]
    return status


def found(service: Service, guest: Person) -> set[str]:
    return {photo["original_filename"] for photo in service.my_photos(guest)}


def ids(service: Service, guest: Person) -> list[int]:
    return [each["id"] for each in service.get("/api/me/selfies", guest).json()]


def test_a_portrait_is_added_shown_and_erased(service: Service, event: EventInfo, guest: Person) -> None:
    assert found(service, guest) == {"one.jpg", "both.jpg"}
    assert add(service, guest, people(2)) == "done"
    assert found(service, guest) == {"one.jpg", "two.jpg", "both.jpg"}
    first, second = ids(service, guest)
    picture = service.get(f"/api/me/selfies/{second}", guest)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "private, no-store"
    stranger = service.guest(event)
    refused(service.get(f"/api/me/selfies/{second}", stranger), 404, "NoSuchSelfie")
    refused(service.delete(f"/api/me/selfies/{second}", stranger), 404, "NoSuchSelfie")
    answer = service.delete(f"/api/me/selfies/{first}", guest)
    assert (answer.status_code, answer.json()) == (200, {"message": "Portrait supprimé"})
    assert found(service, guest) == {"two.jpg", "both.jpg"}
    assert service.get("/api/my-selfie", guest).json()["id"] == second
    assert len(service.files()) == len(set(service.files()))
    assert service.delete("/api/my-selfie", guest).status_code == 200
    assert (found(service, guest), ids(service, guest)) == (set(), [])


def test_a_further_portrait_that_is_rejected_takes_nothing(service: Service, guest: Person) -> None:
    assert add(service, guest, people()) == "validation_failed"
    assert len(ids(service, guest)) == 1
    assert found(service, guest) == {"one.jpg", "both.jpg"}


def test_a_sixth_portrait_is_refused_and_leaves_nothing(service: Service, guest: Person) -> None:
    for number in (2, 3, 4, 5):
        assert add(service, guest, people(number)) == "done"
    before = ids(service, guest), sorted(service.files())
    answer = service.send_selfie(guest, people(6), keep="true")
    refused(answer, 409, "TooManyPortraits", "Vous avez déjà 5 portraits. Supprimez-en un d'abord.")
    assert (ids(service, guest), sorted(service.files())) == before
    # One that replaces them all is no sixth.
    assert add(service, guest, people(2), keep=False) == "done"
    assert len(ids(service, guest)) == 1
    assert found(service, guest) == {"two.jpg", "both.jpg"}


def test_the_first_portrait_may_be_one_to_keep(service: Service, event: EventInfo) -> None:
    guest = service.guest(event)
    assert add(service, guest, people(1)) == "done"
    assert add(service, guest, people(2)) == "done"
    assert len(ids(service, guest)) == 2
