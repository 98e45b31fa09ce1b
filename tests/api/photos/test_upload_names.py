"""Names of uploaded files, as all kinds of clients send them, arrive; none of them makes an upload fail."""

from typing import Any

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused

TYPE = {"Content-Type": "multipart/form-data; boundary=x"}


def body(*parts: tuple[bytes, bytes], before: bytes = b"") -> bytes:
    """Return a form of parts (what follows `form-data; `, content)."""
    heads = (b"--x\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data for head, data in parts)
    return before + b"\r\n".join([*heads, b"--x--\r\n"])


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    return service.event()


def send(service: Service, event: EventInfo, content: bytes) -> Any:
    path = f"/api/photographer/events/{event.id}/upload-photos"
    return service.post(path, event.photographer, content=content, headers=dict(TYPE))


def name_of(service: Service, event: EventInfo, head: bytes) -> str:
    """Return the name of a photo that is sent with this head, once it is listed."""
    answer = send(service, event, body((b"name=files; " + head, people(1))))
    assert answer.status_code == 200, answer.text
    (taken,) = answer.json()["uploaded_photos"]
    photos = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    listed = next(each["original_filename"] for each in photos if each["id"] == taken["id"])
    service.erase_photos(event, taken["id"])
    assert listed == taken["original_filename"]
    return str(listed)


def test_names_arrive_cleaned_and_cut_but_never_refused(service: Service, event: EventInfo) -> None:
    heads = {
        b"filename*=UTF-8''%C3%89t%C3%A9%0D%0A%00.jpg": "Été.jpg",
        b'filename="=?utf-8?B?w4l0w6kuanBn?="': "Été.jpg",
        b'filename="C:\\fakepath\\new.jpg"': "new.jpg",
        b'filename="\\\\server\\photos\\IMG_1.jpg"': "IMG_1.jpg",
        b'filename="../../etc/IMG 2.jpg"': "IMG 2.jpg",
        b'filename="a\nb.jpg"': "ab.jpg",
        b'filename="a\0b.jpg"': "ab.jpg",
        b'filename=""': "photo",
        b"filename*=": "photo",
    }
    assert {head: name_of(service, event, head) for head in heads} == heads
    for long in (300, 5_000, 60_000):
        plain = name_of(service, event, b'filename="' + b"a" * long + b'.JPG"')
        assert plain == ("a" * 251 + ".JPG")
    emoji = "🎉".encode()
    encoded = "".join(f"%{each:02X}" for each in emoji).encode() * 1_000
    both = b'filename="' + emoji * 1_000 + b".jpg\"; filename*=UTF-8''" + encoded + b".jpg"
    assert name_of(service, event, both) == "🎉" * 251 + ".jpg"


def test_text_before_the_first_boundary_and_spaces_behind_it_mean_nothing(service: Service, event: EventInfo) -> None:
    part = (b'name="files"; filename="a.jpg"', people(2))
    for before in (b"This is a message.\r\n", b"\r\n", b"--xy\r\n", b"-" * 100_000 + b"\r\n", b"\n"):
        answer = send(service, event, body(part, before=before))
        assert [each["original_filename"] for each in answer.json()["uploaded_photos"]] == ["a.jpg"], before[:20]
    padded = body(part).replace(b"--x\r\n", b"--x \t\r\n", 1)
    assert len(send(service, event, padded).json()["uploaded_photos"]) == 1


def test_what_is_no_form_is_refused(service: Service, event: EventInfo) -> None:
    for content in (b"no boundary at all", b"--y\r\n\r\n", body((b'filename="a.jpg"', b"x"))):
        refused(send(service, event, content), 400, "InvalidRequest")
    too_long = body((b'name="files"; filename="' + b"a" * 70_000 + b'"', people(1)))
    refused(send(service, event, too_long), 400, "InvalidRequest")


def test_a_selfie_may_have_any_name_too(service: Service, event: EventInfo) -> None:
    guest: Person = service.guest(event)
    head = b"name=file; filename*=utf-8''" + b"%C3%A9" * 3_000 + b".jpg\r\nContent-Type: image/jpeg"
    content = body((head, people(1)), before=b"preamble\r\n")
    answer = service.post("/api/upload-selfie", guest, content=content, headers=dict(TYPE))
    assert answer.status_code == 200, answer.text
