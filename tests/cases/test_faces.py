"""Every face is found: in a close-up, in a photo that lies on its side, and in a crowd of 24 megapixels."""

import json
from typing import Any

import pytest

from testkit.builders import EventInfo, Json, Person, Service
from tests.cases.conftest import Send, case, shared


def faces_of(service: Service, event: EventInfo, photo: Json) -> list[Json]:
    answer = service.get(f"/api/photo/{photo['id']}/faces", event.photographer)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["boxes"]
    return found


def guest_with(service: Service, event: EventInfo, selfie: str) -> Person:
    guest = service.guest(event)
    answer = service.send_selfie(guest, shared(selfie), strict=False)
    assert answer.status_code == 200, answer.text
    return guest


def test_a_face_that_fills_the_frame_is_one_face_and_its_guests(
    real_sqlite_service: Service, event: EventInfo, sent: Send
) -> None:
    guest = guest_with(real_sqlite_service, event, "photos/people/obama2.jpg")
    for file in ("closeup_face_70pct.jpg", "closeup_face_100pct.jpg"):
        photo = sent(file)
        assert len(faces_of(real_sqlite_service, event, photo)) == 1
        assert real_sqlite_service.settle(guest)["status"] == "done"
        assert photo["id"] in {each["id"] for each in real_sqlite_service.my_photos(guest)}


def middle(box: Json) -> tuple[float, float]:
    return box["left"] + box["width"] / 2, box["top"] + box["height"] / 2


@pytest.mark.long
def test_a_photo_on_its_side_shows_the_same_faces(real_sqlite_service: Service, event: EventInfo, sent: Send) -> None:
    lying, upright = sent("sideways_no_exif.jpg"), sent("sideways_upright_reference.jpg")
    assert (lying["width"], lying["height"]) == (upright["height"], upright["width"])
    faces, wanted = (faces_of(real_sqlite_service, event, photo) for photo in (lying, upright))
    assert len(faces) == len(wanted) == 4
    # Turned by 90 degrees to the left: what was to the right is up.
    places = [(upright["width"] - y, x) for x, y in map(middle, faces)]
    other_way = [(y, upright["height"] - x) for x, y in map(middle, faces)]
    near = [
        sum(any(abs(x - a) < 40 and abs(y - b) < 40 for x, y in way) for a, b in map(middle, wanted))
        for way in (places, other_way)
    ]
    assert max(near) == 4


@pytest.mark.long
def test_a_crowd_is_found_and_each_guest_gets_the_own_face(real_sqlite_service: Service) -> None:
    truth: dict[str, dict[str, Any]] = json.loads(case("crowd_truth.json"))
    event = real_sqlite_service.event(guests_see_all_photos=True)
    # Every third guest has sent a selfie: the smallest faces are among them.
    guests = {name: guest_with(real_sqlite_service, event, truth[name]["selfie"]) for name in list(truth)[::3]}
    real_sqlite_service.upload(event, case("crowd_6000x4000.jpg"))
    (photo,) = real_sqlite_service.process_photos(event)
    seen = [middle(face) for face in faces_of(real_sqlite_service, event, photo)]

    def is_found(person: dict[str, Any]) -> bool:
        x, y = (float(value) for value in person["at"])
        reach = float(person["crop_side"]) / 4
        return sum(max(abs(x - a), abs(y - b)) < reach for a, b in seen) == 1

    small = [person for person in truth.values() if person["face_side_about"] < 100]
    assert sum(map(is_found, small)) >= 26
    assert all(is_found(person) for person in truth.values() if person["face_side_about"] >= 100)
    found = 0
    for name, guest in guests.items():
        assert real_sqlite_service.settle(guest)["status"] == "done"
        for match in real_sqlite_service.my_photos(guest):
            box, (x, y) = match["matched_face"], truth[name]["at"]
            across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            reach = truth[name]["crop_side"] / 2
            assert abs(across * photo["width"] - x) < reach, name
            assert abs(down * photo["height"] - y) < reach, name
            found += 1
    assert found >= 0.9 * len(guests)
