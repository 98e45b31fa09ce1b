"""A consent withdrawn in one event keeps no selfie from the others."""

from testkit.builders import Service, people
from testkit.pictures import refused


def test_a_guest_who_withdrew_in_one_of_two_events_sends_selfies(service: Service) -> None:
    event, other = service.event(), service.event()
    guest = service.guest(event)
    service.post("/api/join-event", guest, json={"event_code": other.code})
    for each in (event, other):
        service.upload(each, people(1))
        service.process_photos(each)
    assert service.delete(f"/api/my-consents/{event.id}", guest).status_code == 200
    assert service.send_selfie(guest, people(1)).status_code == 200
    assert service.settle(guest)["matched"] == 1
    assert service.get(f"/api/user/events/{event.id}/photos", guest).json() == []
    assert len(service.get(f"/api/user/events/{other.id}/photos", guest).json()) == 1
    assert service.delete(f"/api/my-consents/{other.id}", guest).status_code == 200
    refused(service.send_selfie(guest, people(1)), 409, "ConsentWithdrawn")


def test_a_consent_withdrawn_in_the_only_open_event_lets_no_selfie_in(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    assert service.delete(f"/api/my-consents/{event.id}", guest).status_code == 200
    refused(service.send_selfie(guest, people(1)), 409, "ConsentWithdrawn")
    assert service.status(guest)["status"] == "idle"
