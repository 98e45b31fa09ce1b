"""What a link to photos shows when its maker's rights change, and when it ends: on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from database import transaction
from jobs.sweep import PeriodicSweep
from models import Event, LinkedPhoto, PhotoChoice, PhotoLink, User, UserEvent, utcnow
from testkit.builders import Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused

GONE = (404, "NoSuchPhotoLink")


class Party:
    """An event with a guest, two photos that show the guest, and one of somebody else."""

    def __init__(self, service: Service, **fields: Any) -> None:
        self.service, self.event = service, service.event(name="Gala", **fields)
        names = ["one.jpg", "two.jpg", "other.jpg"]
        sent = service.upload(self.event, people(1), people(1, 2), people(3), names=names)["uploaded_photos"]
        self.one, self.two, self.other = (each["id"] for each in sent)
        service.process_photos(self.event)
        self.guest = self.joined(1)

    def joined(self, number: int) -> Person:
        guest = self.service.guest(self.event)
        self.service.send_selfie(guest, people(number))
        assert self.service.settle(guest)["status"] == "done"
        return guest

    def link(self, *photo_ids: int, who: Person | None = None, **fields: Any) -> Any:
        body = {"photo_ids": list(photo_ids or (self.one, self.two)), **fields}
        answer = self.service.post(f"/api/user/events/{self.event.id}/photo-links", who or self.guest, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def seen(self, link: Any) -> Any:
        """Return the ids of the photos that anyone sees there, or status and error."""
        answer = self.service.get(f"/api/shared/{token_of(link)}")
        if answer.status_code != 200:
            return answer.status_code, answer.json()["error"]
        return [each["id"] for each in answer.json()["photos"]]

    def picture(self, link: Any, photo_id: int) -> int:
        return int(self.service.get(f"/api/shared/{token_of(link)}/photos/{photo_id}").status_code)

    def change_event(self, **fields: Any) -> None:
        answer = self.service.put(f"/api/admin/events/{self.event.id}", self.service.admin, json=fields)
        assert answer.status_code == 200, answer.text


def token_of(link: Any) -> str:
    return str(link["link"]).rpartition("/")[2]


@pytest.fixture
def party(service: Service) -> Party:
    return Party(service)


def test_a_link_shows_what_its_maker_may_still_see(service: Service, party: Party) -> None:
    link = party.link(party.one, party.two, party.two, party.other)
    assert (link["photos"], link["left_out"]) == (2, 1), "the photo of somebody else is left out, and said so"
    assert party.seen(link) == [party.one, party.two]
    assert party.picture(link, party.one) == 200
    assert party.picture(link, party.other) == 404
    service.post(f"/api/photos/{party.one}/not-me", party.guest)
    assert party.seen(link) == [party.two]
    assert party.picture(link, party.one) == 404
    service.delete(f"/api/photos/{party.one}/not-me", party.guest)
    assert party.seen(link) == [party.one, party.two], "they are back with the guest's own sight of them"
    service.delete(f"/api/photos/{party.one}", party.event.photographer)
    assert party.seen(link) == [party.two]
    assert service.delete(f"/api/my-consents/{party.event.id}", party.guest).status_code == 200
    assert party.seen(link) == GONE
    party.change_event(guests_see_all_photos=True)
    assert party.seen(link) == [party.two], "whoever may see all photos may show them, without being searched for"


def expect_over(party: Party, link: Any, status: int = 404) -> None:
    assert party.seen(link) == ((410, "PhotoLinkExpired") if status == 410 else GONE)
    assert [party.picture(link, each) for each in (party.one, party.two)] == [status, status]
    assert party.service.get(f"/api/shared/{token_of(link)}/photos.zip").status_code == status


def expect_no_rows(link: Any) -> None:
    with transaction() as session:
        assert session.query(PhotoLink).filter_by(id=link["id"]).count() == 0
        assert session.query(LinkedPhoto).filter_by(link_id=link["id"]).count() == 0


def test_how_a_link_ends(service: Service, party: Party) -> None:
    link, expired, revoked = party.link(), party.link(), party.link()
    with transaction() as session:
        session.get_one(PhotoLink, expired["id"]).expires_at = utcnow()
    expect_over(party, expired, 410)
    assert service.delete(f"/api/photo-links/{revoked['id']}", party.guest).status_code == 200
    refused(service.delete(f"/api/photo-links/{revoked['id']}", party.guest), 404, "NoSuchPhotoLink")
    expect_over(party, revoked)
    expect_no_rows(revoked)
    # The others end with something else, and are back with it.
    assert party.seen(link) == [party.one, party.two]
    party.change_event(guests_may_share=False)
    expect_over(party, link)
    party.change_event(guests_may_share=True)
    assert party.seen(link) == [party.one, party.two]
    for kind, number, change, status in (
        (User, party.guest.id, {"is_active": False}, 404),
        (Event, party.event.id, {"expires_at": utcnow()}, 410),
    ):
        with transaction() as session:
            row = session.get_one(kind, number)
            before = {name: getattr(row, name) for name in change}
            for name, value in change.items():
                setattr(row, name, value)
        expect_over(party, link, status)
        with transaction() as session:
            row = session.get_one(kind, number)
            for name, value in before.items():
                setattr(row, name, value)
        assert party.seen(link) == [party.one, party.two]
    with transaction() as session:
        session.execute(delete(UserEvent).where(UserEvent.user_id == party.guest.id))
    expect_over(party, link)


def test_a_link_goes_with_its_maker_and_with_its_event(service: Service, party: Party) -> None:
    other = party.joined(2)
    link, of_other = party.link(), party.link(party.two, who=other)
    body = {"password": PASSWORD}
    assert service.client.request("DELETE", "/api/me", json=body, headers=party.guest.headers).is_success
    expect_over(party, link)
    expect_no_rows(link)
    assert party.seen(of_other) == [party.two]
    assert service.delete(f"/api/admin/events/{party.event.id}", service.admin).status_code == 200
    expect_over(party, of_other)
    expect_no_rows(of_other)


def test_links_and_choices_are_not_kept_for_ever(service: Service, party: Party) -> None:
    old, new = party.link(party.one), party.link(party.two)
    path = f"/api/user/events/{party.event.id}/choices"
    kept = [service.post(path, party.guest, json={"photo_ids": [party.one]}).json()["id"] for _ in range(2)]
    with transaction() as session:
        session.get_one(PhotoLink, old["id"]).expires_at = utcnow() - timedelta(days=31)
        session.get_one(PhotoChoice, kept[0]).created_at = utcnow() - timedelta(days=2)
    sweep = PeriodicSweep()
    sweep._next = 0.0
    sweep.tick()
    assert [each["id"] for each in service.get("/api/photo-links", party.guest).json()] == [new["id"]]
    assert party.seen(old) == GONE
    further = service.post(path, party.guest, json={"photo_ids": [party.one]}).json()["id"]
    with transaction() as session:
        assert {each.id for each in session.query(PhotoChoice)} == {kept[1], further}


def test_several_favourites_at_once(service: Service, party: Party) -> None:
    path = f"/api/user/events/{party.event.id}/favourites"
    chosen = {"photo_ids": [party.one, party.one, party.two, party.other]}
    for _ in range(2):
        assert service.put(path, party.guest, json=chosen).json() == {"favourite": True, "photos": 2, "left_out": 1}
    assert {each["id"] for each in service.get(path, party.guest).json()} == {party.one, party.two}
    gone = service.put(path, party.guest, json={"photo_ids": [party.one], "favourite": False})
    assert gone.json() == {"favourite": False, "photos": 1, "left_out": 0}
    assert [each["id"] for each in service.get(path, party.guest).json()] == [party.two]
    for nothing in ([party.other], [999_999]):
        answer = service.put(path, party.guest, json={"photo_ids": nothing})
        refused(answer, 404, "NoneOfThesePhotos", "Aucune de ces photos n'est dans votre galerie.")
