"""Photos that are sent in parts through the service: resumed, repeated, refused, erased; nothing said is believed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

import storage
from database import reading, transaction
from ending import service as ending
from models import Event, Upload, UploadPart, utcnow
from photos.uploads import service as uploads
from photos.uploads import sweep
from settings import get_settings
from testkit.builders import EventInfo, Service, people
from testkit.pictures import refused
from testkit.sent_in_parts import PartsSender, large_photo, sha256

PART = 8 * 1024 * 1024
PHOTO = large_photo(1)


@pytest.fixture
def event(service: Service) -> EventInfo:
    """An event, while no upload is under way."""
    with transaction() as session:
        uploads.discard(session, session.scalars(select(Upload)).all())
    assert files_of_uploads(service) == []
    return service.event()


@pytest.fixture
def sender(service: Service, event: EventInfo) -> PartsSender:
    return PartsSender(service, event)


def files_of_uploads(service: Service) -> list[str]:
    return [path.name for path in service.files() if path.parent.name == "uploads"]


def rows() -> tuple[int, int]:
    with reading() as session:
        counts = [session.scalar(select(func.count()).select_from(each)) or 0 for each in (Upload, UploadPart)]
    return counts[0], counts[1]


def test_a_photo_in_parts_becomes_the_photo_that_a_form_would_give(
    service: Service, event: EventInfo, sender: PartsSender
) -> None:
    assert service.get(sender.path, event.photographer).json() == {"part_size": PART, "direct": False}
    upload = sender.begun(PHOTO, "../Fête n°1 \u202e.jpg")
    assert [(each["number"], each["size"], each["url"]) for each in upload["parts"]] == [
        (1, PART, None),
        (2, len(PHOTO) - PART, None),
    ]
    assert sender.send_missing(upload, PHOTO) == [1, 2]
    photo = sender.complete(upload).json()
    assert photo["original_filename"] == "Fête n°1 \u202e.jpg"
    assert photo["duplicate"] is False
    (shown,) = service.process_photos(event)
    assert (shown["id"], shown["processing_status"]) == (photo["id"], "done")
    assert service.get(f"/api/photo/{photo['id']}?size=original", event.photographer).content == PHOTO
    assert files_of_uploads(service) == []
    # The same bytes in a form, or in parts, are the same photo.
    (again,) = service.upload(event, PHOTO)["uploaded_photos"]
    assert (again["id"], again["duplicate"]) == (photo["id"], True)
    known = sender.begun(PHOTO)
    assert (known["upload_id"], known["parts"], known["photo"]["id"]) == (None, [], photo["id"])
    assert known["photo"]["duplicate"] is True


def test_an_interrupted_upload_goes_on_where_it_was(service: Service, sender: PartsSender) -> None:
    upload = sender.begun(PHOTO)
    assert sender.send(upload, 1, PHOTO[:PART]).status_code == 200
    refused(sender.complete(upload), 409, "UploadIncomplete")
    # The laptop was closed: the same file is announced again.
    again = sender.begun(PHOTO)
    assert again["upload_id"] == upload["upload_id"]
    assert [each["arrived"] for each in again["parts"]] == [True, False]
    assert sender.look(upload).json() == again
    assert sender.send_missing(again, PHOTO) == [2]
    assert sender.complete(again).status_code == 200


def test_parts_that_the_storage_has_lost_are_asked_for_again(service: Service, sender: PartsSender) -> None:
    upload = sender.begun(PHOTO)
    sender.send_missing(upload, PHOTO)
    next(path for path in service.files() if path.name.endswith(".2")).unlink()
    refused(sender.complete(upload), 409, "UploadIncomplete")
    again = sender.begun(PHOTO)
    assert again["upload_id"] == upload["upload_id"]
    assert sender.send_missing(again, PHOTO) == [1, 2]
    assert sender.complete(again).status_code == 200


def test_completing_twice_is_answered_twice_the_same(service: Service, event: EventInfo, sender: PartsSender) -> None:
    upload = sender.begun(PHOTO)
    sender.send_missing(upload, PHOTO)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: sender.complete(upload), range(3)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["id"] for each in answers}) == 1
    later = sender.complete(upload)
    assert (later.status_code, later.json()["id"]) == (200, answers[0].json()["id"])
    assert sender.look(upload).json()["photo"]["id"] == later.json()["id"]
    refused(sender.send(upload, 1, PHOTO[:PART]), 404, "NoSuchUpload")
    assert len(service.process_photos(event)) == 1
    service.erase_photos(event, later.json()["id"])
    refused(sender.complete(upload), 404, "NoSuchUpload")


def test_a_part_that_is_not_the_announced_one_is_refused_and_can_be_sent_again(sender: PartsSender) -> None:
    upload = sender.begun(PHOTO)
    first = PHOTO[:PART]
    refused(sender.send(upload, 1, first, sha256(b"other")), 400, "UploadPartDiffers")
    refused(sender.send(upload, 1, first[:-1]), 400, "UploadPartDiffers")
    refused(sender.send(upload, 2, first), 400, "UploadPartDiffers")
    refused(sender.send(upload, 3, first), 400, "UploadPartDiffers")
    refused(sender.send(upload, 1, first + bytes(100_000)), 413, "BodyTooLarge")
    refused(sender.send(upload, 1, first, "not hex"), 422, "InvalidRequest")
    assert [each["arrived"] for each in sender.look(upload).json()["parts"]] == [False, False]
    assert sender.send(upload, 1, first).status_code == 200
    assert sender.send(upload, 1, first).status_code == 200


def test_a_lie_about_the_checksum_shadows_no_photo(service: Service, event: EventInfo, sender: PartsSender) -> None:
    honest = people(2)
    upload = sender.begun(PHOTO, sha256=sha256(honest))
    sender.send_missing(upload, PHOTO)
    refused(sender.complete(upload), 409, "UploadDiffers")
    assert files_of_uploads(service) == []
    refused(sender.complete(upload), 404, "NoSuchUpload")
    (photo,) = service.upload(event, honest)["uploaded_photos"]
    assert photo["duplicate"] is False
    assert [each["id"] for each in service.process_photos(event)] == [photo["id"]]


def test_what_no_form_would_take_is_refused_and_erased(
    service: Service, event: EventInfo, sender: PartsSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = b"these are words" * 600_000
    upload = sender.begun(words)
    sender.send_missing(upload, words)
    refused(sender.complete(upload), 400, "InvalidImage")
    assert files_of_uploads(service) == []
    monkeypatch.setattr(get_settings(), "max_photo_bytes", len(PHOTO) - 1)
    refused(sender.begin(PHOTO), 400, "PhotoTooLarge")
    # A name promises a RAW file, and the file is none.
    raw = sender.begun(PHOTO, "large.CR3")
    sender.send_missing(raw, PHOTO)
    refused(sender.complete(raw), 400, "PhotoTooLarge")
    refused(sender.begin(PHOTO, size=10**12), 400, "PhotoTooLarge")
    refused(sender.begin(PHOTO, "large.CR3", size=10**12), 400, "RawTooLarge")
    refused(sender.begin(PHOTO, size=0), 422, "InvalidRequest")
    assert service.process_photos(event) == []


def test_an_upload_is_its_photographers_and_its_events(
    service: Service, event: EventInfo, sender: PartsSender
) -> None:
    upload = sender.begun(PHOTO)
    second = service.photographer()
    both = {"photographer_ids": [event.photographer.id, second.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=both).status_code == 200
    elsewhere = PartsSender(service, service.event(event.photographer))
    for stranger in (PartsSender(service, event, second), elsewhere):
        refused(stranger.look(upload), 404, "NoSuchUpload")
        refused(stranger.send(upload, 1, PHOTO[:PART]), 404, "NoSuchUpload")
        refused(stranger.complete(upload), 404, "NoSuchUpload")
        refused(service.delete(f"{stranger.path}/{upload['upload_id']}", stranger.who), 404, "NoSuchUpload")
    # Taken off the event in the middle.
    sender.send_missing(upload, PHOTO)
    only = {"photographer_ids": [second.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=only).status_code == 200
    refused(sender.complete(upload), 404, "NoSuchEvent")
    assert service.get(f"/api/photographer/events/{event.id}/photos", second).json() == []


def test_giving_up_and_deleting_the_event_erase_the_parts(
    service: Service, event: EventInfo, sender: PartsSender
) -> None:
    for path in ("uploads", "event"):
        upload = sender.begun(PHOTO)
        sender.send(upload, 1, PHOTO[:PART])
        assert len(files_of_uploads(service)) == 1
        if path == "uploads":
            answer = service.delete(f"{sender.path}/{upload['upload_id']}", event.photographer)
        else:
            answer = service.delete(f"/api/admin/events/{event.id}", service.admin)
        assert answer.status_code == 200
        assert files_of_uploads(service) == []


def test_an_event_whose_photos_have_ended_takes_no_part(
    service: Service, event: EventInfo, sender: PartsSender
) -> None:
    upload = sender.begun(PHOTO)
    sender.send(upload, 1, PHOTO[:PART])
    past = utcnow() - timedelta(days=1)
    with transaction() as session:
        values = {"expires_at": past, "photos_until": past, "faces_until": past}
        session.execute(update(Event).where(Event.id == event.id).values(**values))
    ending.sweep()
    assert files_of_uploads(service) == []
    refused(sender.begin(PHOTO), 409, "PhotosEnded")
    refused(sender.send(upload, 1, PHOTO[:PART]), 404, "NoSuchUpload")


def test_uploads_go_after_a_day_and_files_without_one_too(
    service: Service, event: EventInfo, sender: PartsSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young = sender.begun(PHOTO, "old.jpg"), sender.begun(PHOTO, "young.jpg")
    for upload in (old, young):
        sender.send(upload, 1, PHOTO[:PART])
    storage.put("uploads/nobody.1", b"of a crash")
    with transaction() as session:
        yesterday = utcnow() - timedelta(hours=25)
        session.execute(update(Upload).where(Upload.id == old["upload_id"]).values(created_at=yesterday))
    sweep.erase_old()
    # A file is written before its row: it may be too young to judge.
    assert len(files_of_uploads(service)) == 2
    monkeypatch.setattr(get_settings(), "orphan_grace_seconds", 0)
    sweep.erase_old()
    assert len(files_of_uploads(service)) == 1
    refused(sender.look(old), 404, "NoSuchUpload")
    sender.send_missing(young, PHOTO)
    assert sender.complete(young).status_code == 200


def test_a_photographer_sends_only_so_much_at_once(sender: PartsSender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    begun = [sender.begun(PHOTO, f"{number}.jpg") for number in (1, 2)]
    answer = sender.begin(PHOTO, "3.jpg")
    refused(answer, 429, "TooManyUploads")
    assert int(answer.headers["retry-after"]) > 0
    # What stands still gives way.
    with transaction() as session:
        long_ago = utcnow() - timedelta(minutes=16)
        session.execute(update(Upload).where(Upload.id == begun[0]["upload_id"]).values(touched_at=long_ago))
    assert sender.begin(PHOTO, "3.jpg").status_code == 200
    refused(sender.look(begun[0]), 404, "NoSuchUpload")
    monkeypatch.setattr(uploads, "MOST_BYTES", len(PHOTO))
    refused(sender.begin(PHOTO, "4.jpg"), 429, "TooManyUploads")


def test_parts_of_a_photo_in_the_trash_bring_it_back(service: Service, event: EventInfo, sender: PartsSender) -> None:
    photo = sender.whole(PHOTO)
    service.process_photos(event)
    assert service.delete(f"/api/photos/{photo['id']}", event.photographer).status_code == 200
    back = sender.whole(PHOTO)
    assert back["duplicate"] is True
    assert [each["id"] for each in service.process_photos(event)] == [back["id"]]


def test_a_full_disk_is_told_and_loses_nothing(
    service: Service, event: EventInfo, sender: PartsSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = sender.begun(PHOTO)

    def full(*_: object, **__: object) -> None:
        raise storage.StorageFullError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", full)
        refused(sender.send(upload, 1, PHOTO[:PART]), 507, "StorageFull")
    sender.send_missing(upload, PHOTO)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", full)
        refused(sender.complete(upload), 507, "StorageFull")
    assert sender.complete(upload).status_code == 200
    assert rows()[1] == 0
