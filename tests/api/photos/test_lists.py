"""Lists of photos where many came in the same moment, and counts where some failed."""

from sqlalchemy import update

from database import transaction
from models import FAILED, Photo, utcnow
from testkit.builders import Person, Service, people
from tests.api.photos.test_guest import progress


def paged(service: Service, path: str, who: Person) -> list[int]:
    """Return a list's photos, two at a time."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        answer = service.get(path, who, params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found += [photo["id"] for photo in answer.json()]
        cursor = answer.headers.get("x-next-cursor")
        if cursor is None:
            return found


def test_photos_of_one_moment_come_each_once_page_by_page(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    sent = [people(1, number, block=100) for number in (2, 3, 4)]
    ids = [each["id"] for each in service.upload(event, *sent)["uploaded_photos"]]
    service.process_photos(event)
    with transaction() as session:
        session.execute(update(Photo).where(Photo.event_id == event.id).values(uploaded_at=utcnow()))
    guest = service.guest_found_as(event)
    for photo_id in ids:
        service.put(f"/api/photos/{photo_id}/favourite", guest)
    newest_first = ids[::-1]
    for tail in ("photos", "all-photos", "favourites"):
        assert paged(service, f"/api/user/events/{event.id}/{tail}", guest) == newest_first
    assert paged(service, f"/api/photographer/events/{event.id}/photos", event.photographer) == newest_first
    assert paged(service, "/api/my-uploaded-photos", event.photographer) == newest_first


def test_a_photo_that_failed_counts_as_processed(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    first, _ = (each["id"] for each in service.upload(event, people(1), people(2))["uploaded_photos"])
    service.process_photos(event)
    with transaction() as session:
        session.execute(update(Photo).where(Photo.id == first).values(status=FAILED, error="a fault"))
    counts = progress(service, event, guest)
    assert (counts["photos"], counts["processed"]) == (2, 2)
