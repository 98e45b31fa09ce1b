"""What guests download of originals carries no metadata, by whichever way; the photographer's file stays as it is."""

import io
import zipfile
from typing import Any

import pytest

import storage
from database import transaction
from jobs.sweep import PeriodicSweep
from models import GuestCopy, Photo
from photos.copies.service import plan_some
from photos.keys import storage_key
from testkit.builders import EventInfo, Person, Service, people
from testkit.metadata import exif_of, with_segments, xmp_of
from testkit.pictures import cmyk, gif, heic, opened, saved, webp

SECRETS = (b"SERIAL-77", b"OWNER-77", b"ns.adobe.com", b"TAIL-77", b"COMMENT-77")
TAKEN = "2026:06:20 18:30:05"
EXIF = exif_of({0x9003: TAKEN, 0xA431: "SERIAL-77", 0x0110: "OWNER-77"}, {1: "N", 2: (48.0, 51.0, 30.0)})


def jpeg(number: int = 1) -> bytes:
    """Return a fake person as a camera writes it, with a trailer."""
    return with_segments(people(number), EXIF, xmp_of('exif:Owner="OWNER-77"')) + b"TAIL-77"


def photos_of(service: Service, event: EventInfo) -> list[Any]:
    shown = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    return sorted(shown, key=lambda each: int(each["id"]))


def sent(service: Service, *files: bytes) -> tuple[EventInfo, Person, list[Any]]:
    """Return an event with these photos, processed, a guest of it, and the photos."""
    event = service.event(guests_see_all_photos=True)
    service.upload(event, *files, names=[f"{number}.jpg" for number in range(len(files))])
    service.process_photos(event)
    return event, service.guest(event), photos_of(service, event)


def by_every_way(service: Service, event: EventInfo, guest: Person, photo: Any) -> dict[str, bytes]:
    """Return what a guest gets of a photo's original in each way there is."""
    number = photo["id"]
    listed = next(each for each in service.get("/api/all-photos", guest).json() if each["id"] == number)
    found = {
        "by id": service.get(f"/api/photo/{number}?size=original", guest),
        "by name": service.get(f"/api/image/{photo['filename']}?size=original", guest),
        "signed": service.client.get(listed["download_url"]),
        "as a part": service.get(f"/api/photo/{number}?size=original", guest, headers={"Range": "bytes=0-"}),
    }
    assert {each.status_code for each in found.values()} == {200, 206}
    lengths = {each.headers["content-length"] for each in found.values()}
    assert lengths == {str(len(found["by id"].content))}
    bodies = {way: each.content for way, each in found.items()}
    service.put(f"/api/photos/{number}/favourite", guest)
    chosen = service.post(f"/api/user/events/{event.id}/choices", guest, json={"photo_ids": [number]})
    choice = chosen.json()["id"] if chosen.status_code == 200 else None
    asked: list[dict[str, Any]] = [{"which": "all"}, {"which": "favourites"}]
    asked += [{"choice": choice}] if choice is not None else []
    for parameters in asked:
        archive = service.get(f"/api/user/events/{event.id}/photos.zip", guest, params=parameters)
        assert int(archive.headers["content-length"]) == len(archive.content)
        with zipfile.ZipFile(io.BytesIO(archive.content)) as opened_zip:
            assert opened_zip.testzip() is None
            bodies[f"ZIP {parameters}"] = opened_zip.read(opened_zip.namelist()[0])
    return bodies


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_guests_get_the_same_picture_without_metadata_by_every_way(service: Service, kind: str) -> None:
    image = opened(people(1))
    data = jpeg() if kind == "JPEG" else saved(image, kind, exif=EXIF, lossless=True)
    event, guest, (photo,) = sent(service, data)
    ways = by_every_way(service, event, guest, photo)
    assert len(ways) == 7
    (copy,) = set(ways.values())
    assert not [each for each in SECRETS if each in copy]
    assert opened(copy).tobytes() == opened(data).tobytes()
    assert not opened(copy).getexif()
    for caller in (event.photographer, service.admin):
        assert service.get(f"/api/photo/{photo['id']}?size=original", caller).content == data


@pytest.mark.parametrize("data", [heic(), gif(1, 3)], ids=["heic", "gif"])
def test_of_other_formats_guests_get_a_jpeg_of_the_same_size(service: Service, data: bytes) -> None:
    event, guest, (photo,) = sent(service, data)
    answer = service.get(f"/api/photo/{photo['id']}?size=original&download=true", guest)
    assert answer.headers["content-type"] == "image/jpeg"
    assert 'filename="0.jpg"' in answer.headers["content-disposition"]
    assert (opened(answer.content).format, opened(answer.content).size) == ("JPEG", (photo["width"], photo["height"]))
    assert len(set(by_every_way(service, event, guest, photo).values())) == 1
    assert service.get(f"/api/photo/{photo['id']}?size=original", event.photographer).content == data
    service.delete(f"/api/photos/{photo['id']}", event.photographer)
    assert not [each for each in service.files() if f"/{event.id}/full/" in str(each)]


def test_an_original_that_cannot_be_stripped_is_given_as_a_jpeg(service: Service) -> None:
    # Without its end, nobody can tell the picture from what follows.
    data = with_segments(people(1), EXIF)[:-2]
    event, guest, (photo,) = sent(service, data)
    (copy,) = set(by_every_way(service, event, guest, photo).values())
    assert b"SERIAL-77" not in copy
    assert opened(copy).size == (photo["width"], photo["height"])


def test_an_event_may_keep_capture_time_and_copyright(service: Service) -> None:
    event, guest, (photo,) = sent(service, jpeg())
    path = f"/api/photo/{photo['id']}?size=original"
    plain = service.get(path, guest)
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"keep_capture_details": True})
    same = {"If-None-Match": plain.headers["etag"]}
    kept = service.get(path, guest, headers=same)
    assert kept.status_code == 200
    assert opened(kept.content).getexif().get_ifd(0x8769)[0x9003] == TAKEN
    assert b"SERIAL-77" not in kept.content
    (copy,) = set(by_every_way(service, event, guest, photo).values())
    assert copy == kept.content
    # A download that was begun before starts over, whether its program names the ETag or the time.
    for name in ("etag", "last-modified"):
        headers = {"Range": "bytes=100-", "If-Range": plain.headers[name]}
        assert service.get(path, guest, headers=headers).status_code == 200
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"keep_capture_details": False})
    assert service.get(path, guest, headers=same).status_code == 304


def test_photos_of_earlier_releases_are_stripped_too(service: Service) -> None:
    event, guest, shown = sent(service, jpeg(1), jpeg(2), webp(3), heic())
    known = [service.get(f"/api/photo/{each['id']}?size=original", guest).content for each in shown]
    with transaction() as session:
        session.query(GuestCopy).delete()
        session.query(Photo).update({"full_size": None, "full_crc32": None})
    first = service.get(f"/api/photo/{shown[0]['id']}?size=original", guest).content
    assert first == known[0]
    with zipfile.ZipFile(
        io.BytesIO(service.get(f"/api/user/events/{event.id}/photos.zip?which=all", guest).content)
    ) as archive:
        found = [archive.read(name) for name in archive.namelist()]
    # Until its rendition is made, the one for screens stands for the HEIC.
    assert found[:3] == known[:3]
    assert found[3] == service.get(f"/api/photo/{shown[3]['id']}?size=web", guest).content


def planned(shown: list[Any]) -> set[int]:
    """Return the ids of those of these photos whose copies are planned."""
    with transaction() as session:
        return {each.photo_id for each in session.query(GuestCopy)} & {each["id"] for each in shown}


def test_the_sweep_plans_the_copies_of_earlier_releases(service: Service) -> None:
    event, _, shown = sent(service, jpeg(1), cmyk(2))
    with transaction() as session:
        session.query(GuestCopy).filter(GuestCopy.photo_id.in_([each["id"] for each in shown])).delete()
    gone = storage_key(event.id, shown[1]["filename"], "original")
    kept = storage.get(gone)
    storage.delete([gone])
    PeriodicSweep().tick()
    assert planned(shown) == {shown[0]["id"]}, "the other file is away"
    storage.put(gone, kept)
    assert plan_some(0, 10) == shown[1]["id"]
    assert plan_some(0, 10) is None
    assert planned(shown) == {each["id"] for each in shown}


def test_a_copy_of_a_file_that_was_replaced_says_nothing(service: Service) -> None:
    _, guest, (photo,) = sent(service, jpeg())
    with transaction() as session:
        for each in session.query(GuestCopy):
            each.filename, each.parts, each.size = "another.jpg", [[0, 5000]], 5000
    copy = service.get(f"/api/photo/{photo['id']}?size=original", guest).content
    assert not [each for each in SECRETS if each in copy]


def test_a_missing_or_shorter_file_is_told_in_words(service: Service) -> None:
    event, guest, (photo,) = sent(service, jpeg())
    key = storage_key(event.id, photo["filename"], "original")
    path = f"/api/photo/{photo['id']}?size=original"
    whole = storage.get(key)
    storage.put(key, whole[:50])
    assert service.get(path, guest).json()["error"] == "NoSuchPhoto"
    storage.delete([key])
    assert service.get(path, guest).json()["error"] == "NoSuchPhoto"
    assert service.get(path, guest, headers={"Range": "bytes=9-"}).status_code == 404
