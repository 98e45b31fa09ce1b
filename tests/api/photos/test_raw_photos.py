"""A RAW file and its JPEG are one photo: one row, one matching, one deletion; photographers get both forms."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from sqlalchemy import text

from backup import queries as backup_queries
from database import get_engine
from photos import service as photos
from testkit import raw_files
from testkit.builders import EventInfo, Json, Person, Service, people
from testkit.pictures import opened, saved

TAKEN, LATER = "2026:06:20 18:30:05", "2026:06:20 18:31:00"
NO_PREVIEW = "Ce fichier RAW ne contient pas d'aperçu JPEG assez grand (1000 pixels au moins)."


def jpeg(*who: int, taken: str = TAKEN) -> bytes:
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9003] = taken
    return saved(opened(people(*who, block=1200)), "JPEG", quality=95, exif=block)


def raw(*who: int, taken: str = TAKEN, make: Callable[..., bytes] = raw_files.cr2) -> bytes:
    return make(people(*who, block=1200), 1, taken)


def listed(service: Service, event: EventInfo) -> list[Json]:
    return service.process_photos(event)


def picture(service: Service, who: Person, photo: Json, size: str) -> tuple[int, bytes]:
    answer = service.get(f"/api/photo/{photo['id']}", who, params={"size": size})
    return answer.status_code, answer.content


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    return service.event(guests_see_all_photos=True)


def test_a_raw_file_alone_is_shown_by_its_preview_and_kept_byte_for_byte(service: Service) -> None:
    event, data = service.event(guests_see_all_photos=True), raw_files.nef(people(1, 2, block=600), 6, TAKEN)
    (sent,) = service.upload(event, data, names=["DSC_1.NEF"])["uploaded_photos"]
    guest = service.guest_found_as(event)
    (photo,) = listed(service, event)
    assert (photo["id"], photo["processing_status"], photo["face_count"]) == (sent["id"], "done", 2)
    assert photo["height"] > photo["width"], "upright by the RAW file's own tag"
    assert photo["taken_at"] == "2026-06-20T16:30:05.000000Z"
    found = photo["raw"]
    assert (found["original_filename"], found["size"], found["alone"]) == ("DSC_1.NEF", len(data), True)
    for size in ("original", "raw"):
        assert picture(service, event.photographer, photo, size) == (200, data)
    assert service.client.get(found["download_url"]).content == data
    assert service.client.get(photo["download_url"]).content == data
    status, shown = picture(service, guest, photo, "original")
    assert (status, opened(shown).format) == (200, "JPEG")
    assert picture(service, guest, photo, "raw")[0] == 404
    assert [each["id"] for each in service.my_photos(guest)] == [photo["id"]]
    assert service.upload(event, data, names=["DSC_1.NEF"])["uploaded_photos"][0]["duplicate"]


@pytest.mark.parametrize("first", ["raw", "jpeg", "one request"])
def test_a_raw_file_and_its_jpeg_are_one_photo_in_either_order(service: Service, first: str) -> None:
    event = service.event(guests_see_all_photos=True)
    forms = {"IMG_7.CR2": raw(1), "IMG_7.JPG": jpeg(1)}
    names = sorted(forms, reverse=first == "jpeg")
    if first == "one request":
        sent = service.upload(event, *forms.values(), names=[*forms])["uploaded_photos"]
    else:
        sent = []
        for name in names:
            sent += service.upload(event, forms[name], names=[name])["uploaded_photos"]
            # The second form comes when the first one has been processed.
            listed(service, event)
    assert len({each["id"] for each in sent}) == 1
    assert [each["duplicate"] for each in sent] == [False, False]
    guest = service.guest_found_as(event)
    (photo,) = listed(service, event)
    assert (photo["original_filename"], photo["face_count"]) == ("IMG_7.JPG", 1)
    assert (photo["raw"]["original_filename"], photo["raw"]["alone"]) == ("IMG_7.CR2", False)
    assert picture(service, event.photographer, photo, "original") == (200, forms["IMG_7.JPG"])
    assert picture(service, event.photographer, photo, "raw") == (200, forms["IMG_7.CR2"])
    status, copy = picture(service, guest, photo, "original")
    assert (status, opened(copy).tobytes()) == (200, opened(forms["IMG_7.JPG"]).tobytes())
    assert [each["id"] for each in service.my_photos(guest)] == [photo["id"]]
    progress = service.get(f"/api/photographer/events/{event.id}/progress", event.photographer).json()
    assert (progress["received"], progress["faces"], progress["matches"]) == (1, 1, 1)
    for name, data in forms.items():
        assert service.upload(event, data, names=[name])["uploaded_photos"][0]["duplicate"]


def test_deleting_a_photo_erases_both_forms_and_the_sweep_knows_them_before(service: Service) -> None:
    event, before = service.event(), service.files()
    for name, data in (("a.cr3", raw(1, make=raw_files.cr3)), ("a.jpg", jpeg(1))):
        service.upload(event, data, names=[name])
        (photo,) = listed(service, event)
    added = [str(path.relative_to(service.storage)) for path in set(service.files()) - set(before)]
    assert len(added) == 5, "a JPEG, a RAW file and three renditions"
    assert photos.known_keys(added) == set(added)
    with get_engine().connect() as connection:
        assert set(added) <= {each.key for each in backup_queries.objects(connection)}
    assert service.delete(f"/api/photos/{photo['id']}", event.photographer).status_code == 200
    assert listed(service, event) == []
    kept = [str(path.relative_to(service.storage)) for path in set(service.files()) - set(before)]
    assert len(kept) == 4, "in the trash a JPEG, a RAW file and two renditions"
    assert photos.known_keys(kept) == set(kept)
    with get_engine().connect() as connection:
        assert set(kept) <= {each.key for each in backup_queries.objects(connection)}
    assert service.delete(f"/api/trash/{photo['id']}", event.photographer).status_code == 200
    assert service.files() == before
    with get_engine().connect() as connection:
        rows = text("SELECT count(*) FROM photo_raws WHERE event_id = :event")
        assert connection.scalar(rows, {"event": event.id}) == 0


def test_an_event_is_deleted_with_its_raw_files(service: Service) -> None:
    before = service.files()
    event = service.event()
    service.upload(event, raw(1), names=["a.cr2"])
    listed(service, event)
    assert service.delete(f"/api/admin/events/{event.id}", service.admin).status_code == 200
    assert service.files() == before


def test_photos_of_one_name_that_differ_in_time_or_photographer_stay_two(service: Service) -> None:
    event, other = service.event(), service.photographer()
    service.upload(event, raw(1), jpeg(2, taken=LATER), names=["IMG_1.CR2", "IMG_1.JPG"])
    assert len(listed(service, event)) == 2
    given = {"photographer_ids": [event.photographer.id, other.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=given).status_code == 200
    service.upload(EventInfo(event.id, event.code, other), jpeg(3), names=["IMG_1.JPG"])
    assert len(listed(service, event)) == 3


def test_forms_that_arrive_at_the_same_moment_become_one(service: Service) -> None:
    event = service.event()
    forms = [(f"IMG_{number}.{ending}", make(number + 1)) for number in range(4) for ending, make in
             (("CR2", raw), ("JPG", jpeg))]  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda form: service.upload(event, form[1], names=[form[0]]), forms))
    found = listed(service, event)
    assert sorted(photo["original_filename"] for photo in found) == [f"IMG_{number}.JPG" for number in range(4)]
    assert all(photo["raw"] and not photo["raw"]["alone"] for photo in found)


def test_the_uploaders_know_both_forms_by_their_checksums(service: Service, event: EventInfo) -> None:
    forms = [raw(5), jpeg(5)]
    service.upload(event, *forms, names=["IMG_5.CR2", "IMG_5.JPG"])
    listed(service, event)
    sums = [hashlib.sha256(each).hexdigest() for each in forms]
    path = f"/api/photographer/events/{event.id}/known-checksums"
    known = service.post(path, event.photographer, json={"sha256": sums}).json()["known"]
    assert [each["sha256"] for each in known] == sums


@pytest.mark.parametrize("language", ["fr", "en"])
def test_refusals_say_why_in_both_languages(service: Service, event: EventInfo, language: str) -> None:
    def reason(data: bytes, name: str) -> str:
        answer = service.post(
            f"/api/photographer/events/{event.id}/upload-photos",
            event.photographer,
            files=[("files", (name, data))],
            headers={"Accept-Language": language},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["rejected"][0]["error"])

    small = reason(raw_files.arw(saved(Image.new("RGB", (160, 120)), "JPEG")), "small.arw")
    assert small.startswith(NO_PREVIEW if language == "fr" else "This RAW file has no JPEG preview")
    kind = reason(saved(Image.new("F", (9, 9)), "TIFF"), "deep.tif")
    assert kind.startswith("Ce TIFF est d'un genre" if language == "fr" else "This kind of TIFF")
    vast = raw_files.tiff([{256: 60_000, 257: 60_000, 258: 8, 259: 5, 262: 1, 277: 1, 273: 8, 279: 9, 278: 60_000}])
    assert ("Exportez-la plus petite" if language == "fr" else "Export it smaller") in reason(vast, "vast.tif")
    cut = raw(1)[:-2000]
    assert reason(cut, "cut.cr2").startswith("Le fichier image" if language == "fr" else "The image file")


@pytest.mark.long
def test_a_raw_file_may_be_larger_than_other_photos(service: Service, event: EventInfo) -> None:
    large = raw(6) + bytes(52 * 1024 * 1024)
    assert len(service.upload(event, large, names=["large.cr2"])["uploaded_photos"]) == 1
    vast = raw(6) + bytes(121 * 1024 * 1024)
    (refused,) = service.upload(event, vast, names=["vast.cr2"])["rejected"]
    assert refused["error"] == "Fichier RAW trop volumineux. La limite est de 120 Mo."
    (refused,) = service.upload(event, b"II*\0" + bytes(52 * 1024 * 1024), names=["vast.tif"])["rejected"]
    assert refused["error"] == "Photo trop volumineuse (max 50MB)"
