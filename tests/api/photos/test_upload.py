"""Upload of photos: valid files are stored byte for byte, each invalid file is named, the rest is unaffected."""

import io
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from api.uploads import read_photo
from database import reading
from models import Photo
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.hostile_images import many_scans


def picture(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    output = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(output, kind, **options)
    return output.getvalue()


def bomb(side: int = 50_000) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


BAD = {
    "empty.jpg": (b"", "Format d'image invalide"),
    "words.jpg": (b"these are words", "Format d'image invalide"),
    "cut.png": (picture("PNG")[:-3000], "Le fichier image est endommagé ou incomplet."),
    "document.png": (b"%PDF-1.7 and more", "Format d'image invalide"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Format d'image invalide"),
    "bomb.png": (
        bomb(),
        "Cette image compte trop de pixels. La limite pour ce type d'image est de 93 mégapixels. "
        "Exportez-la plus petite, ou en JPEG non progressif.",
    ),
    "scans.jpg": (
        many_scans(101),
        "Ce JPEG progressif est découpé en trop de passes (100 au plus). Enregistrez-le à nouveau et recommencez.",
    ),
}


def listed(service: Service, event: EventInfo) -> list[dict[str, Any]]:
    return list(service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_its_reason_and_leaves_nothing(service: Service, name: str) -> None:
    event, before = service.event(), service.files()
    data, reason = BAD[name]
    result = service.upload(event, data, names=[name])
    assert result["uploaded_photos"] == []
    assert result["rejected"] == [{"original_filename": name, "error": reason}]
    assert listed(service, event) == []
    assert service.files() == before


def test_a_jpeg_that_is_cut_off_is_refused_and_one_without_its_end_marker_is_taken(service: Service) -> None:
    event, whole = service.event(), people(1, quality=100)
    sent = service.upload(event, whole[:-3000], whole[:-2], people(2), names=["cut.jpg", "no_end.jpg", "good.jpg"])
    assert sent["rejected"] == [
        {"original_filename": "cut.jpg", "error": "Le fichier image est endommagé ou incomplet."}
    ]
    service.process_photos(event)
    assert {photo["original_filename"]: photo["processing_status"] for photo in listed(service, event)} == {
        "no_end.jpg": "done",
        "good.jpg": "done",
    }


def test_of_thirty_with_three_bad_ones_the_others_are_kept(service: Service) -> None:
    event = service.event()
    batch = {f"good{number}.jpg": people(number) for number in range(27)}
    batch |= {name: BAD[name][0] for name in ("words.jpg", "cut.png", "bomb.png")}
    names = sorted(batch)
    result = service.upload(event, *(batch[name] for name in names), names=names)
    assert len(result["uploaded_photos"]) == 27
    assert {each["original_filename"] for each in result["rejected"]} == {"words.jpg", "cut.png", "bomb.png"}
    assert len(service.process_photos(event)) == 27


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (picture("HEIF"), "image/heic"),
        (picture("WEBP"), "image/webp"),
        (picture("AVIF"), "image/avif"),
        (picture("PNG", "RGBA"), "image/png"),
        (picture("PNG", "I;16"), "image/png"),
        (picture("JPEG", "CMYK"), "image/jpeg"),
        (picture("JPEG", "L"), "image/jpeg"),
        (picture("GIF", "P", save_all=True, append_images=[Image.new("P", (160, 120))]), "image/gif"),
    ],
)
def test_what_cameras_and_phones_send_is_taken_and_kept_byte_for_byte(
    service: Service, data: bytes, content_type: str
) -> None:
    event = service.event()
    (uploaded,) = service.upload(event, data)["uploaded_photos"]
    (photo,) = service.process_photos(event)
    assert (photo["processing_status"], photo["content_type"]) == ("done", content_type)
    assert (photo["width"], photo["height"]) == (160, 120)
    original = service.get(f"/api/photo/{uploaded['id']}?size=original", event.photographer)
    assert original.content == data
    assert original.headers["content-type"] == content_type
    shown = Image.open(io.BytesIO(service.get(f"/api/photo/{uploaded['id']}", event.photographer).content))
    assert (shown.format, shown.size) == ("JPEG", (160, 120))


def test_the_same_bytes_are_the_same_photo_within_an_event(service: Service) -> None:
    event, other = service.event(), service.event()
    data = people(1, block=300)
    first = service.upload(event, data)["uploaded_photos"][0]
    again = service.upload(event, data, names=["again.jpg"])["uploaded_photos"][0]
    elsewhere = service.upload(other, data)["uploaded_photos"][0]
    assert (first["duplicate"], again["duplicate"], elsewhere["duplicate"]) == (False, True, False)
    assert again["id"] == first["id"]
    assert elsewhere["id"] != first["id"]
    assert len(listed(service, event)) == 1


def test_ten_who_send_the_same_bytes_at_once_make_one_photo(service: Service) -> None:
    event, data = service.event(), people(2, block=310)
    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(lambda _: service.upload(event, data), range(10)))
    assert len({each["uploaded_photos"][0]["id"] for each in results}) == 1
    assert len(listed(service, event)) == 1
    service.process_photos(event)
    folder = service.storage / "photos" / str(event.id) / "original"
    assert len(list(folder.iterdir())) == 1


def test_where_and_when_a_photo_was_taken_does_not_leave_with_its_renditions(service: Service) -> None:
    event = service.event(timezone="America/New_York")
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8769)[0x9003] = "2026:06:20 18:30:00"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    (photo,) = service.upload(event, picture("JPEG", exif=exif))["uploaded_photos"]
    (seen,) = service.process_photos(event)
    assert seen["taken_at"] == "2026-06-20T22:30:00.000000Z", "a camera's clock is read in the event's zone"
    for size in ("web", "thumb"):
        shown = service.get(f"/api/photo/{photo['id']}?size={size}", event.photographer).content
        assert b"SecretCamera" not in shown
        assert not Image.open(io.BytesIO(shown)).getexif()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\photos\\IMG 1.JPG", "IMG 1.JPG"),
        ("été 🎉.jpg", "été 🎉.jpg"),
        ("x" * 400 + ".jpg", ("x" * 400 + ".jpg")[-255:]),
    ],
)
def test_a_file_keeps_its_own_name_and_nothing_more(service: Service, sent: str, kept: str) -> None:
    event = service.event()
    (photo,) = service.upload(event, people(1), names=[sent])["uploaded_photos"]
    assert photo["original_filename"] == kept
    assert "/" not in photo["filename"]


def test_a_photo_too_large_is_named(service: Service) -> None:
    event = service.event()
    result = service.upload(event, people(1) + bytes(51 * 1024 * 1024))
    assert result["rejected"][0]["error"] == "Photo trop volumineuse (max 50MB)"


def test_a_body_without_an_end_is_refused_while_it_is_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    monkeypatch.setattr(get_settings(), "max_upload_bytes", 100_000)
    read = 0

    def endless() -> Any:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        for _ in range(1000):
            read += 10_000
            yield bytes(10_000)

    path = f"/api/photographer/events/{event.id}/upload-photos"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = service.post(path, event.photographer, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (413, "BodyTooLarge")
    assert listed(service, event) == []


def refused(answer: Any, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text


def test_who_may_bring_photos(service: Service) -> None:
    event = service.event()
    path = f"/api/photographer/events/{event.id}/upload-photos"
    files = {"files": ("a.jpg", people(1), "image/jpeg")}
    refused(service.post(path, service.guest(event), files=files), 403, "PhotographersOnly")
    refused(service.post(path, service.photographer(), files=files), 404, "NoSuchEvent")
    refused(service.post(path, files=files), 401, "NotAuthenticated")
    refused(
        service.post(path.replace(str(event.id), "9" * 25), event.photographer, files=files), 422, "InvalidRequest"
    )
    refused(service.post(path.replace(str(event.id), "x"), event.photographer, files=files), 422, "InvalidRequest")
    refused(service.post(path, event.photographer), 422, "InvalidRequest")
    assert listed(service, event) == []


LEAVING: dict[str, tuple[str, str, Any, int, str]] = {
    "closed": ("PUT", "/api/admin/photographers/{who}", {"is_active": False}, 401, "InvalidToken"),
    "deleted": ("DELETE", "/api/admin/photographers/{who}", None, 401, "InvalidToken"),
    "logged out": ("DELETE", "/api/admin/users/{who}/sessions", None, 401, "InvalidToken"),
    "taken off": ("PUT", "/api/admin/events/{event}", {"photographer_ids": []}, 404, "NoSuchEvent"),
}


def originals(service: Service) -> list[Path]:
    """Return the files as they were sent; renditions come in the background."""
    return [each for each in service.files() if "/original/" in str(each)]


@pytest.mark.parametrize(("name", "person"), [*((name, 2) for name in LEAVING), ("closed", 1)])
def test_who_may_no_longer_send_when_the_body_has_arrived_leaves_nothing(
    service: Service, name: str, person: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, path, body, status, error = LEAVING[name]
    event, other = service.event(), service.photographer()
    both = {"photographer_ids": [event.photographer.id, other.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=both).status_code == 200
    service.upload(event, people(1))
    before = originals(service)

    @contextmanager
    def then_leave(*given: Any) -> Iterator[bytes]:
        with read_photo(*given) as data:
            address = path.format(who=other.id, event=event.id)
            answer = service.client.request(method, address, headers=service.admin.headers, json=body)
            assert answer.status_code == 200
            yield data

    monkeypatch.setattr("api.photos.photographer.read_photo", then_leave)
    files = {"files": ("a.jpg", people(person), "image/jpeg")}
    answer = service.post(f"/api/photographer/events/{event.id}/upload-photos", other, files=files)
    refused(answer, status, error)
    assert originals(service) == before
    with reading() as session:
        assert session.query(Photo).filter_by(event_id=event.id).count() == 1


def test_a_photographer_with_one_event_need_not_name_it(service: Service) -> None:
    photographer = service.photographer()
    files = {"files": ("a.jpg", people(1), "image/jpeg")}
    refused(service.post("/api/upload-photos", photographer, files=files), 404, "NoEventAssigned")
    event = service.event(photographer)
    assert len(service.post("/api/upload-photos", photographer, files=files).json()["uploaded_photos"]) == 1
    one = {"file": ("b.jpg", people(2), "image/jpeg")}
    assert len(service.post("/api/upload-photo", photographer, files=one).json()["uploaded_photos"]) == 1
    assert len(listed(service, event)) == 2
    assert len(service.get("/api/my-uploaded-photos", photographer).json()) == 2
    service.event(photographer)
    refused(service.post("/api/upload-photos", photographer, files=files), 409, "SeveralEvents")


class TestDeleting:
    """Photographers delete their own photos only; a batch completely or not at all; the trash leaves no file."""

    @staticmethod
    def three(service: Service, event: EventInfo) -> list[int]:
        sent = service.upload(event, people(1), people(2), people(3))["uploaded_photos"]
        service.process_photos(event)
        return [each["id"] for each in sent]

    def test_a_deleted_photo_is_gone_with_its_files_and_matches(self, service: Service) -> None:
        event = service.event()
        guest = service.guest(event)
        one, two, three = self.three(service, event)
        service.send_selfie(guest, people(2))
        service.settle(guest)
        assert [photo["id"] for photo in service.my_photos(guest)] == [two]
        link = service.my_photos(guest)[0]["url"]
        assert service.delete(f"/api/photos/{two}", event.photographer).status_code == 200
        assert service.my_photos(guest) == []
        assert service.get(link).status_code == 404
        assert service.delete(f"/api/trash/{two}", event.photographer).status_code == 200
        assert len(list((service.storage / "photos" / str(event.id)).rglob("*.jpg"))) == 8
        answer = service.delete(f"/api/photos?photo_ids={one}, {three}", event.photographer)
        assert answer.status_code == 200
        for each in (one, three):
            assert service.delete(f"/api/trash/{each}", event.photographer).status_code == 200
        assert list((service.storage / "photos" / str(event.id)).rglob("*.jpg")) == []

    def test_somebody_elses_photo_stops_the_whole_batch(self, service: Service) -> None:
        event, other = service.event(), service.event()
        mine, theirs = self.three(service, event), self.three(service, other)
        refused(service.delete(f"/api/photos/{theirs[0]}", event.photographer), 403, "NotYourPhotos")
        both = ",".join(map(str, [*mine, theirs[0]]))
        refused(service.delete(f"/api/photos?photo_ids={both}", event.photographer), 403, "NotYourPhotos")
        refused(service.delete(f"/api/photos?photo_ids={mine[0]},999999999", event.photographer), 404, "NoSuchPhoto")
        assert len(listed(service, event)) == 3
        assert len(listed(service, other)) == 3

    @pytest.mark.parametrize("ids", ["", "1,abc", ",", "1;2", "-1", "0", "9" * 30, "1.5", "²"])
    def test_what_are_no_ids_is_refused(self, service: Service, ids: str) -> None:
        answer = service.delete("/api/photos", service.photographer(), params={"photo_ids": ids})
        refused(answer, 400, "InvalidPhotoIds")

    def test_guests_delete_nothing(self, service: Service) -> None:
        event = service.event()
        guest: Person = service.guest(event)
        refused(service.delete(f"/api/photos/{self.three(service, event)[0]}", guest), 403, "PhotographersOnly")
