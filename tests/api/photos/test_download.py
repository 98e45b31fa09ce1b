"""The ZIP of a guest's photos: complete, of the announced length, readable by common tools, with no other photo."""

import io
import time
import zipfile
from typing import Any

import pytest
from PIL import Image

import database
from database import transaction
from models import GuestCopy, Photo, User
from photos import download
from photos.keys import storage_key
from photos.names import unique as unique_names
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import heic, refused


def ask(service: Service, event: EventInfo, guest: Person, **parameters: Any) -> Any:
    return service.get(f"/api/user/events/{event.id}/photos.zip", guest, params=parameters)


def unpacked(answer: Any) -> dict[str, bytes]:
    """Open an archive and check every checksum."""
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert all(each.compress_type == zipfile.ZIP_STORED for each in archive.infolist())
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_guest_takes_exactly_their_originals_home(service: Service) -> None:
    event = service.event(name="Léa / Tom", guests_see_all_photos=True)
    mine, also_mine, theirs, phone = people(1), people(1, 2), people(3), heic()
    ids = [
        each["id"]
        for each in service.upload(
            event, mine, also_mine, theirs, phone, names=["IMG_1.jpg", "img_1.JPG", "a.jpg", "Été.heic"]
        )["uploaded_photos"]
    ]
    service.process_photos(event)
    guest = service.guest_found_as(event)
    answer = ask(service, event, guest)
    taken = unpacked(answer)
    # Of a HEIC, guests get a JPEG of the same size.
    size = Image.open(io.BytesIO(taken.pop("Été.jpg"))).size
    assert size == Image.open(io.BytesIO(phone)).size
    assert taken == {"IMG_1.jpg": mine, "img_1 (2).JPG": also_mine}
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Lea  Tom.zip\"; filename*=UTF-8''L%C3%A9a%20%20Tom.zip"
    )
    assert set(unpacked(ask(service, event, guest, which="all"))) == {
        "IMG_1.jpg",
        "img_1 (2).JPG",
        "a.jpg",
        "Été.jpg",
    }
    for photo_id in (ids[0], ids[2]):
        service.put(f"/api/photos/{photo_id}/favourite", guest)
    assert unpacked(ask(service, event, guest, which="favourites")) == {"IMG_1.jpg": mine, "a.jpg": theirs}
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"guests_see_all_photos": False})
    assert unpacked(ask(service, event, guest, which="favourites")) == {"IMG_1.jpg": mine}
    refused(ask(service, event, guest, which="all"), 404, "NoPhotosToDownload")
    share = f"/api/photographer/photos/{ids[2]}"
    assert service.put(share, event.photographer, json={"for_everyone": True}).status_code == 200
    assert unpacked(ask(service, event, guest, which="all")) == {"a.jpg": theirs}
    assert unpacked(ask(service, event, guest, which="favourites")) == {"IMG_1.jpg": mine, "a.jpg": theirs}
    service.post(f"/api/photos/{ids[0]}/not-me", guest)
    assert set(unpacked(ask(service, event, guest))) == {"img_1.JPG", "Été.jpg"}


def test_who_has_nothing_to_take_is_told_so(service: Service) -> None:
    event, other = service.event(), service.event()
    guest = service.guest(event)
    for which in ("mine", "favourites", "all"):
        refused(ask(service, event, guest, which=which), 404, "NoPhotosToDownload")
    refused(ask(service, event, guest, which="everything"), 422, "InvalidRequest")
    refused(ask(service, other, guest), 403, "NotInEvent")
    refused(ask(service, event, event.photographer), 403, "GuestsOnly")
    refused(service.get(f"/api/user/events/{event.id}/photos.zip"), 401, "NotAuthenticated")


def _guest_with_photos(service: Service, number: int) -> tuple[User, list[Photo], EventInfo]:
    event = service.event()
    pictures = [people(1, 10 + each) for each in range(number)]
    service.upload(event, *pictures)
    service.process_photos(event)
    guest = service.guest_found_as(event)
    with transaction() as session:
        user = session.get_one(User, guest.id)
        photos = [session.get_one(Photo, each["id"]) for each in reversed(service.my_photos(guest))]
    return user, photos, event


@pytest.mark.parametrize("left_out", [[0], [1], [2], [0, 2], [0, 1, 2]])
def test_a_photo_deleted_meanwhile_is_left_out(service: Service, left_out: list[int]) -> None:
    user, photos, event = _guest_with_photos(service, 3)
    archive = download.archive(user, event.id, "mine")
    for each in left_out:
        service.delete(f"/api/photos/{photos[each].id}", event.photographer)
    data = b"".join(archive.chunks())
    assert len(data) == archive.length
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        wanted = [photo.original_filename for number, photo in enumerate(photos) if number not in left_out]
        assert found.namelist() == wanted


def test_no_connection_is_held_and_no_photo_whole_in_memory_while_it_is_sent(service: Service) -> None:
    user, photos, event = _guest_with_photos(service, 2)
    large = service.storage / storage_key(event.id, photos[0].filename, "original")
    large.write_bytes(b"x" * 20_000_000)
    with transaction() as session:
        session.get_one(Photo, photos[0].id).size = 20_000_000
        copy = session.get_one(GuestCopy, (photos[0].id, False))
        copy.size, copy.parts, copy.crc32 = 20_000_000, [[0, 20_000_000]], None
    sizes, most = list[int](), 0
    for chunk in download.archive(user, event.id, "mine").chunks():
        sizes.append(len(chunk))
        most = max(most, database.pool_state()["checked_out"])
    # The inference thread may hold one at any time.
    assert most <= 1
    assert sum(sizes) > 20_000_000
    assert max(sizes) <= 2 * 1024 * 1024


def test_names_are_readable_safe_and_never_twice() -> None:
    asked = {
        "../../etc/passwd": "etcpasswd.jpg",
        "C:\\Windows\\a.jpg": "CWindowsa.jpg",
        "con.jpg": "photo con.jpg",
        "LPT1": "photo LPT1.jpg",
        "...": "photo.jpg",
        "a\r\nb\0.jpg": "ab.jpg",
        "gpj\u202e.exe": "gpj.exe.jpg",
        "🎉 fête.jpeg": "🎉 fête.jpeg",
        "what?*<>|.png": "what.jpg",
        "Mme. Dupont": "Mme. Dupont.jpg",
        "IMG_1.HEIC": "IMG_1.jpg",
        "IMG_2.JPE": "IMG_2.JPE",
    }
    assert unique_names([(own, "stored.jpg") for own in asked]) == list(asked.values())
    (long,) = unique_names([("é" * 250 + ".jpg", "stored.jpg")])
    assert len(long.encode()) <= 255
    began = time.thread_time()
    many = unique_names([("IMG_1.jpg", "a.jpg"), ("IMG_1 (2).jpg", "a.jpg"), *([("img_1.JPG", "a.jpg")] * 20_000)])
    assert time.thread_time() - began < 5
    assert len({name.casefold() for name in many}) == len(many)
    assert many[:3] == ["IMG_1.jpg", "IMG_1 (2).jpg", "img_1 (3).JPG"]
