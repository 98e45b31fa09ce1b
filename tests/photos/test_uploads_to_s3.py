"""Photos that are sent to S3 itself, in parts or as a whole: judged before they count, and nothing is left behind."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import select, update

import s3_parts
import storage
from database import transaction
from models import Upload, utcnow
from photos.uploads import service as uploads
from photos.uploads import sweep
from settings import get_settings
from testkit.builders import EventInfo, Service, people
from testkit.pictures import refused
from testkit.sent_in_parts import PartsSender, large_photo
from testkit.servers import TLS

pytestmark = [pytest.mark.server, pytest.mark.sqlite_is_enough]
PART = 8 * 1024 * 1024
PHOTO = large_photo(1)


@pytest.fixture
def event(s3_service: Service) -> EventInfo:
    """An event, while no upload is under way."""
    with transaction() as session:
        uploads.discard(session, session.scalars(select(Upload)).all())
    assert left() == []
    return s3_service.event()


@pytest.fixture
def sender(s3_service: Service, event: EventInfo) -> PartsSender:
    return PartsSender(s3_service, event)


def left() -> list[str]:
    """Return what the store has of uploads, complete or not."""
    objects = [key for batch in storage.objects(100, ("uploads/",)) for key, _ in batch]
    return objects + [each.key for each in s3_parts.unfinished("uploads/")]


def put(url: str, data: bytes) -> int:
    return httpx2.put(url, content=data, verify=TLS).status_code


def test_large_photos_go_to_the_store_in_parts_and_small_ones_as_a_whole(
    s3_service: Service, event: EventInfo, sender: PartsSender
) -> None:
    assert s3_service.get(sender.path, event.photographer).json()["direct"] is True
    small = people(2)
    for data, parts in ((PHOTO, [PART, len(PHOTO) - PART]), (small, [len(small)])):
        upload = sender.begun(data)
        assert [each["size"] for each in upload["parts"]] == parts
        for part in upload["parts"]:
            query = parse_qs(urlsplit(part["url"]).query)
            # A sender cannot make the object larger than announced.
            assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
            assert int(query["X-Amz-Expires"][0]) <= 900
        refused(sender.send(upload, 1, data[:PART]), 409, "UploadElsewhere")
        refused(sender.complete(upload), 409, "UploadIncomplete")
        sender.send_missing(upload, data)
        assert [each["arrived"] for each in sender.look(upload).json()["parts"]] == [True] * len(parts)
        photo = sender.complete(upload).json()
        assert sender.complete(upload).json() == photo
        original = s3_service.get(f"/api/photo/{photo['id']}?size=original", event.photographer)
        assert original.content == data
    assert {each["processing_status"] for each in s3_service.process_photos(event)} == {"done"}
    assert left() == []


def test_an_upload_to_the_store_goes_on_where_it_was(sender: PartsSender) -> None:
    upload = sender.begun(PHOTO)
    assert put(upload["parts"][0]["url"], PHOTO[:PART]) == 200
    again = sender.begun(PHOTO)
    assert again["upload_id"] == upload["upload_id"]
    assert [each["arrived"] for each in again["parts"]] == [True, False]
    assert sender.send_missing(again, PHOTO) == [2]
    # Killed after the store had put the parts together, before the photo was recorded.
    with transaction() as session:
        row = session.get_one(Upload, upload["upload_id"])
        key, store_upload = f"uploads/{row.token}.whole", str(row.store_upload)
    s3_parts.complete(key, store_upload, s3_parts.parts_of(key, store_upload))
    assert [each["arrived"] for each in sender.look(upload).json()["parts"]] == [True, True]
    assert sender.complete(upload).status_code == 200
    assert left() == []


def test_what_the_store_got_is_compared_with_what_was_announced(
    s3_service: Service, event: EventInfo, sender: PartsSender
) -> None:
    honest, other = people(3), people(4)
    # Another file of the same size, as if it were the honest one.
    other = other + bytes(max(0, len(honest) - len(other)))
    honest = honest + bytes(max(0, len(other) - len(honest)))
    upload = sender.begun(honest)
    assert put(upload["parts"][0]["url"], other) == 200
    refused(sender.complete(upload), 409, "UploadDiffers")
    # Another size: this server of tests does not check what is signed.
    upload = sender.begun(honest)
    assert put(upload["parts"][0]["url"], honest + b"more") == 200
    refused(sender.complete(upload), 409, "UploadDiffers")
    words = b"no picture" * 1000
    upload = sender.begun(words)
    sender.send_missing(upload, words)
    refused(sender.complete(upload), 400, "InvalidImage")
    # A part that is too small: it can be sent again.
    upload = sender.begun(PHOTO)
    for part, data in zip(upload["parts"], (PHOTO[:PART], PHOTO[PART:-1]), strict=True):
        assert put(part["url"], data) == 200
    refused(sender.complete(upload), 409, "UploadIncomplete")
    assert sender.send_missing(sender.look(upload).json(), PHOTO) == [2]
    assert sender.complete(upload).status_code == 200
    (photo,) = s3_service.upload(event, honest)["uploaded_photos"]
    assert photo["duplicate"] is False
    assert left() == []


def test_an_address_that_still_works_changes_no_photo(
    s3_service: Service, event: EventInfo, sender: PartsSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = people(5)
    upload = sender.begun(good)
    url = upload["parts"][0]["url"]
    assert put(url, good) == 200
    photo = sender.complete(upload).json()
    assert put(url, bytes(len(good))) == 200
    assert s3_service.get(f"/api/photo/{photo['id']}?size=original", event.photographer).content == good
    assert len(left()) == 1
    monkeypatch.setattr(get_settings(), "orphan_grace_seconds", 0)
    with transaction() as session:
        session.execute(update(Upload).values(created_at=utcnow() - timedelta(hours=25)))
    sweep.erase_old()
    assert left() == []


def test_parts_at_the_store_go_with_their_upload(
    s3_service: Service, event: EventInfo, sender: PartsSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = sender.begun(PHOTO)
    assert put(upload["parts"][0]["url"], PHOTO[:PART]) == 200
    assert len(left()) == 1
    answer = s3_service.delete(f"{sender.path}/{upload['upload_id']}", event.photographer)
    assert answer.status_code == 200
    assert left() == []
    # Begun at the store by a process that died before it wrote the row.
    s3_parts.begin("uploads/nobody.whole")
    assert len(left()) == 1
    monkeypatch.setattr(get_settings(), "orphan_grace_seconds", 0)
    sweep.erase_old()
    assert left() == []


def test_who_cannot_reach_the_store_sends_through_us(sender: PartsSender) -> None:
    upload = sender.begun(PHOTO, direct=False)
    assert {each["url"] for each in upload["parts"]} == {None}
    assert sender.begun(PHOTO)["upload_id"] != upload["upload_id"]
    sender.send_missing(upload, PHOTO)
    assert sender.complete(upload).status_code == 200


def test_an_upload_that_the_store_has_given_up_is_begun_again(sender: PartsSender) -> None:
    upload = sender.begun(PHOTO)
    for each in list(s3_parts.unfinished("uploads/")):
        s3_parts.give_up(each.key, each.store_upload)
    refused(sender.look(upload), 404, "NoSuchUpload")
    again = sender.begun(PHOTO)
    assert again["upload_id"] != upload["upload_id"]
    sender.send_missing(again, PHOTO)
    assert sender.complete(again).status_code == 200
