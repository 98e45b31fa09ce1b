"""Selfies: which are accepted, which are refused with which message; replacing and erasing them."""

from typing import Any

import pytest
from PIL import Image

from api.uploads import read_at_most
from database import reading, transaction
from models import Selfie, User
from settings import get_settings
from testkit import pictures
from testkit.builders import EventInfo, Person, Service, people
from testkit.hostile_images import many_scans
from testkit.pictures import refused
from tests.conftest import wait_until

SENT = {"message": "Selfie uploadé avec succès. Le matching est en cours...", "status": "processing"}
NO_FACE = "Aucun visage détecté dans l'image. Veuillez envoyer un selfie clair de votre visage."
SEVERAL = "Plusieurs visages détectés. Veuillez envoyer un selfie avec un seul visage."
SMALL = "Visage trop petit. Approchez-vous de l'appareil et assurez-vous que le visage est net."
FORMAT = "Format d'image invalide"
TOO_LARGE = "Image trop volumineuse (max 10MB)"
MEGABYTE = 1024 * 1024
PIXELS = "Cette image compte trop de pixels."
LIMIT = "La limite pour ce type d'image est de {} mégapixels."
# A picture of 100 pixels whose header says 8,001 x 8,000.
JPEG_BOMB = pictures.saved(Image.new("RGB", (10, 10)), "JPEG").replace(b"\x08\0\x0a\0\x0a", b"\x08\x1f\x40\x1f\x41")
TINY = people(1, block=30, margin=60)

BAD_FILES = {
    "empty": (b"", "image/jpeg", "InvalidImage", FORMAT),
    "text": (b"this is no picture", "image/jpeg", "InvalidImage", FORMAT),
    "truncated": (pictures.truncated(), "image/jpeg", "InvalidImage", FORMAT),
    "bomb": (pictures.bomb(), "image/png", "TooManyPixels", f"{PIXELS} {LIMIT.format(25)}"),
    "JPEG bomb": (JPEG_BOMB, "image/jpeg", "TooManyPixels", f"{PIXELS} {LIMIT.format(64)}"),
    "scans": (many_scans(101), "image/jpeg", "TooManyScans", None),
    "svg": (pictures.SVG, "image/svg+xml", "InvalidImage", FORMAT),
    "pdf": (pictures.PDF, "image/png", "InvalidImage", FORMAT),
    "told pdf": (pictures.PDF, "application/pdf", "NotAnImage", "Le fichier doit être une image"),
    "told text": (people(1), "text/plain", "NotAnImage", "Le fichier doit être une image"),
    "11 MB": (people(1) + bytes(11 * MEGABYTE), "image/jpeg", "ImageTooLarge", TOO_LARGE),
}
BAD_FACES = {
    "none": (people(), "SelfieNoFace", NO_FACE),
    "two": (people(1, 2), "SelfieSeveralFaces", SEVERAL),
    "tiny": (TINY, "SelfieFaceTooSmall", SMALL),
}
ENGLISH = {
    "none": "No face found in the picture. Please send a clear selfie of your face.",
    "two": "Several faces found. Please send a selfie with a single face.",
    "tiny": "The face is too small. Come closer to the camera and make sure that the face is sharp.",
}


def gathering(service: Service) -> EventInfo:
    """Return an event with three photos: of person 1, of person 2 and of both."""
    event = service.event()
    service.upload(event, people(1), people(2), people(1, 2), names=["one.jpg", "two.jpg", "both.jpg"])
    service.process_photos(event)
    return event


def found(service: Service, guest: Person) -> set[str]:
    return {photo["original_filename"] for photo in service.my_photos(guest)}


def validate(service: Service, data: bytes, kind: str = "image/jpeg", **headers: str) -> Any:
    files = {"file": ("selfie.jpg", data, kind)}
    return service.post("/api/validate-selfie", files=files, headers=headers)


def accepted(service: Service, guest: Person, data: bytes, **parameters: Any) -> None:
    answer = service.send_selfie(guest, data, **parameters)
    assert (answer.status_code, answer.json()) == (200, SENT)
    assert service.settle(guest)["status"] == "done"


# --- refused at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_and_forgotten(service: Service, name: str) -> None:
    data, kind, error, detail = BAD_FILES[name]
    guest, before = service.guest(service.event()), service.files()
    files = {"file": ("selfie.jpg", data, kind)}
    for answer in (service.post("/api/upload-selfie", guest, files=files), validate(service, data, kind)):
        refused(answer, 400, error, detail)
    assert service.files() == before
    assert service.status(guest)["status"] == "idle"
    refused(service.get("/api/my-selfie", guest), 404, "NoSelfie")


@pytest.mark.parametrize("path", ["upload-selfie", "validate-selfie"])
@pytest.mark.parametrize(
    "form", [{}, {"files": {"other": ("x.jpg", b"x", "image/jpeg")}}, {"data": {"file": "text"}}]
)
def test_without_a_file_part(service: Service, path: str, form: dict[str, Any]) -> None:
    refused(service.post(f"/api/{path}", service.guest(service.event()), **form), 422, "InvalidRequest")


def test_a_broken_form_is_refused(service: Service) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"--x\r\nnonsense", b"", b"--y--", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"):
        answer = service.post("/api/validate-selfie", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["error"] == "InvalidRequest"


def test_a_body_declared_too_large_is_not_read(service: Service) -> None:
    status, reads = _send_raw(service, declared=30 * MEGABYTE, chunks=30)
    assert (status, reads) == (413, 0)
    headers = {"Content-Length": str(10**19), "Content-Type": "multipart/form-data; boundary=x"}
    refused(
        service.post("/api/validate-selfie", content=b"--x", headers=headers), 413, "SelfieBodyTooLarge", TOO_LARGE
    )


def test_a_body_that_goes_on_and_on_is_cut_off(service: Service) -> None:
    before = service.files()
    status, reads = _send_raw(service, declared=None, chunks=200)
    assert status == 413
    assert 10 < reads < 30
    assert service.files() == before


def _send_raw(service: Service, declared: int | None, chunks: int) -> tuple[int, int]:
    """Send chunks of 1 MB through ASGI; return the status and how many chunks were read."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    reads, statuses = 0, []
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    if declared is not None:
        headers.append((b"content-length", str(declared).encode()))

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        body = (head if reads == 1 else b"") + bytes(MEGABYTE)
        return {"type": "http.request", "body": body, "more_body": reads < chunks}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/api/validate-selfie", "raw_path": b"/api/validate-selfie", "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("test", 80), "state": {},
    }  # fmt: skip
    portal: Any = service.client.portal
    portal.call(service.client.app, scope, receive, send)
    return statuses[0], reads


def test_photographers_send_no_selfies(service: Service) -> None:
    event, before = service.event(), service.files()
    answer = service.send_selfie(event.photographer, people(1))
    refused(answer, 403, "PhotographerSelfie", "Les photographes ne peuvent pas uploader de selfies")
    assert service.files() == before
    refused(service.get("/api/rematch-status", event.photographer), 403, "GuestsOnly")


# --- judged by the face ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", BAD_FACES)
def test_validation_gives_the_reason(service: Service, name: str) -> None:
    data, error, detail = BAD_FACES[name]
    before = service.files()
    refused(validate(service, data), 400, error, detail)
    refused(validate(service, data, **{"Accept-Language": "en"}), 400, error, ENGLISH[name])
    assert service.files() == before


@pytest.mark.parametrize("name", BAD_FACES)
def test_an_uploaded_selfie_is_judged_in_the_background(service: Service, name: str) -> None:
    data, _, detail = BAD_FACES[name]
    guest, before = service.guest(gathering(service)), service.files()
    assert service.send_selfie(guest, data).json() == SENT
    state = service.settle(guest)
    assert (state["status"], state["detail"], state["matched"]) == ("validation_failed", detail, 0)
    assert state["finished_at"].endswith("Z")
    english = service.get("/api/rematch-status", guest, headers={"Accept-Language": "en"}).json()
    assert english["detail"] == ENGLISH[name]
    wait_until(lambda: service.files() == before)
    refused(service.get("/api/my-selfie", guest), 404, "NoSelfie")
    refused(service.get(f"/api/selfie/{guest.id}", guest), 404, "NoSuchSelfie")


def test_a_good_selfie_is_valid_and_nothing_is_kept(service: Service) -> None:
    before = service.files()
    answer = validate(service, people(1))
    assert (answer.status_code, answer.json()) == (200, {"valid": True})
    assert service.files() == before


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "image/jpeg; charset=binary", "IMAGE/JPG"])
def test_phones_that_do_not_know_the_type(service: Service, kind: str) -> None:
    assert validate(service, people(1), kind).json() == {"valid": True}


def test_people_in_the_background_do_not_count(service: Service) -> None:
    guest = service.guest(gathering(service))
    crowd = pictures.squares((2, 100), (1, 300), (3, 100))
    assert validate(service, crowd).json() == {"valid": True}
    accepted(service, guest, crowd)
    assert found(service, guest) == {"one.jpg", "both.jpg"}


def test_lenient_takes_the_largest_face(service: Service) -> None:
    guest = service.guest(gathering(service))
    accepted(service, guest, pictures.squares((2, 200), (1, 300)), strict="false")
    assert found(service, guest) == {"one.jpg", "both.jpg"}


def test_lenient_takes_a_tiny_face_but_needs_one(service: Service) -> None:
    guest = service.guest(gathering(service))
    accepted(service, guest, TINY, strict="false")
    assert found(service, guest) == {"one.jpg", "both.jpg"}
    assert service.send_selfie(guest, people(), strict="false").json() == SENT
    state = service.settle(guest)
    assert (state["status"], state["detail"]) == ("validation_failed", NO_FACE)


def test_the_setting_makes_all_lenient(service: Service) -> None:
    guest = service.guest(gathering(service))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(get_settings(), "selfie_validation_strict", False)
        assert validate(service, pictures.squares((2, 200), (1, 300))).json() == {"valid": True}
        refused(validate(service, people()), 400, "SelfieNoFace", NO_FACE)
        accepted(service, guest, pictures.squares((2, 200), (1, 300)))
    assert found(service, guest) == {"one.jpg", "both.jpg"}


@pytest.mark.parametrize("make", [pictures.heic, pictures.webp, pictures.cmyk, pictures.deep_png])
def test_selfies_of_every_kind(service: Service, make: Any) -> None:
    guest = service.guest(gathering(service))
    accepted(service, guest, make(1))
    assert found(service, guest) == {"one.jpg", "both.jpg"}


def test_an_animation_counts_by_its_first_frame(service: Service) -> None:
    guest = service.guest(gathering(service))
    accepted(service, guest, pictures.gif(1, 2, 2))
    assert found(service, guest) == {"one.jpg", "both.jpg"}


# --- kept, replaced, erased ------------------------------------------------------------------------


def test_a_selfie_is_kept_without_its_metadata(service: Service) -> None:
    guest = service.guest(service.event())
    accepted(service, guest, pictures.with_gps(1))
    answer = service.get(f"/api/selfie/{guest.id}", guest)
    assert answer.headers["content-type"] == "image/jpeg"
    assert pictures.gps_of(answer.content) == {}
    assert b"SecretCamera" not in answer.content
    assert b"SecretCamera" not in b"".join(path.read_bytes() for path in service.files())
    shown, told = pictures.opened(answer.content), service.get("/api/my-selfie", guest).json()
    assert shown.size == (told["width"], told["height"])


def test_a_selfie_is_its_owners_alone(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    accepted(service, guest, people(1))
    for other in (service.guest(event), event.photographer):
        refused(service.get(f"/api/selfie/{guest.id}", other), 404, "NoSuchSelfie")
    refused(service.get(f"/api/selfie/{guest.id}"), 401, "NotAuthenticated")
    assert service.get(f"/api/selfie/{guest.id}", service.admin).status_code == 200
    refused(service.get(f"/api/selfie/{10**15}", service.admin), 404, "NoSuchSelfie")


@pytest.mark.parametrize("number", ["abc", "0", "-1", "9223372036854775808", "9" * 40, "%00"])
def test_a_selfie_of_no_number(service: Service, number: str) -> None:
    answer = service.get(f"/api/selfie/{number}", service.admin)
    assert answer.status_code in (404, 422)
    assert isinstance(answer.json()["detail"], str)


def test_a_rejected_replacement_changes_nothing(service: Service) -> None:
    guest = service.guest(gathering(service))
    accepted(service, guest, people(1))
    mine, picture = service.get("/api/my-selfie", guest).json(), service.get(f"/api/selfie/{guest.id}", guest).content
    before, links = service.files(), [photo["id"] for photo in service.my_photos(guest)]
    for data, _, detail in BAD_FACES.values():
        assert service.send_selfie(guest, data).json() == SENT
        state = service.settle(guest)
        assert (state["status"], state["detail"], state["matched"]) == ("validation_failed", detail, 2)
        assert [photo["id"] for photo in service.my_photos(guest)] == links
        assert service.get("/api/my-selfie", guest).json() == mine
        assert service.get(f"/api/selfie/{guest.id}", guest).content == picture
    wait_until(lambda: service.files() == before)


def test_a_new_selfie_swaps_the_photos(service: Service) -> None:
    guest = service.guest(gathering(service))
    accepted(service, guest, people(1))
    number = len(service.files())
    assert found(service, guest) == {"one.jpg", "both.jpg"}
    accepted(service, guest, people(2))
    assert found(service, guest) == {"two.jpg", "both.jpg"}
    assert service.status(guest)["matched"] == 2
    wait_until(lambda: len(service.files()) == number)


def test_a_good_selfie_after_a_rejected_one(service: Service) -> None:
    guest = service.guest(gathering(service))
    service.send_selfie(guest, people())
    assert service.settle(guest)["status"] == "validation_failed"
    accepted(service, guest, people(2))
    state = service.status(guest)
    assert (state["status"], state["detail"], state["matched"]) == ("done", None, 2)


def test_many_selfies_at_once_end_with_the_last(service: Service) -> None:
    guest = service.guest(gathering(service))
    for number in (1, 2, 1, 3, 2):
        assert service.send_selfie(guest, people(number)).status_code == 200
    assert service.settle(guest)["status"] == "done"
    assert found(service, guest) == {"two.jpg", "both.jpg"}


@pytest.mark.parametrize("how", ["closed", "logged out"])
def test_a_guest_who_is_out_when_the_body_has_arrived_leaves_nothing(
    service: Service, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, before = service.guest(gathering(service)), service.files()

    def then_leave(*given: Any) -> bytes:
        if how == "closed":
            with transaction() as session:
                session.get_one(User, guest.id).is_active = False
        else:
            assert service.post("/api/logout", guest).status_code == 200
        return read_at_most(*given)

    monkeypatch.setattr("api.uploads.read_at_most", then_leave)
    refused(service.send_selfie(guest, people(1)), 401, "InvalidToken")
    assert service.files() == before
    with reading() as session:
        assert session.query(Selfie).filter_by(user_id=guest.id).count() == 0


def test_an_erased_selfie_takes_all_with_it(service: Service) -> None:
    guest = service.guest(gathering(service))
    before = service.files()
    accepted(service, guest, people(1))
    photo = service.my_photos(guest)[0]
    assert service.delete("/api/my-selfie", guest).status_code == 200
    assert service.files() == before
    assert service.my_photos(guest) == []
    refused(service.get(f"/api/selfie/{guest.id}", guest), 404, "NoSuchSelfie")
    refused(service.get(f"/api/photo/{photo['id']}", guest), 404, "NoSuchPhoto")
    refused(service.get("/api/my-selfie", guest), 404, "NoSelfie")
    refused(service.delete("/api/my-selfie", guest), 404, "NoSelfie")
    state = service.status(guest)
    assert (state["status"], state["matched"], state["detail"]) == ("idle", 0, None)


def test_photos_that_come_later_do_not_find_an_erased_selfie(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    accepted(service, guest, people(1))
    service.delete("/api/my-selfie", guest)
    service.upload(event, people(1))
    service.process_photos(event)
    assert service.my_photos(guest) == []


def test_photos_that_come_later_find_the_guest(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    accepted(service, guest, people(1))
    service.upload(event, people(2, 1), people(2))
    service.process_photos(event)
    assert found(service, guest) == {"photo0.jpg"}
