"""The rendition between the thumbnail and the screen: made, shown, made again for older photos, and erased."""

import io
from urllib.parse import urlsplit

from PIL import Image
from sqlalchemy import update

import storage
from database import transaction
from models import Photo
from photos.keys import key_of
from testkit.builders import EventInfo, Service
from testkit.pictures import saved
from tests.api.photos.test_reprocessing import make_anew


def large(number: int) -> bytes:
    return saved(Image.effect_noise((1800, 1200), 40 + number).convert("RGB"), "JPEG")


def long_side(service: Service, event: EventInfo, path: str) -> int:
    answer = service.get(path, event.photographer)
    assert answer.status_code == 200, answer.text
    return max(Image.open(io.BytesIO(answer.content)).size)


def forget_medium(photo_id: int) -> None:
    """Leave a photo as a release made it that knew two renditions."""
    with transaction() as session:
        photo = session.get_one(Photo, photo_id)
        session.execute(update(Photo).where(Photo.id == photo_id).values(has_medium=False))
        storage.delete([key_of(photo, "medium")])


def test_it_is_made_with_the_others_and_goes_with_the_photo(service: Service) -> None:
    event, before = service.event(), service.files()
    (photo,) = service.upload(event, large(0))["uploaded_photos"]
    (listed,) = service.process_photos(event)
    path = f"/api/photo/{photo['id']}?size="
    assert [long_side(service, event, path + size) for size in ("thumb", "medium", "web")] == [400, 800, 1600]
    parts = urlsplit(listed["medium_url"])
    assert service.client.get(f"{parts.path}?{parts.query}").status_code == 200, "the link is signed"
    assert len(service.files()) == len(before) + 4
    service.erase_photos(event, photo["id"])
    assert service.files() == before


def test_a_photo_of_an_earlier_release_shows_its_thumbnail_until_it_is_made_again(service: Service) -> None:
    event = service.event()
    (photo,) = service.upload(event, large(1))["uploaded_photos"]
    service.process_photos(event)
    forget_medium(photo["id"])
    path = f"/api/photo/{photo['id']}?size="
    assert long_side(service, event, f"{path}medium") == 400
    marks = {size: service.get(path + size, event.photographer).headers["etag"] for size in ("thumb", "medium")}
    assert marks["thumb"] == marks["medium"], "a browser keeps one copy"
    (listed,) = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    assert listed["medium_url"] is None
    make_anew(service, event)
    assert long_side(service, event, f"{path}medium") == 800
    answer = service.get(f"{path}medium", event.photographer, headers={"If-None-Match": marks["medium"]})
    assert answer.status_code == 200, "the thumbnail is not taken for it"


def test_who_may_not_see_the_photo_does_not_see_it(service: Service) -> None:
    event = service.event()
    (photo,) = service.upload(event, large(2))["uploaded_photos"]
    service.process_photos(event)
    stranger = service.guest_found_as(service.event())
    assert service.get(f"/api/photo/{photo['id']}?size=medium", stranger).status_code == 404
