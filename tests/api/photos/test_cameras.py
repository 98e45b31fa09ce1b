"""The cameras of an event: who sees them, and what it does to shift the clock of one."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, text, update

from database import get_engine, transaction
from keys import MAX_SHIFT
from models import Photo, utcnow
from testkit.builders import EventInfo, Json, Person, Service, people
from testkit.metadata import MAKE, MODEL, NUMBER, ORIGINAL, ORIGINAL_OFFSET, exif_of, with_segments
from testkit.pictures import refused
from tests.api.photos.test_reprocessing import make_anew

GPS = {0x1D: "2026:06:20", 0x07: (9.0, 0.0, 0.25)}
CANON = {MAKE: "Canon", MODEL: "Canon EOS R5"}


def shot(number: int, tags: dict[int, str], gps: dict[int, Any] | None = None) -> bytes:
    """Return a photo with this metadata; each number is another photo."""
    return with_segments(people(1, block=100 + number), exif_of(tags, gps))


def path_of(event: EventInfo, camera: Json | None = None) -> str:
    path = f"/api/photographer/events/{event.id}/cameras"
    return path if camera is None else f"{path}/{camera['id']}"


def cameras(service: Service, event: EventInfo, who: Person | None = None) -> list[Json]:
    answer = service.get(path_of(event), who or event.photographer)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def shifted(service: Service, event: EventInfo, camera: Json, seconds: int, who: Person | None = None) -> Json:
    answer = service.put(path_of(event, camera), who or event.photographer, json={"shift_seconds": seconds})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def times(service: Service, event: EventInfo, ids: Sequence[int]) -> list[str | None]:
    """Return when these photos were taken, as the photographer's list has it."""
    photos = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    found = {each["id"]: each["taken_at"] for each in photos}
    return [found[each] for each in ids]


def sent(service: Service, event: EventInfo, *photos: bytes) -> list[int]:
    return [each["id"] for each in service.upload(event, *photos)["uploaded_photos"]]


def test_a_camera_is_listed_and_its_clock_shifted_for_all_its_photos(service: Service) -> None:
    event = service.event()
    first = {**CANON, NUMBER: "0123", ORIGINAL: "2026:06:20 18:00:00.25"}
    second = {**CANON, NUMBER: "4567", ORIGINAL: "2026:06:20 17:13:00"}
    phone = {MAKE: "Apple", MODEL: "iPhone 17", ORIGINAL: "2026:06:20 18:00:00", ORIGINAL_OFFSET: "+02:00"}
    ids = sent(
        service, event, shot(1, first), shot(2, second), shot(3, phone), shot(4, {**second, ORIGINAL: ""}, GPS)
    )
    one, two, three = cameras(service, event)
    assert [(each["name"], each["photos"]) for each in (one, two, three)] == [
        ("Canon EOS R5 (1)", 1),
        ("Canon EOS R5 (2)", 2),
        ("Apple iPhone 17", 1),
    ]
    assert (two["first_taken_at"], two["shift_seconds"]) == ("2026-06-20T09:00:00.250000Z", 0)

    answer = shifted(service, event, two, 47 * 60)
    assert (answer["name"], answer["shift_seconds"]) == ("Canon EOS R5 (2)", 2820)
    assert answer["last_taken_at"] == "2026-06-20T16:00:00.000000Z"
    unchanged = "2026-06-20T16:00:00.250000Z", "2026-06-20T16:00:00.000000Z"
    # A satellite's time is right whatever the camera's clock says.
    of_satellite = "2026-06-20T09:00:00.250000Z"
    assert times(service, event, ids) == [unchanged[0], "2026-06-20T16:00:00.000000Z", unchanged[1], of_satellite]
    # It holds for what is still to come, replaces what was set before, and can be taken away.
    later = sent(service, event, shot(5, {**second, ORIGINAL: "2026:06:20 18:13:00.123456"}))
    assert times(service, event, later) == ["2026-06-20T17:00:00.123456Z"]
    for seconds in (-3600, -3600):
        shifted(service, event, two, seconds)
    assert times(service, event, [ids[1], *later]) == ["2026-06-20T14:13:00.000000Z", "2026-06-20T15:13:00.123456Z"]
    shifted(service, event, two, 0, service.admin)
    assert times(service, event, [ids[1], *later]) == ["2026-06-20T15:13:00.000000Z", "2026-06-20T16:13:00.123456Z"]

    entries = service.get("/api/admin/audit", service.admin, params={"action": "photos.camera_shifted"}).json()
    told = [tuple(each["details"].values()) for each in entries if each["event_id"] == event.id]
    name = "Canon EOS R5"
    assert told == [(name, 0, 2), (name, -3600, 2), (name, 2820, 1)]


def test_a_camera_of_another_event_is_another_camera(service: Service) -> None:
    here, there = service.event(), service.event()
    tags = {**CANON, NUMBER: "0123", ORIGINAL: "2026:06:20 18:00:00"}
    ids = [sent(service, event, shot(1, tags))[0] for event in (here, there)]
    (camera,), (other,) = cameras(service, here), cameras(service, there)
    assert camera["name"] == "Canon EOS R5"
    shifted(service, here, camera, 60)
    assert times(service, there, ids[1:]) == ["2026-06-20T16:00:00.000000Z"]
    answer = service.put(path_of(here, other), here.photographer, json={"shift_seconds": 60})
    refused(answer, 404, "NoSuchCamera", "Appareil photo introuvable.")


def test_only_those_who_work_at_the_event_see_and_shift_its_cameras(service: Service) -> None:
    event, other = service.event(guests_see_all_photos=True), service.event()
    sent(service, event, shot(1, {**CANON, ORIGINAL: "2026:06:20 18:00:00"}))
    (camera,) = cameras(service, event, service.admin)
    body = {"shift_seconds": 60}
    for who, status, error in (
        (other.photographer, 404, "NoSuchEvent"),
        (service.guest(event), 403, "PhotographersOnly"),
        (None, 401, "NotAuthenticated"),
    ):
        refused(service.get(path_of(event), who), status, error)
        refused(service.put(path_of(event, camera), who, json=body), status, error)
    assert cameras(service, event)[0]["shift_seconds"] == 0


@pytest.mark.parametrize("seconds", [MAX_SHIFT + 1, -MAX_SHIFT - 1, 2**63, 10**300])
def test_a_shift_beyond_forty_years_is_refused_with_words(service: Service, seconds: int) -> None:
    event = service.event()
    sent(service, event, shot(1, {**CANON, ORIGINAL: "2026:06:20 18:00:00"}))
    (camera,) = cameras(service, event)
    answer = service.put(path_of(event, camera), event.photographer, json={"shift_seconds": seconds})
    refused(answer, 400, "ShiftTooLarge")


def test_a_clock_that_was_never_set_can_be_put_right(service: Service) -> None:
    event = service.event()
    ids = sent(service, event, shot(1, {**CANON, ORIGINAL: "2000:01:01 00:12:00"}))
    (camera,) = cameras(service, event)
    for seconds in (MAX_SHIFT, -MAX_SHIFT):
        shifted(service, event, camera, seconds)
    # From 23:12 on the last day of 1999 in UTC.
    shifted(service, event, camera, 9_666 * 86_400)
    assert times(service, event, ids) == ["2026-06-18T23:12:00.000000Z"]


def test_a_clock_that_is_days_ahead_gives_no_time_until_it_is_put_right(service: Service) -> None:
    event = service.event()
    ahead = (utcnow() + timedelta(days=400)).replace(hour=12, minute=0, second=0, microsecond=0)
    tags = {**CANON, ORIGINAL: ahead.strftime("%Y:%m:%d %H:%M:%S"), ORIGINAL_OFFSET: "+00:00"}
    ids = sent(service, event, shot(1, tags), shot(2, {**CANON, ORIGINAL: "9999:06:20 18:00:00"}))
    assert times(service, event, ids) == [None, None]
    (camera,) = cameras(service, event)
    said = ahead.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (camera["first_taken_at"], camera["clock_first"], camera["clock_last"]) == (None, said, said)
    right = shifted(service, event, camera, -400 * 86_400)
    at = (ahead - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (right["last_taken_at"], right["clock_last"]) == (at, None)
    later = sent(service, event, shot(3, tags))
    assert times(service, event, [*ids, *later]) == [at, None, at]
    # Back in the future there is no time again.
    assert shifted(service, event, camera, 0)["first_taken_at"] is None
    assert times(service, event, [*ids, *later]) == [None, None, None]


@pytest.mark.parametrize("seconds", [True, "60", 1.5, None, [], "", 1e300])
def test_a_shift_that_is_no_number_of_seconds_is_refused(service: Service, seconds: object) -> None:
    event = service.event()
    sent(service, event, shot(1, {**CANON, ORIGINAL: "2026:06:20 18:00:00"}))
    (camera,) = cameras(service, event)
    answer = service.put(path_of(event, camera), event.photographer, json={"shift_seconds": seconds})
    assert answer.status_code == 422, answer.text


def test_photos_that_come_while_the_clock_is_shifted_are_shifted_too(service: Service) -> None:
    event = service.event()
    tags = {**CANON, ORIGINAL: "2026:06:20 18:00:00"}
    ids = sent(service, event, shot(0, tags))
    (camera,) = cameras(service, event)

    def send(start: int) -> None:
        for number in range(start, start + 6):
            ids.extend(sent(service, event, shot(number, tags)))

    def shift() -> None:
        for seconds in range(60, 1260, 60):
            shifted(service, event, camera, seconds)

    work = [threading.Thread(target=send, args=(start,)) for start in (10, 20)] + [threading.Thread(target=shift)]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert len(ids) == 13
    assert set(times(service, event, ids)) == {"2026-06-20T16:20:00.000000Z"}


def test_a_serial_number_is_stored_nowhere(service: Service) -> None:
    event = service.event()
    sent(service, event, shot(1, {**CANON, NUMBER: "SECRET98765", ORIGINAL: "2026:06:20 18:00:00"}))
    with get_engine().connect() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608 - our own tables
                assert "SECRET98765" not in str(row)


def test_photos_of_earlier_releases_get_their_camera_and_its_shift_when_they_are_made_anew(service: Service) -> None:
    event = service.event()
    tags = {**CANON, ORIGINAL: "2026:06:20 18:00:00"}
    ids = sent(service, event, shot(1, tags), shot(2, tags))
    service.process_photos(event)
    (camera,) = cameras(service, event)
    with transaction() as session:
        session.execute(update(Photo).where(Photo.id == ids[0]).values(camera_id=None, recorded_at=None))
    shifted(service, event, camera, 60)
    assert times(service, event, ids) == ["2026-06-20T16:00:00.000000Z", "2026-06-20T16:01:00.000000Z"]
    make_anew(service, event)
    assert times(service, event, ids) == ["2026-06-20T16:01:00.000000Z"] * 2
    assert cameras(service, event)[0]["photos"] == 2
