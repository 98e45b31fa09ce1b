"""What the page with the camera needs of the API: the places of several faces, an answer when the matching ends."""

from typing import Any

from testkit.builders import Service, people


def validate(service: Service, data: bytes) -> Any:
    return service.post("/api/validate-selfie", files={"file": ("selfie.jpg", data, "image/jpeg")}).json()


def test_of_several_faces_the_sender_learns_the_places(service: Service) -> None:
    told = validate(service, people(1, 2))
    assert told["error"] == "SelfieSeveralFaces"
    first, second = told["faces"]
    assert first["left"] + first["width"] < second["left"]
    assert all(0 <= side <= 1 for face in told["faces"] for side in face.values())
    assert "faces" not in validate(service, people())


def test_whoever_waits_is_answered_when_the_matching_is_through(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1), people(2), people(1, 2))
    service.process_photos(event)
    guest = service.guest(event)
    assert service.get("/api/rematch-status?wait=25", guest).json()["status"] == "idle"
    service.send_selfie(guest, people(1))
    state = service.get("/api/rematch-status?wait=25", guest).json()
    assert (state["status"], state["matched"]) == ("done", 2)
    assert service.get("/api/rematch-status?wait=26", guest).status_code == 422
