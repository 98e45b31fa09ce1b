"""What apps of earlier releases read about photos: further fields of lists, the boxes of faces."""

from typing import Any

from sqlalchemy import insert

from database import transaction
from models import Face
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused


def faces(service: Service, photo_id: int, who: Person) -> dict[str, Any]:
    answer = service.get(f"/api/photo/{photo_id}/faces", who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sent(service: Service, event: EventInfo, *photos: bytes) -> list[int]:
    found = service.upload(event, *photos)["uploaded_photos"]
    service.process_photos(event)
    return [photo["id"] for photo in found]


def test_a_photo_of_any_list_names_its_event(service: Service) -> None:
    event = service.event(name="Noces", guests_see_all_photos=True)
    other = service.event(event.photographer, name="Course")
    (first,) = sent(service, event, people(1))
    sent(service, other, people(2))
    guest = service.guest_found_as(event)
    service.put(f"/api/photos/{first}/favourite", guest)
    lists = ["/api/my-photos", "/api/all-photos"]
    lists += [f"/api/user/events/{event.id}/{tail}" for tail in ("photos", "all-photos", "favourites")]
    photos = [service.get(path, guest).json() for path in lists]
    photos.append(service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json())
    for found in photos:
        (photo,) = found
        assert (photo["event_id"], photo["event_name"]) == (event.id, "Noces")
        assert (photo["user_id"], photo["file_path"]) == (None, None)
    uploaded = service.get("/api/my-uploaded-photos", event.photographer).json()
    assert [photo["event_name"] for photo in uploaded] == ["Course", "Noces"]


def test_boxes_tell_a_guest_their_own_face_and_of_others_the_place_only(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    (photo_id,) = sent(service, event, people(1, 2, 3))
    one, two = (service.guest_found_as(event, number) for number in (1, 2))
    bystander = service.guest(event)
    (row,) = service.my_photos(one)
    found = faces(service, photo_id, one)
    assert (found["image_width"], found["image_height"]) == (row["width"], row["height"])
    mine, *others = found["boxes"]
    assert (mine["matched"], mine["confidence"]) == (True, row["confidence_score"])
    for name, whole, side in (("left", "image_width", "x"), ("top", "image_height", "y")):
        assert abs(mine[name] - row["matched_face"][side] * found[whole]) <= 1
    for side, whole in (("width", "image_width"), ("height", "image_height")):
        assert abs(mine[side] - row["matched_face"][side] * found[whole]) <= 1
    told = {"top", "left", "width", "height", "matched", "confidence", "face_id", "confirmed"}
    assert [set(box) for box in found["boxes"]] == [told] * 3
    assert [(box["matched"], box["confidence"]) for box in others] == [(False, None)] * 2
    assert [box["matched"] for box in faces(service, photo_id, two)["boxes"]] == [False, True, False]
    for who in (bystander, event.photographer, service.admin):
        boxes = faces(service, photo_id, who)["boxes"]
        assert [(box["matched"], box["confidence"]) for box in boxes] == [(False, None)] * 3


def test_boxes_are_for_those_who_may_see_the_photo(service: Service) -> None:
    event, other = service.event(), service.event()
    (photo_id,) = sent(service, event, people(1, 2))
    guest, fellow = service.guest_found_as(event), service.guest(event)
    path = f"/api/photo/{photo_id}/faces"
    assert service.get(path, guest).status_code == 200
    for who in (fellow, service.guest(other), other.photographer):
        refused(service.get(path, who), 404, "NoSuchPhoto")
    refused(service.get(path), 401, "NotAuthenticated")
    refused(service.get("/api/photo/909090/faces", service.admin), 404, "NoSuchPhoto")
    refused(service.get("/api/photo/abc/faces", guest), 422, "InvalidRequest")
    # "Not me": the photo is not theirs to see any more.
    service.post(f"/api/photos/{photo_id}/not-me", guest)
    refused(service.get(path, guest), 404, "NoSuchPhoto")


def test_boxes_are_those_of_the_events_engine_and_end_at_the_edge(service: Service) -> None:
    event = service.event()
    (photo_id,) = sent(service, event, people(1))
    (before,) = faces(service, photo_id, event.photographer)["boxes"]
    row = {"photo_id": photo_id, "event_id": event.id, "landmarks": [], "quality": 1.0, "embedding": b""}
    with transaction() as session:
        session.execute(insert(Face), [{**row, "box": [1, 1, 9, 9], "engine_id": "another"}])
        session.execute(insert(Face), [{**row, "box": [-9.6, 20.4, 5000.0, 30.2], "engine_id": "fake-colours"}])
    found = faces(service, photo_id, event.photographer)
    kept, wide = found["boxes"]
    assert kept == before
    assert [wide[name] for name in ("left", "top", "width", "height")] == [0, 20, found["image_width"], 31]


def test_a_photo_that_waits_has_no_boxes_yet(service: Service) -> None:
    event = service.event()
    (photo_id,) = sent(service, event, people())
    assert faces(service, photo_id, event.photographer)["boxes"] == []
