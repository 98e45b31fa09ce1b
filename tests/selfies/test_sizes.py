"""How large a selfie may be, and that the three calls that take one agree on it."""

from typing import Any

import pytest

from settings import get_settings
from testkit.builders import EventInfo, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused

MEGABYTE = 1024 * 1024


def picture(size: int) -> bytes:
    """Return a selfie of so many bytes: zeros behind the end of a JPEG do no harm."""
    return people(1).ljust(size, b"\0")


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    """An event."""
    return service.event()


def send(service: Service, event: EventInfo, call: str, data: bytes, name: str) -> Any:
    """Send a selfie by one of the calls, as a guest of that name."""
    files = {"file": ("selfie.jpg", data, "image/jpeg")}
    if call == "register-invite-with-selfie":
        form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "event_code": event.code}
        return service.post(f"/api/{call}", data=form, files=files)
    guest = service.guest(event, name) if call == "upload-selfie" else None
    return service.post(f"/api/{call}", guest, files=files)


@pytest.mark.parametrize("call", ["register-invite-with-selfie", "upload-selfie", "validate-selfie"])
def test_a_selfie_is_taken_up_to_ten_megabytes_and_no_larger(service: Service, event: EventInfo, call: str) -> None:
    limit = get_settings().max_selfie_bytes
    assert limit == 10 * MEGABYTE
    for number, size in enumerate((2 * MEGABYTE, limit)):
        assert send(service, event, call, picture(size), f"{call}{number}").status_code == 200
    refused(send(service, event, call, picture(limit + 1), f"{call}2"), 400, "ImageTooLarge")
    refused(send(service, event, call, picture(26 * MEGABYTE), f"{call}3"), 413, "SelfieBodyTooLarge")


def test_a_selfie_too_large_leaves_no_account_and_no_file(service: Service, event: EventInfo) -> None:
    before = service.files()
    call, name = "register-invite-with-selfie", "toolarge"
    refused(send(service, event, call, picture(10 * MEGABYTE + 1), name), 400, "ImageTooLarge")
    refused(service.post("/api/login", json={"username": name, "password": PASSWORD}), 401, "BadCredentials")
    assert service.files() == before
    assert send(service, event, call, picture(0), name).status_code == 200
