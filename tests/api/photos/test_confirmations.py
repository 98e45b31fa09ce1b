"""Calls about single faces: "this is me", and the faces that may be the guest's."""

import io
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused
from testkit.world_making import ask_about, faces_in


@dataclass
class Party:
    """A private event: a photo of its guest, and one of somebody else whose face the guest is asked about."""

    event: EventInfo
    guest: Person
    mine: int
    asked: int
    face: int


@pytest.fixture
def party(service: Service) -> Party:
    event = service.event()
    sent = service.upload(event, people(1), people(2))["uploaded_photos"]
    service.process_photos(event)
    guest = service.guest_found_as(event)
    mine, asked = (each["id"] for each in sent)
    face = faces_in(event.id)[asked]
    (portrait,) = service.get("/api/me/selfies", guest).json()
    ask_about(guest.id, event.id, face, portrait["id"])
    return Party(event, guest, mine, asked, face)


def confirm(service: Service, party: Party, photo: int, face: Any, who: Person | None = None) -> Any:
    return service.post(f"/api/photos/{photo}/me", who or party.guest, json={"face_id": face})


def test_a_maybe_shows_the_face_and_nothing_else(service: Service, party: Party) -> None:
    (maybe,) = service.get("/api/maybe-photos", party.guest).json()
    assert (maybe["photo_id"], maybe["face_id"], maybe["photo"]) == (party.asked, party.face, None)
    crop = service.get(maybe["crop_url"].split("://")[-1].partition("/")[2].join(("/", "")), None)
    assert crop.status_code == 200, crop.text
    with Image.open(io.BytesIO(crop.content)) as picture:
        assert (picture.format, max(picture.size) <= 240) == ("JPEG", True)
        assert not picture.getexif()
    refused(service.get(f"/api/photo/{party.asked}", party.guest), 404, "NoSuchPhoto")
    refused(service.get(f"/api/photo/{party.asked}/faces", party.guest), 404, "NoSuchPhoto")
    path = f"/api/maybe-photos/{party.face}/crop"
    refused(service.get(path, service.guest_found_as(party.event)), 404, "NoSuchFace")
    refused(service.get(path), 401, "NotAuthenticated")
    again = service.get(path, party.guest, headers={"if-none-match": crop.headers["etag"]})
    assert again.status_code == 304


def test_yes_brings_the_photo_and_no_takes_it_away(service: Service, party: Party) -> None:
    assert confirm(service, party, party.asked, party.face).json() == {
        "message": "C'est noté : vous êtes sur cette photo"
    }
    assert {each["id"] for each in service.my_photos(party.guest)} == {party.mine, party.asked}
    assert service.get(f"/api/photo/{party.asked}", party.guest).status_code == 200
    assert service.get("/api/maybe-photos", party.guest).json() == []
    assert service.post(f"/api/photos/{party.asked}/not-me", party.guest).status_code == 200
    assert [each["id"] for each in service.my_photos(party.guest)] == [party.mine]
    refused(service.get(f"/api/photo/{party.asked}", party.guest), 404, "NoSuchPhoto")
    refused(service.delete(f"/api/photos/{party.asked}/me", party.guest), 404, "NoSuchConfirmation")


def test_no_takes_a_face_from_the_list(service: Service, party: Party) -> None:
    assert service.post(f"/api/photos/{party.asked}/not-me", party.guest).status_code == 200
    assert service.get("/api/maybe-photos", party.guest).json() == []


def test_what_is_only_said_counts_where_all_see_the_photo(service: Service, party: Party) -> None:
    shared, staff = {"for_everyone": True}, party.event.photographer
    other = service.guest_found_as(party.event, 3)
    refused(confirm(service, party, party.asked, party.face, other), 404, "NoSuchPhoto")
    assert service.put(f"/api/photographer/photos/{party.asked}", staff, json=shared).status_code == 200
    (maybe,) = service.get("/api/maybe-photos", party.guest).json()
    assert maybe["photo"]["url"]
    for _ in range(2):
        assert confirm(service, party, party.asked, party.face, other).status_code == 200
    assert [each["id"] for each in service.my_photos(other)] == [party.asked]
    (box,) = service.get(f"/api/photo/{party.asked}/faces", other).json()["boxes"]
    assert (box["face_id"], box["confirmed"], box["matched"]) == (party.face, True, True)
    (seen,) = service.get(f"/api/photo/{party.asked}/faces", party.guest).json()["boxes"]
    assert (seen["confirmed"], seen["matched"]) == (False, False)
    service.put(f"/api/photographer/photos/{party.asked}", staff, json={"for_everyone": False})
    assert service.my_photos(other) == []
    refused(service.get(f"/api/photo/{party.asked}", other), 404, "NoSuchPhoto")
    assert service.delete(f"/api/photos/{party.asked}/me", other).status_code == 200


def test_what_is_no_face_of_the_photo_is_refused_in_words(service: Service, party: Party) -> None:
    refused(confirm(service, party, party.mine, party.face), 404, "NoSuchFace")
    refused(confirm(service, party, party.mine, 10**12), 404, "NoSuchFace")
    refused(confirm(service, party, 10**12, party.face), 404, "NoSuchPhoto")
    for wrong in ("x", 0, None, -1, 2**70):
        refused(confirm(service, party, party.mine, wrong), 422, "InvalidRequest")
    refused(confirm(service, party, party.mine, 1, party.event.photographer), 403, "GuestsOnly")


def test_a_face_that_surely_is_another_guests_is_refused(service: Service, party: Party) -> None:
    owner = service.guest_found_as(party.event, 2)
    assert [each["id"] for each in service.my_photos(owner)] == [party.asked]
    service.put(f"/api/photographer/photos/{party.asked}", party.event.photographer, json={"for_everyone": True})
    sentence = "Ce visage est très probablement celui d'une autre personne."
    refused(confirm(service, party, party.asked, party.face), 409, "FaceOfAnother", sentence)
    assert service.get("/api/maybe-photos", party.guest).json() == []
