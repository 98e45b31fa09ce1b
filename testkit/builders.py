"""A client of the REST API for tests: creates people and events, sends pictures and waits for their processing."""

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from accounts.service import NewAccount, create_staff
from faces.fake import fake_colour, fake_photo
from models import ADMIN
from testkit.passwords import PASSWORD

_numbers = itertools.count(1)
# Each look costs the process that does the work 3 ms.
POLL_SECONDS = 0.05
Json = dict[str, Any]
# An event of a day that stays open for guests, whenever the tests run.
OPEN = {"date": "2026-06-20", "expires_at": "2099-01-01T00:00:00Z"}


@dataclass
class Person:
    """A user who is logged in."""

    id: int
    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The `Authorization` header of this user's requests."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class EventInfo:
    """An event and its photographer."""

    id: int
    code: str
    photographer: Person


@dataclass
class Service:
    """A running service and the requests of its users. Every password is `PASSWORD`."""

    client: TestClient
    storage: Path
    _admin: Person | None = field(default=None)

    def post(self, path: str, who: Person | None = None, **kwargs: Any) -> Any:
        """Send a POST request as `who`; without `who`, without a token."""
        return self.client.post(path, headers=_headers(who, kwargs), **kwargs)

    def get(self, path: str, who: Person | None = None, **kwargs: Any) -> Any:
        """Send a GET request as `who`."""
        return self.client.get(path, headers=_headers(who, kwargs), **kwargs)

    def put(self, path: str, who: Person | None = None, **kwargs: Any) -> Any:
        """Send a PUT request as `who`."""
        return self.client.put(path, headers=_headers(who, kwargs), **kwargs)

    def delete(self, path: str, who: Person | None = None, **kwargs: Any) -> Any:
        """Send a DELETE request as `who`."""
        return self.client.delete(path, headers=_headers(who, kwargs), **kwargs)

    def log_in(self, name: str, password: str = PASSWORD, code: str | None = None) -> str:
        """Log in and return the token."""
        body = {"username": name, "password": password, **({"event_code": code} if code else {})}
        answer = self.post("/api/login", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    @property
    def admin(self) -> Person:
        """The administrator, created at the first use."""
        if self._admin is None:
            user = create_staff(NewAccount("chief", "chief@example.org", PASSWORD), ADMIN)
            self._admin = Person(user.id, "chief", self.log_in("chief"))
        return self._admin

    def photographer(self, name: str | None = None) -> Person:
        """Create a photographer."""
        name = name or f"photographer{next(_numbers)}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        answer = self.post("/api/admin/photographers", self.admin, json=body)
        assert answer.status_code == 200, answer.text
        return Person(answer.json()["photographer_id"], name, self.log_in(name))

    def event(self, photographer: Person | None = None, **overrides: Any) -> EventInfo:
        """Create an event and, without `photographer`, its photographer; `overrides` are fields of the event."""
        photographer = photographer or self.photographer()
        body = {"name": "Wedding", "photographer_id": photographer.id, **overrides}
        answer = self.post("/api/admin/create-event", self.admin, json=body)
        assert answer.status_code == 200, answer.text
        return EventInfo(answer.json()["event_id"], answer.json()["event_code"], photographer)

    def guest(self, event: EventInfo, name: str | None = None) -> Person:
        """Register a guest of the event."""
        name = name or f"guest{next(_numbers)}"
        body = {"user_data": {"username": name, "email": f"{name}@example.org", "password": PASSWORD}}
        answer = self.post("/api/register-with-event-code", json={**body, "event_code": event.code})
        assert answer.status_code == 200, answer.text
        return Person(answer.json()["id"], name, self.log_in(name, code=event.code))

    def guest_found_as(self, event: EventInfo, person: int = 1) -> Person:
        """Register a guest whose portrait shows this fake person, and wait until it is compared."""
        guest = self.guest(event)
        assert self.send_selfie(guest, people(person)).status_code == 200
        assert self.settle(guest)["status"] == "done"
        return guest

    def upload(self, event: EventInfo, *photos: bytes, names: list[str] | None = None) -> Json:
        """Upload photos as the event's photographer; return the answer."""
        named = names or [f"photo{number}.jpg" for number in range(len(photos))]
        files = [("files", (name, data, "image/jpeg")) for name, data in zip(named, photos, strict=True)]
        path = f"/api/photographer/events/{event.id}/upload-photos"
        answer = self.post(path, event.photographer, files=files)
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    def send_selfie(self, guest: Person, data: bytes, **parameters: Any) -> Any:
        """Upload a guest's selfie; return the response."""
        files = {"file": ("selfie.jpg", data, "image/jpeg")}
        return self.post("/api/upload-selfie", guest, files=files, params=parameters)

    def status(self, guest: Person) -> Json:
        """Return the guest's `rematch-status`."""
        answer = self.get("/api/rematch-status", guest)
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    def settle(self, guest: Person, seconds: float = 20.0) -> Json:
        """Wait until no job of the guest is unfinished; return the guest's status."""
        end = time.monotonic() + seconds
        while (state := self.status(guest))["status"] in ("queued", "running"):
            assert time.monotonic() < end, state
            time.sleep(POLL_SECONDS)
        return state

    def process_photos(self, event: EventInfo, seconds: float = 40.0) -> list[Json]:
        """Wait until every photo of the event is done or failed; return the photos."""
        end = time.monotonic() + seconds
        while True:
            photos = self.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
            if all(photo["processing_status"] in ("done", "failed") for photo in photos):
                return list(photos)
            assert time.monotonic() < end, [photo["processing_status"] for photo in photos]
            time.sleep(POLL_SECONDS)

    def erase_photos(self, event: EventInfo, *photo_ids: int) -> None:
        """Delete photos as the event's photographer, and erase them from the trash."""
        for each in photo_ids:
            for path in ("photos", "trash"):
                answer = self.delete(f"/api/{path}/{each}", event.photographer)
                assert answer.status_code == 200, answer.text

    def my_photos(self, guest: Person) -> list[Json]:
        """Return the photos in which the guest was found."""
        answer = self.get("/api/my-photos", guest)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def files(self) -> list[Path]:
        """Return the path of every stored file."""
        return sorted(path for path in self.storage.rglob("*") if path.is_file() and path.name != ".installation")


def _headers(who: Person | None, kwargs: dict[str, Any]) -> dict[str, str]:
    return {**(who.headers if who else {}), **kwargs.pop("headers", {})}


def people(*numbers: int, **overrides: Any) -> bytes:
    """Return a JPEG that shows these people to the fake engine."""
    return fake_photo([fake_colour(number) for number in numbers], **overrides)
