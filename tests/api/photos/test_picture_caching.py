"""What a browser keeps of a picture: each size for itself, and only for who may still see it."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from database import transaction
from models import PROCESSING, Photo, utcnow
from testkit.builders import EventInfo, Service, people
from testkit.pictures import refused

SIZES = ("thumb", "medium", "web", "original")


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    """An event with one photo that is through."""
    made = service.event()
    service.upload(made, people(1))
    service.process_photos(made)
    return made


def photo_id(service: Service, event: EventInfo) -> int:
    return int(service.process_photos(event)[0]["id"])


def test_the_mark_of_one_size_is_not_that_of_another(service: Service, event: EventInfo) -> None:
    path = f"/api/photo/{photo_id(service, event)}?size="
    marks = {size: service.get(path + size, event.photographer).headers["etag"] for size in SIZES}
    assert len(set(marks.values())) == len(SIZES)
    for size in SIZES:
        for other in SIZES:
            answer = service.get(path + size, event.photographer, headers={"If-None-Match": marks[other]})
            assert answer.status_code == (304 if size == other else 200)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"another", {}', '{}, "another"', 'W/"another",W/{}'])
def test_a_mark_counts_weak_and_among_others(service: Service, event: EventInfo, form: str) -> None:
    path = f"/api/photo/{photo_id(service, event)}"
    mark = service.get(path, event.photographer).headers["etag"]
    answer = service.get(path, event.photographer, headers={"If-None-Match": form.format(mark)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", mark)
    assert answer.headers["cache-control"].startswith("private, max-age=")


def test_who_may_no_longer_see_a_photo_is_not_told_that_their_copy_is_right(
    service: Service, event: EventInfo
) -> None:
    guest, path = service.guest_found_as(event), f"/api/photo/{photo_id(service, event)}"
    mark = service.get(path, guest).headers["etag"]
    assert service.get(path, guest, headers={"If-None-Match": mark}).status_code == 304
    service.delete("/api/my-selfie", guest)
    refused(service.get(path, guest, headers={"If-None-Match": mark}), 404, "NoSuchPhoto")


def test_a_rendition_that_is_not_made_yet_is_worth_asking_for_again(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    number = photo_id(service, event)
    with transaction() as session:
        later = utcnow() + timedelta(hours=1)
        session.execute(update(Photo).where(Photo.id == number).values(status=PROCESSING, lease_until=later))
    for size in ("web", "thumb"):
        for path in (service.storage / "photos" / str(event.id) / size).iterdir():
            path.unlink()
        answer = service.get(f"/api/photo/{number}?size={size}", event.photographer)
        refused(answer, 404, "PhotoNotReady")
        assert int(answer.headers["retry-after"]) > 0
    assert service.get(f"/api/photo/{number}?size=original", event.photographer).content == people(1)


def test_a_large_picture_is_sent_whole_with_its_length(service: Service) -> None:
    event = service.event()
    data = people(1) + bytes(600 * 1024)
    service.upload(event, data)
    answer = service.get(f"/api/photo/{photo_id(service, event)}?size=original", event.photographer)
    assert answer.content == data
    assert answer.headers["content-length"] == str(len(data))
