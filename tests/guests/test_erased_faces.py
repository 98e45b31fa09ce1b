"""An erased guest's face is erased in the photos, and nothing that looks at them again brings it back."""

from typing import Any

from sqlalchemy import select

from database import reading, transaction
from matching.erased.service import carry, may_be_stored
from matching.reprocessing.places import Way
from models import Confirmation, ErasedFace, Face, FaceMatch, Photo, User, WithheldPhoto
from photos.reprocessing import service as reprocessing
from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused
from testkit.servers import wait_until


def erase(service: Service, who: Person, **body: Any) -> Any:
    return service.client.request("DELETE", "/api/me", headers=who.headers, json={"password": PASSWORD, **body})


def faces(event: EventInfo) -> dict[int, list[bytes]]:
    """Return the templates in each photo of the event."""
    with reading() as session:
        found: dict[int, list[bytes]] = {}
        for face in session.scalars(select(Face).where(Face.event_id == event.id).order_by(Face.id)):
            found.setdefault(face.photo_id, []).append(face.embedding)
    return found


def sent(service: Service, event: EventInfo, *photos: bytes) -> list[int]:
    ids = [each["id"] for each in service.upload(event, *photos)["uploaded_photos"]]
    service.process_photos(event)
    return ids


def test_the_faces_of_an_erased_guest_are_gone_and_do_not_come_back(service: Service) -> None:
    event = service.event()
    alone, both, other_alone = sent(service, event, people(1), people(1, 2), people(2))
    guest, other = service.guest_found_as(event, 1), service.guest_found_as(event, 2)
    before = faces(event)
    with reading() as session:
        mine = session.scalars(
            select(Face.embedding).join(FaceMatch, FaceMatch.face_id == Face.id).where(FaceMatch.user_id == guest.id)
        ).all()
    assert len(mine) == 2
    assert erase(service, guest).status_code == 200
    after = faces(event)
    assert alone not in after
    assert {number: len(each) for number, each in after.items()} == {both: 1, other_alone: 1}
    assert not any(template in each for each in after.values() for template in mine)
    assert after[other_alone] == before[other_alone]
    assert {each["id"] for each in service.my_photos(other)} == {both, other_alone}
    # Every photo is looked at again, and a photo comes in which the person is.
    assert reprocessing.plan(event.id) is not None
    provider = "/api/admin/provider"
    wait_until(lambda: not service.get(provider, service.admin).json()["reprocessing"], 30, "the photos")
    assert {number: len(each) for number, each in faces(event).items()} == {both: 1, other_alone: 1}
    (later,) = sent(service, event, people(1, 3))
    assert len(faces(event)[later]) == 2, "of a photo that came later nothing was erased"
    again = service.guest_found_as(event, 1)
    assert {each["id"] for each in service.my_photos(again)} == {later}
    assert {each["id"] for each in service.my_photos(other)} == {both, other_alone}


def test_a_face_that_is_another_accounts_too_stays(service: Service) -> None:
    event = service.event()
    (photo,) = sent(service, event, people(4))
    first, second = service.guest_found_as(event, 4), service.guest_found_as(event, 4)
    assert erase(service, first).status_code == 200
    assert len(faces(event)[photo]) == 1
    assert [each["id"] for each in service.my_photos(second)] == [photo]
    assert erase(service, second).status_code == 200
    assert photo not in faces(event)


def test_a_face_that_a_guest_only_claims_is_not_erased(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (photo,) = sent(service, event, people(5))
    guest = service.guest_found_as(event, 5)
    with transaction() as session:
        (match,) = session.scalars(select(FaceMatch).where(FaceMatch.user_id == guest.id))
        match.declared = True
        session.query(ErasedFace).delete()
        for each in session.scalars(select(Face).where(Face.photo_id == photo)):
            session.add(Confirmation(user_id=guest.id, photo_id=photo, box=each.box, face_id=each.id))
        session.connection().exec_driver_sql("DELETE FROM face_candidates")
    assert erase(service, guest).status_code == 200
    assert len(faces(event)[photo]) == 1


def test_an_erased_place_moves_with_its_picture(service: Service) -> None:
    event = service.event()
    (number,) = sent(service, event, people(6))
    with transaction() as session:
        photo = session.get_one(Photo, number)
        photo.width, photo.height = 300, 400
        session.add(ErasedFace(photo_id=number, box=[0.1, 0.2, 0.2, 0.3]))
        session.flush()
        # 400 × 300 before, turned to the right; the place was (40, 60, 80, 90).
        carry(session, photo, Way((400, 300), (300, 400), transposed=True, mirrored_x=True))
        assert may_be_stored(session, photo, [[150, 40, 90, 80], [10, 300, 60, 60]]) == [False, True]


# --- the photos of an erased guest ------------------------------------------------------------------


def test_the_guest_decides_what_becomes_of_their_photos(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    both, other_alone = sent(service, event, people(1, 2), people(2))
    stays, goes = service.guest_found_as(event, 1), service.guest_found_as(event, 2)

    def seen() -> set[int]:
        return {each["id"] for each in service.get("/api/all-photos", stays).json()}

    refused(erase(service, goes, photos="sell"), 422, "InvalidRequest")
    assert seen() == {both, other_alone}
    assert erase(service, goes, photos="hide").status_code == 200
    assert seen() == set()
    with reading() as session:
        rows = session.scalars(select(WithheldPhoto).where(WithheldPhoto.event_id == event.id)).all()
    assert {(each.photo_id, each.user_id, each.reason) for each in rows} == {
        (both, None, "guest"),
        (other_alone, None, "guest"),
    }
    listed = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    assert {each["id"] for each in listed} == {both, other_alone}


def test_by_default_photos_are_left(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (photo,) = sent(service, event, people(1, 2))
    stays, goes = service.guest_found_as(event, 1), service.guest_found_as(event, 2)
    assert erase(service, goes).status_code == 200
    assert [each["id"] for each in service.get("/api/all-photos", stays).json()] == [photo]


def test_an_account_without_a_password_is_erased_once_its_owner_was_asked(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    with transaction() as session:
        session.get_one(User, guest.id).hashed_password = None
    ask: dict[str, Any] = {"method": "DELETE", "url": "/api/me", "headers": guest.headers}
    refused(service.client.request(**ask, json={}), 400, "ErasureUnconfirmed")
    assert service.client.request(**ask, json={"confirm": True}).status_code == 200
    named = service.guest(event)
    ask["headers"] = named.headers
    refused(service.client.request(**ask, json={"confirm": True}), 401, "BadCredentials")


def test_an_admin_answers_a_letter(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (photo,) = sent(service, event, people(1, 2))
    writer, other = service.guest_found_as(event, 1), service.guest_found_as(event, 2)
    path = f"/api/admin/users/{writer.id}"
    assert service.get(f"{path}/export", service.admin).content.startswith(b"PK")
    refused(service.get("/api/admin/users/909090/export", service.admin), 404, "NoSuchUser")
    hidden = f"{path}/events/{event.id}/hidden"
    assert service.put(hidden, service.admin, json={"hidden": True}).json() == {"hidden": True}
    assert service.get("/api/all-photos", other).json() == []
    assert service.get("/api/my-hidden-photos", writer).json() == {"event_ids": [event.id]}
    assert service.put(hidden, service.admin, json={"hidden": False}).status_code == 200
    assert len(service.get("/api/all-photos", other).json()) == 1
    refused(service.put(f"{path}/events/909090/hidden", service.admin, json={"hidden": True}), 403, "NotInEvent")
    assert service.delete(path, service.admin, params={"photos": "hide"}).status_code == 200
    assert service.get("/api/all-photos", other).json() == []
    assert len(faces(event)[photo]) == 1
    entries = service.get("/api/admin/audit", service.admin, params={"limit": 4}).json()
    told = [each["action"] for each in (entries if isinstance(entries, list) else entries["entries"])]
    assert told == ["account.erased", "photos.unhidden", "photos.hidden", "account.exported"]


def test_a_photo_that_comes_back_from_the_trash_is_still_hidden_and_has_no_erased_face(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (photo,) = sent(service, event, people(1, 2))
    guest, other = service.guest_found_as(event, 1), service.guest_found_as(event, 2)
    assert erase(service, guest, photos="hide").status_code == 200
    assert photo not in {each["id"] for each in service.get("/api/all-photos", other).json()}
    assert service.delete(f"/api/photos/{photo}", event.photographer).status_code == 200
    assert service.post(f"/api/trash/{photo}/restore", event.photographer).status_code == 200
    service.process_photos(event)
    assert {number: len(each) for number, each in faces(event).items()} == {photo: 1}
    assert photo not in {each["id"] for each in service.get("/api/all-photos", other).json()}
    refused(service.get(f"/api/photo/{photo}", other), 404, "NoSuchPhoto")
