"""A broken download resumes: of an original and of a ZIP, from any byte, and never with the bytes of another list."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

import storage
from database import transaction
from models import GuestCopy, Photo, User
from photos import download
from photos.keys import storage_key
from photos.zip_layout import Entry, Layout, header
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.deployed import make_bucket, s3_server
from testkit.pictures import heic, refused

Party = tuple[EventInfo, Person]


@pytest.fixture
def party(service: Service) -> Party:
    """An event with three photos of a guest: the second is a HEIC that is called .jpg."""
    event = service.event(guests_see_all_photos=True)
    service.upload(event, people(1, 10), heic(), people(1, 12), names=["a.jpg", "b.jpg", "c.jpg"])
    service.process_photos(event)
    return event, service.guest(event)


def ask(service: Service, party: Party, **headers: str) -> Any:
    event, guest = party
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/api/user/events/{event.id}/photos.zip"
    return service.get(path, guest, params={"which": "all"}, headers=named)


def photos_of(event: EventInfo) -> list[Photo]:
    with transaction() as session:
        return sorted(session.query(Photo).filter_by(event_id=event.id), key=lambda photo: photo.id)


# --- originals -------------------------------------------------------------------------------------


def test_an_original_is_sent_from_any_byte_on(service: Service, party: Party) -> None:
    event, guest = party
    photo = service.get("/api/all-photos", guest).json()[0]
    path = f"/api/photo/{photo['id']}?size=original"
    whole = service.get(path, guest)
    data, length, etag = whole.content, len(whole.content), whole.headers["etag"]
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    parts = {
        "bytes=0-0": (0, 1),
        "bytes=5-": (5, length),
        "Bytes = 5 - 9": (5, 10),
        f"bytes=7-{10**17}": (7, length),
        "bytes=-3": (length - 3, length),
        f"bytes=-{10**17}": (0, length),
    }
    for asked, (start, end) in parts.items():
        answer = service.get(path, guest, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, data[start:end]), asked
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{length}"
        assert answer.headers["content-length"] == str(end - start)
    for asked in ("bytes=9-5", "bytes=0-1,4-5", "pages=1-2", "bytes=-", "bytes=x-", "nonsense"):
        answer = service.get(path, guest, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (200, data), asked
    for asked in (f"bytes={length}-", "bytes=-0"):
        answer = service.get(path, guest, headers={"Range": asked})
        refused(answer, 416, "RangeNotSatisfiable")
        assert answer.headers["content-range"] == f"bytes */{length}"
    modified = photos_of(event)[-1].uploaded_at
    conditions = {
        etag: 206,
        f"W/{etag}": 200,
        '"other"': 200,
        whole.headers["last-modified"]: 206,
        format_datetime(modified + timedelta(days=1), usegmt=True): 200,
        "never": 200,
    }
    for condition, status in conditions.items():
        answer = service.get(path, guest, headers={"Range": "bytes=5-", "If-Range": condition})
        assert answer.status_code == status, condition
    head = service.client.head(path, headers={**guest.headers, "Range": "bytes=5-"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(length))


def test_the_ending_of_a_download_follows_the_content(service: Service, party: Party) -> None:
    event, guest = party
    photo = next(
        each for each in service.get("/api/all-photos", guest).json() if each["original_filename"] == "b.jpg"
    )
    endings = {}
    for who, caller in (("guest", guest), ("photographer", event.photographer)):
        for size in ("original", "web", "thumb"):
            answer = service.get(f"/api/photo/{photo['id']}", caller, params={"size": size, "download": True})
            endings[who, size] = answer.headers["content-disposition"]
    assert endings.pop(("photographer", "original")) == "attachment; filename=\"b.heic\"; filename*=UTF-8''b.heic"
    assert set(endings.values()) == {"attachment; filename=\"b.jpg\"; filename*=UTF-8''b.jpg"}


# --- the ZIP ---------------------------------------------------------------------------------------


def test_a_zip_is_sent_from_any_byte_on(service: Service, party: Party) -> None:
    whole = ask(service, party)
    data, length, etag = whole.content, len(whole.content), whole.headers["etag"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.jpg", "b.jpg", "c.jpg"]
        marks = [each.header_offset for each in archive.infolist()] + [archive.start_dir]
    for mark in marks:
        for start in (mark - 1, mark, mark + 1, mark + 29, mark + 33, mark + 40):
            if 0 <= start < length:
                answer = ask(service, party, Range=f"bytes={start}-", If_Range=etag)
                assert (answer.status_code, answer.content) == (206, data[start:]), start
                answer = ask(service, party, Range=f"bytes={start}-{start + 50}")
                assert (answer.status_code, answer.content) == (206, data[start : start + 51]), start
    refused(ask(service, party, Range=f"bytes={length}-"), 416, "RangeNotSatisfiable")
    assert ask(service, party, Range="bytes=5-", If_Range="Sat, 25 Nov 2026 10:00:00 GMT").status_code == 200


def test_a_resumed_zip_reads_no_file_before_its_part(
    service: Service, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ask(service, party)
    read, stream, stream_part = list[str](), storage.stream, storage.stream_part

    def noted(key: str) -> str:
        read.append(key)
        return key

    monkeypatch.setattr(storage, "stream", lambda key: stream(noted(key)))
    monkeypatch.setattr(storage, "stream_part", lambda key, *part: stream_part(noted(key), *part))
    last = whole.content.rindex(b"PK\x03\x04") + 100
    assert ask(service, party, Range=f"bytes={last}-").content == whole.content[last:]
    assert read == [storage_key(party[0].id, photos_of(party[0])[-1].filename, "original")]


def checksums(event: EventInfo) -> list[int | None]:
    """Return the recorded checksums of what a guest gets; of a HEIC there is no copy."""
    with transaction() as session:
        rows = session.query(GuestCopy).join(Photo, Photo.id == GuestCopy.photo_id)
        mine = rows.filter(Photo.event_id == event.id, GuestCopy.detailed.is_(False))
        return [each.crc32 for each in mine.order_by(GuestCopy.photo_id)]


def test_a_zip_of_photos_without_checksums_is_the_same(service: Service, party: Party) -> None:
    whole = ask(service, party)
    known = checksums(party[0])
    assert len(known) == 2
    assert None not in known
    for start in (0, len(whole.content) // 2, len(whole.content) - 5):
        with transaction() as session:
            session.query(GuestCopy).update({"crc32": None})
        answer = ask(service, party, Range=f"bytes={start}-")
        assert (answer.status_code, answer.content) == (206, whole.content[start:])
        assert checksums(party[0]) == known


def test_a_zip_of_another_list_starts_over(service: Service, party: Party) -> None:
    event, _ = party
    whole = ask(service, party)
    etag = whole.headers["etag"]
    service.delete(f"/api/photos/{photos_of(event)[0].id}", event.photographer)
    # Also from a place that the new list does not have. Without an ETag the whole would not do: wget appends it.
    for start in (100, len(whole.content) - 10):
        refused(ask(service, party, Range=f"bytes={start}-"), 412, "DownloadChanged")
        answer = ask(service, party, Range=f"bytes={start}-", If_Range=etag)
        assert answer.status_code == 200
        assert answer.headers["etag"] != etag
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == ["b.jpg", "c.jpg"]
    # Which of the two lists a program without an ETag has begun cannot be told.
    refused(ask(service, party, Range="bytes=100-"), 412, "DownloadChanged")
    assert ask(service, party, Range="bytes=100-", If_Range=answer.headers["etag"]).status_code == 206


def test_who_has_begun_nothing_cannot_resume_without_an_etag(service: Service, party: Party) -> None:
    refused(ask(service, party, Range="bytes=100-"), 412, "DownloadChanged")
    event, guest = party
    path = f"/api/user/events/{event.id}/photos.zip?which=all"
    assert service.client.head(path, headers=guest.headers).status_code == 200
    assert ask(service, party, Range="bytes=100-").status_code == 206


@pytest.mark.parametrize("start", [0, 60, 200])
def test_a_photo_deleted_while_a_part_is_sent_leaves_a_valid_zip(service: Service, party: Party, start: int) -> None:
    event, guest = party
    before = ask(service, party).content
    with transaction() as session:
        archive = download.archive(session.get_one(User, guest.id), event.id, "all")
    service.delete(f"/api/photos/{photos_of(event)[1].id}", event.photographer)
    data = before[:start] + b"".join(archive.chunks(start))
    assert len(data) == archive.length
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["a.jpg", "c.jpg"]


def test_a_resumed_download_takes_a_slot_and_gives_it_back(
    service: Service, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "rate_zips", 1)
    etag = ask(service, party).headers["etag"]
    for _ in range(3):
        assert ask(service, party, Range="bytes=50-60", If_Range=etag).status_code == 206


# --- the layout ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "size"), [(1, 10), (3, 1_700_000_000), (66_000, 0)])
def test_the_layout_is_a_zip_of_any_size(number: int, size: int, tmp_path: Path) -> None:
    moment = datetime(2026, 6, 20, 18, 30, 5, tzinfo=UTC)
    entries = [Entry(f"é{each}.jpg", size, moment) for each in range(number)]
    layout = Layout(entries)
    with (tmp_path / "a.zip").open("wb") as file:
        for entry, at in zip(entries, layout.offsets, strict=True):
            file.seek(at)
            file.write(header(entry, 7))
        file.seek(layout.directory_at)
        file.write(layout.directory([None, *[7] * (number - 1)] if number > 1 else [7]))
        assert file.tell() == layout.length
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        found = archive.infolist()
        assert [each.filename for each in found] == [each.name for each in entries[number > 1 :]]
        assert [each.header_offset for each in found] == layout.offsets[number > 1 :]
        assert found[-1].date_time == (2026, 6, 20, 18, 30, 4)
        assert found[-1].file_size == size


# --- on S3 -----------------------------------------------------------------------------------------


@pytest.mark.server
@pytest.mark.long
def test_parts_come_from_s3_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("moto")
    with s3_server(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        make_bucket(environment, "parts")
        monkeypatch.setattr(get_settings(), "storage_url", "s3://parts")
        data = bytes(range(256)) * 20_000
        storage.put("photos/1/original/a.jpg", data)
        assert storage.size("photos/1/original/a.jpg") == len(data)
        for start, end in ((0, 1), (5, len(data)), (3_000_000, 4_000_000)):
            assert b"".join(storage.stream_part("photos/1/original/a.jpg", start, end)) == data[start:end]
        with pytest.raises(storage.StorageError):
            storage.stream_part("photos/1/original/a.jpg", 5, len(data) + 1)
        for ask_for in (storage.size, lambda key: storage.stream_part(key, 0, 1)):
            with pytest.raises(storage.MissingObject):
                ask_for("photos/1/original/b.jpg")
