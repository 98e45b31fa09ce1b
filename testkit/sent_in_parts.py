"""Sends photos in parts as a client does: to the service, or to the addresses of the store that it gives."""

import hashlib
from typing import Any

import httpx2

from testkit.builders import EventInfo, Json, Person, Service, people
from testkit.servers import TLS


def large_photo(number: int, size: int = 9_000_000) -> bytes:
    """Return a JPEG of this fake person of two parts: behind the picture are bytes that viewers pass over."""
    picture = people(number)
    return picture + bytes(size - len(picture))


def sha256(data: bytes) -> str:
    """Return the checksum of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


class PartsSender:
    """The calls of one photographer to one event."""

    def __init__(self, service: Service, event: EventInfo, who: Person | None = None) -> None:
        self.service, self.who = service, who or event.photographer
        self.path = f"/api/photographer/events/{event.id}/uploads"

    def begin(self, data: bytes, name: str = "large.jpg", **claims: Any) -> Any:
        """Announce a file; `claims` replace what is true of it. Returns the response."""
        body = {"name": name, "size": len(data), "sha256": sha256(data), **claims}
        return self.service.post(self.path, self.who, json=body)

    def begun(self, data: bytes, name: str = "large.jpg", **claims: Any) -> Json:
        """Announce a file that is accepted; return the upload."""
        answer = self.begin(data, name, **claims)
        assert answer.status_code == 200, answer.text
        upload: Json = answer.json()
        return upload

    def look(self, upload: Json) -> Any:
        """Ask which parts have arrived; return the response."""
        return self.service.get(f"{self.path}/{upload['upload_id']}", self.who)

    def send(self, upload: Json, number: int, data: bytes, checksum: str | None = None) -> Any:
        """Send bytes as a part through the service; return the response."""
        headers = {"X-Part-SHA256": checksum if checksum is not None else sha256(data)}
        path = f"{self.path}/{upload['upload_id']}/parts/{number}"
        return self.service.put(path, self.who, headers=headers, files={"file": ("part", data)})

    def send_missing(self, upload: Json, data: bytes) -> list[int]:
        """Send the parts of a file that have not arrived, wherever they go; return their numbers."""
        sent = []
        for part in upload["parts"]:
            if part["arrived"]:
                continue
            start = (part["number"] - 1) * upload["part_size"]
            content = data[start : start + part["size"]]
            if part["url"]:
                httpx2.put(part["url"], content=content, headers=part["headers"], verify=TLS).raise_for_status()
            else:
                answer = self.send(upload, part["number"], content)
                assert answer.status_code == 200, answer.text
            sent.append(part["number"])
        return sent

    def complete(self, upload: Json) -> Any:
        """Complete an upload; return the response."""
        return self.service.post(f"{self.path}/{upload['upload_id']}/complete", self.who)

    def whole(self, data: bytes, name: str = "large.jpg", **claims: Any) -> Json:
        """Send a file from the beginning to the end; return the photo."""
        upload = self.begun(data, name, **claims)
        self.send_missing(upload, data)
        answer = self.complete(upload)
        assert answer.status_code == 200, answer.text
        photo: Json = answer.json()
        return photo
