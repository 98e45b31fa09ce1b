"""Deleted photos: back for their photographer, gone for everybody else, by every way there is to a photo."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import timedelta

import pytest

from database import reading, transaction
from ending import receipts
from ending import service as ending
from jobs import pairing
from models import Event, Face, FaceMatch, Favourite, LinkedPhoto, Photo, PhotoRaw, TrashedPhoto, utcnow
from photos.reprocessing import service as reprocessing
from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused
from testkit.raw_files import cr2
from testkit.servers import wait_until


@dataclass
class Party:
    """An event that shows all photos, a guest, and the photo that was deleted."""

    service: Service
    event: EventInfo
    guest: Person
    kept: int
    gone: int
    filename: str
    link: str
    choice: int

    def trash(self, who: Person | None = None) -> list[int]:
        answer = self.service.get("/api/trash", who or self.event.photographer)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()]


@pytest.fixture
def party(service: Service) -> Party:
    event = service.event(guests_see_all_photos=True, expires_at="2099-01-01T00:00:00Z")
    kept, gone = service.upload(event, people(1), people(1, 2))["uploaded_photos"]
    service.process_photos(event)
    guest = service.guest_found_as(event)
    ids = {"photo_ids": [kept["id"], gone["id"]]}
    assert service.put(f"/api/photos/{gone['id']}/favourite", guest).status_code == 200
    link = service.post(f"/api/user/events/{event.id}/photo-links", guest, json=ids).json()["link"]
    choice = service.post(f"/api/user/events/{event.id}/choices", guest, json=ids).json()["id"]
    cover = f"/api/photographer/events/{event.id}/cover"
    assert service.put(cover, event.photographer, json={"photo_id": gone["id"]}).status_code == 200
    assert service.delete(f"/api/photos/{gone['id']}", event.photographer).status_code == 200
    token = link.rpartition("/")[2]
    return Party(service, event, guest, kept["id"], gone["id"], gone["filename"], token, choice)


def names_in(data: bytes) -> int:
    return len(zipfile.ZipFile(io.BytesIO(data)).namelist())


def test_nobody_comes_to_a_deleted_photo_by_any_way(party: Party) -> None:
    service, event, guest, gone = party.service, party.event, party.guest, party.gone
    lens, home = event.photographer, f"/api/user/events/{event.id}"
    colleague = service.photographer()
    staff = [lens.id, colleague.id]
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"photographer_ids": staff})
    lists: list[tuple[Person, tuple[str, ...]]] = [
        (guest, ("/api/my-photos", "/api/all-photos")),
        (guest, (f"{home}/photos", f"{home}/all-photos", f"{home}/favourites")),
        (lens, (f"/api/photographer/events/{event.id}/photos", "/api/my-uploaded-photos")),
        (colleague, (f"/api/photographer/events/{event.id}/photos",)),
    ]
    for who, paths in lists:
        for path in paths:
            answer = service.get(path, who)
            assert answer.status_code == 200, path
            assert gone not in [each["id"] for each in answer.json()], path
    for who in (guest, lens, colleague, service.admin):
        for size in ("thumb", "web", "original"):
            refused(service.get(f"/api/photo/{gone}?size={size}", who), 404, "NoSuchPhoto")
        refused(service.get(f"/api/image/{party.filename}", who), 404, "NoSuchPhoto")
        refused(service.get(f"/api/photo/{gone}/faces", who), 404, "NoSuchPhoto")
    for which in ("mine", "all"):
        assert names_in(service.get(f"{home}/photos.zip?which={which}", guest).content) == 1
    assert names_in(service.get(f"{home}/photos.zip?choice={party.choice}", guest).content) == 1
    shared = service.get(f"/api/shared/{party.link}").json()
    assert len(shared["photos"]) == 1
    for page in ("/photos?show=all", f"/photos/rows?event={event.id}&show=all"):
        assert f'"id":{gone}' not in service.get(page, guest).text.replace(" ", "")


def test_no_count_has_a_deleted_photo_and_what_hung_on_it_is_erased(party: Party) -> None:
    service, event = party.service, party.event
    assert service.get("/api/user/event-expiration", party.guest).json()["photos_count"] == 1
    counts = service.get(f"/api/photographer/events/{event.id}/progress", event.photographer).json()
    assert (counts["received"], counts["faces"], counts["matches"]) == (1, 1, 1)
    profile = service.get("/api/profile", party.guest).json()
    assert (profile["total_photos"], profile["photos_with_face"]) == (1, 1)
    (card,) = [each for each in service.get("/api/admin/events", service.admin).json() if each["id"] == event.id]
    assert card["photos"] == 1
    assert card["cover_url"] is None
    with reading() as session:
        assert session.get(Photo, party.gone) is None
        for table in (Face, FaceMatch, Favourite, LinkedPhoto):
            left = session.query(table).filter_by(photo_id=party.gone).count()
            assert left == 0, table


def test_only_its_photographer_and_admins_see_the_trash(party: Party) -> None:
    service, event = party.service, party.event
    colleague = service.photographer()
    staff = [event.photographer.id, colleague.id]
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"photographer_ids": staff})
    assert party.trash() == [party.gone]
    assert party.gone in party.trash(service.admin)
    assert party.trash(colleague) == []
    path = f"/api/trash/{party.gone}"
    for size, start in (("thumb", b"\xff\xd8"), ("web", b"\xff\xd8"), ("original", people(1, 2))):
        assert service.get(f"{path}/picture?size={size}", event.photographer).content.startswith(start)
        assert service.get(f"{path}/picture?size={size}", service.admin).status_code == 200
        refused(service.get(f"{path}/picture?size={size}", colleague), 404, "NotInTrash")
        refused(service.get(f"{path}/picture?size={size}", party.guest), 403, "PhotographersOnly")
    refused(service.post(f"{path}/restore", colleague), 404, "NotInTrash")
    refused(service.delete(path, colleague), 404, "NotInTrash")
    page = f"/studio/{event.id}/trash"
    assert f"{page}/{party.gone}/picture" in service.get(page, event.photographer).text
    assert f"{page}/{party.gone}/picture" not in service.get(page, colleague).text
    assert service.get(f"/admin/events/{event.id}/trash", service.admin).status_code == 200


def test_a_restored_photo_is_found_again(party: Party) -> None:
    service, event = party.service, party.event
    answer = service.post(f"/api/trash/{party.gone}/restore", event.photographer)
    assert (answer.status_code, answer.json()["photo_id"]) == (200, party.gone)
    refused(service.post(f"/api/trash/{party.gone}/restore", event.photographer), 404, "NotInTrash")
    assert party.trash() == []
    back = {each["id"]: each for each in service.process_photos(event)}[party.gone]
    assert (back["processing_status"], back["face_count"], back["favourite"]) == ("done", 2, False)
    assert {each["id"] for each in service.my_photos(party.guest)} == {party.kept, party.gone}
    for size in ("thumb", "medium", "web", "original"):
        assert service.get(f"/api/photo/{party.gone}?size={size}", party.guest).status_code == 200
    # And once more, both ways.
    assert service.delete(f"/api/photos/{party.gone}", event.photographer).status_code == 200
    assert service.get(f"/api/trash/{party.gone}/picture", event.photographer).status_code == 200
    assert service.post(f"/api/trash/{party.gone}/restore", service.admin).status_code == 200
    service.process_photos(event)
    assert service.get(f"/api/photo/{party.gone}?size=thumb", party.guest).status_code == 200


def test_a_guest_who_hid_a_photo_still_does_and_still_sees_it_after_the_trash(party: Party) -> None:
    service, event, ann, gone = party.service, party.event, party.guest, party.gone
    ben = service.guest_found_as(event, 2)
    hidden = f"/api/user/events/{event.id}/hidden"

    def come_back() -> None:
        assert service.post(f"/api/trash/{gone}/restore", event.photographer).status_code == 200
        service.process_photos(event)

    def seen_by(who: Person) -> bool:
        listed = gone in {each["id"] for each in service.my_photos(who)}
        opened: bool = service.get(f"/api/photo/{gone}", who).status_code == 200
        assert opened is listed
        return opened

    def trash_it() -> None:
        assert service.delete(f"/api/photos/{gone}", event.photographer).status_code == 200

    come_back()
    service.put(hidden, ann, json={"hidden": True})
    for _ in range(2):
        trash_it()
        come_back()
        assert (seen_by(ann), seen_by(ben)) == (True, False)
    assert reprocessing.plan(event.id) is not None
    provider = "/api/admin/provider"
    wait_until(lambda: not service.get(provider, service.admin).json()["reprocessing"], 30, "the photos")
    assert (seen_by(ann), seen_by(ben)) == (True, False)
    # She changes her mind while it is in the trash, and changes it again.
    trash_it()
    service.put(hidden, ann, json={"hidden": False})
    come_back()
    assert (seen_by(ann), seen_by(ben)) == (True, True)
    service.put(hidden, ann, json={"hidden": True})
    trash_it()
    gone_for_good = service.client.request("DELETE", "/api/me", headers=ann.headers, json={"password": PASSWORD})
    assert gone_for_good.status_code == 200
    come_back()
    assert not seen_by(ben)


def test_the_same_bytes_again_bring_a_photo_back(party: Party) -> None:
    service, event = party.service, party.event
    (sent,) = service.upload(event, people(1, 2))["uploaded_photos"]
    assert (sent["id"], sent["duplicate"]) == (party.gone, True)
    assert party.trash() == []
    assert {each["processing_status"] for each in service.process_photos(event)} == {"done"}


def test_the_same_bytes_by_another_photographer_are_a_photo_of_theirs(party: Party) -> None:
    service, event = party.service, party.event
    colleague = service.photographer()
    staff = [event.photographer.id, colleague.id]
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"photographer_ids": staff})
    (sent,) = service.upload(EventInfo(event.id, event.code, colleague), people(1, 2))["uploaded_photos"]
    assert (sent["id"] != party.gone, sent["duplicate"]) == (True, False)
    assert party.trash() == [party.gone]
    # There is one photo of these bytes: the one that is there.
    answer = service.post(f"/api/trash/{party.gone}/restore", event.photographer)
    assert answer.json()["photo_id"] == sent["id"]
    assert party.trash() == []
    service.process_photos(event)
    assert service.get(f"/api/photo/{sent['id']}?size=original", colleague).content == people(1, 2)


def test_what_is_erased_for_good_leaves_no_file(party: Party) -> None:
    service, event = party.service, party.event
    stem = party.filename.partition(".")[0]
    there = {each.parent.name for each in service.files() if each.name.startswith(stem)}
    assert there == {"original", "thumb", "web"}
    assert service.delete(f"/api/trash/{party.gone}", event.photographer).status_code == 200
    assert [each for each in service.files() if each.name.startswith(stem)] == []
    refused(service.delete(f"/api/trash/{party.gone}", event.photographer), 404, "NotInTrash")


def test_the_sweep_empties_the_trash_and_takes_nothing_before(party: Party) -> None:
    service = party.service
    keys = [str(each.relative_to(service.storage)) for each in service.files()]
    assert pairing.known_keys(keys) == set(keys), "files in the trash are no orphans"
    ending.sweep(utcnow() + timedelta(days=29, hours=23))
    assert party.gone in party.trash()
    ending.sweep(utcnow() + timedelta(days=30, hours=1))
    assert party.trash() == []
    stem = party.filename.partition(".")[0]
    assert [each for each in service.files() if each.name.startswith(stem)] == []
    (receipt,) = [each for each in receipts.newest(9, event_id=party.event.id).rows if each.kind == "trash"]
    assert (receipt.counts, receipt.ended_at is not None) == ({"photos": 1}, True)


def test_the_trash_goes_with_its_event(party: Party) -> None:
    service = party.service
    stem = party.filename.partition(".")[0]
    assert service.delete(f"/api/admin/events/{party.event.id}", service.admin).status_code == 200
    assert [each for each in service.files() if each.name.startswith(stem)] == []
    with reading() as session:
        assert session.query(TrashedPhoto).filter_by(photo_id=party.gone).count() == 0


def test_nothing_comes_back_into_an_event_whose_photos_have_ended(party: Party) -> None:
    with transaction() as session:
        session.get_one(Event, party.event.id).photos_ended_at = utcnow()
    refused(party.service.post(f"/api/trash/{party.gone}/restore", party.event.photographer), 409, "PhotosEnded")
    assert party.trash() == [party.gone]


def test_a_raw_file_comes_back_with_its_photo(service: Service) -> None:
    event, data = service.event(), cr2(people(3, block=1200))
    (sent,) = service.upload(event, data, names=["shot.cr2"])["uploaded_photos"]
    service.process_photos(event)
    service.delete(f"/api/photos/{sent['id']}", event.photographer)
    assert service.post(f"/api/trash/{sent['id']}/restore", event.photographer).status_code == 200
    service.process_photos(event)
    raw = service.get(f"/api/photo/{sent['id']}?size=raw", event.photographer)
    assert raw.content == data
    with reading() as session:
        assert session.get_one(PhotoRaw, sent["id"]).sha256 == hashlib.sha256(data).hexdigest()
