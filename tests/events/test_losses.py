"""The announced consequences of deleting an event are the real ones."""

from events.losses import losses_of
from testkit.builders import Service, people


def test_the_numbers_told_are_those_that_go(service: Service) -> None:
    event, other = service.event(), service.event()
    found, stays, home_elsewhere = service.guest(event), service.guest(event), service.guest(other)
    for guest in (found, stays):
        service.send_selfie(guest, people(1 if guest is found else 2))
        service.settle(guest)
    photos = [people(1, 3), people(4)]
    service.upload(event, *photos)
    service.process_photos(event)
    for guest, joined in ((stays, other), (home_elsewhere, event)):
        assert service.post("/api/join-event", guest, json={"event_code": joined.code}).status_code == 200
    told = losses_of(event.id)
    assert (told.photos, told.bytes) == (2, sum(len(photo) for photo in photos))
    assert (told.faces, told.matches) == (3, 1)
    assert (told.accounts, told.selfies, told.guests_kept) == (1, 1, 2)
    assert service.delete(f"/api/admin/events/{event.id}", service.admin).status_code == 200
    left = [service.get("/api/me", guest).status_code for guest in (found, stays, home_elsewhere)]
    assert left == [401, 200, 200]
