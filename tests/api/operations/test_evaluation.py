"""Administrators try a recogniser on one guest: answered at once where it is quick, else with where to look."""

import pytest

from api.operations import evaluation
from testkit.builders import EventInfo, Person, Service, people
from tests.conftest import wait_until

PATH = "/api/admin/eval-recognition"


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    """An event with three photos."""
    made = service.event()
    service.upload(made, people(1), people(1, 2), people(3), names=["one.jpg", "two.jpg", "three.jpg"])
    service.process_photos(made)
    return made


@pytest.fixture(scope="module")
def guest(service: Service, event: EventInfo) -> Person:
    """A guest whose portrait is accepted, found in two of them."""
    return service.guest_found_as(event)


def test_the_engine_of_the_event_is_answered_at_once(service: Service, event: EventInfo, guest: Person) -> None:
    answer = service.post(PATH, service.admin, json={"event_id": event.id, "user_id": guest.id})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["status"], told["provider"], told["error"]) == ("done", "fake", None)
    assert sorted(each["original_filename"] for each in told["result"]["matched"]) == ["one.jpg", "two.jpg"]
    assert told["result"]["counts"]["photos_compared"] == 3
    assert service.get(told["url"], service.admin).json() == told
    entries = service.get("/api/admin/audit", service.admin, params={"action": "selfie.evaluated"}).json()
    assert (entries[0]["subject"]["name"], entries[0]["event_id"]) == (guest.name, event.id)
    assert (entries[0]["actor"]["name"], entries[0]["details"]) == ("chief", {"provider": "fake"})


def test_what_takes_longer_is_answered_202_and_fetched_later(
    service: Service, event: EventInfo, guest: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "WAIT_SECONDS", 0.0)
    answer = service.post(PATH, service.admin, json={"event_id": event.id, "user_id": guest.id, "provider": "local"})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert told["status"] in ("pending", "processing")
    assert told["result"] is None
    wait_until(lambda: service.get(told["url"], service.admin).json()["finished_at"] is not None, 60)
    found = service.get(told["url"], service.admin).json()
    assert (found["status"], found["error"]) == ("failed", "local finds no face in the guest's portrait")
    assert found["id"] in [
        job["id"]
        for job in service.get("/api/admin/jobs", service.admin).json()["failed"]
        if job["kind"] == "evaluations"
    ]
    ready = service.get("/readyz")
    assert ready.status_code == 200, ready.text


def test_what_cannot_be_tried_is_said_in_a_sentence(service: Service, event: EventInfo, guest: Person) -> None:
    without, other = service.guest(event), service.event()
    body = {"event_id": event.id, "user_id": guest.id}
    for changed, status, error in (
        ({"provider": "dlib9"}, 400, "UnknownProvider"),
        ({"provider": "azure"}, 400, "ProviderNotConfigured"),
        ({"user_id": without.id}, 409, "GuestHasNoPortrait"),
        ({"user_id": 909_090}, 404, "NoSuchUser"),
        ({"event_id": 909_090}, 404, "NoSuchEvent"),
        ({"event_id": other.id}, 404, "GuestNotInEvent"),
    ):
        answer = service.post(PATH, service.admin, json={**body, **changed})
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.json()["detail"].endswith(".")
    assert service.get(f"{PATH}/909090", service.admin).json()["error"] == "NoSuchEvaluation"
    for who in (guest, event.photographer):
        assert service.post(PATH, who, json=body).status_code == 403
