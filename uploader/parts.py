"""Sends one photo in parts: to the service, or to the addresses of an object store that it gives.

The service knows which parts have arrived: announced again, the same file goes on where it was, also after this
program was killed.
"""

import hashlib
import http.client
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from uploader.answers import Broken, Dropped, Refused
from uploader.multipart import chunks_of, form

TIMEOUT_SECONDS = 60
# After so many photos in a row that the store did not take, all go through the service: a firewall may be between.
STORE_FAILURES = 3
# The upload is gone or does not fit: the same photo is begun anew.
ANEW = ("NoSuchUpload", "UploadIncomplete", "UploadDiffers", "UploadElsewhere", "UploadPartDiffers")


class Caller(Protocol):
    """Sends requests of one photographer to the service."""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send JSON; return the JSON of the answer."""

    def send_body(self, method: str, path: str, body: Iterator[bytes], headers: Mapping[str, str]) -> Any:
        """Send a body in chunks; return the JSON of the answer."""


class Parts:
    """How one service takes photos in parts for one event. Used by several threads."""

    def __init__(self, caller: Caller, event_id: int) -> None:
        """Ask how photos are sent; a service of an earlier release takes no parts.

        Raises:
            Away, Broken, Refused: as every call.
        """
        self._caller, self._path = caller, f"/api/photographer/events/{event_id}/uploads"
        self._failures = 0
        try:
            told = caller.call("GET", self._path)
        except Refused as refusal:
            if refusal.status not in (404, 405) or refusal.name == "NoSuchEvent":
                raise
            told = None
        self._part_size = told["part_size"] if told else 0
        self._direct = bool(told and told["direct"])

    def takes(self, size: int) -> bool:
        """Tell whether a photo of this size is sent in parts: smaller ones go in one request, unless to the store."""
        return self._part_size > 0 and (size > self._part_size or self.goes_direct)

    @property
    def goes_direct(self) -> bool:
        """Whether photos go to the store itself."""
        return self._direct and self._failures < STORE_FAILURES

    def send(self, path: Path, size: int, digest: str, sent: Callable[[int], None]) -> str | None:
        """Send what is missing of one photo; return the reason if the service refused this file, else None.

        `sent` is called with numbers of bytes, of parts that had arrived before too.

        Raises:
            Unreadable: the file cannot be read. Away: service or store are down or busy. Broken: another try, which
            may begin anew, may succeed. Refused: the service refused the whole request.
        """
        asked = {"name": path.name, "size": size, "sha256": digest, "direct": self.goes_direct}
        try:
            upload = self._caller.call("POST", self._path, asked)
            for part in upload["parts"]:
                self._send_part(upload, part, path, sent)
            if upload["photo"] is None:
                self._caller.call("POST", f"{self._path}/{upload['upload_id']}/complete", {})
        except Refused as refusal:
            if refusal.name in ANEW:
                raise Broken(str(refusal)) from refusal
            if refusal.status == 400:
                return str(refusal)
            raise
        return None

    def _send_part(
        self, upload: Mapping[str, Any], part: Mapping[str, Any], path: Path, sent: Callable[[int], None]
    ) -> None:
        start = (part["number"] - 1) * upload["part_size"]
        if part["arrived"]:
            sent(part["size"])
        elif part["url"]:
            self._send_to_store(part, path, start, sent)
        else:
            digest = hashlib.sha256()
            for chunk in chunks_of(path, part["size"], start):
                digest.update(chunk)
            body, headers = form(path, sent, field="file", start=start, size=part["size"])
            where = f"{self._path}/{upload['upload_id']}/parts/{part['number']}"
            self._caller.send_body("PUT", where, body, {**headers, "X-Part-SHA256": digest.hexdigest()})

    def _send_to_store(self, part: Mapping[str, Any], path: Path, start: int, sent: Callable[[int], None]) -> None:
        """Send a part to the address that the service gave. It gets no token."""

        def counted() -> Iterator[bytes]:
            for chunk in chunks_of(path, part["size"], start):
                yield chunk
                sent(len(chunk))

        headers = {
            "Content-Length": str(part["size"]),
            "Content-Type": "application/octet-stream",
            **part["headers"],
        }
        asked = Request(part["url"], counted(), headers, method="PUT")  # noqa: S310
        if asked.type not in ("http", "https"):
            raise Broken(asked.type)
        try:
            with urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http alone
                answer.read()
        except HTTPError as error:
            # Too late for this address, or the store is busy: the next try gets another address.
            self._failures += 1
            raise Broken(f"{error.code} {error.reason}") from error
        except (URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            self._failures += 1
            raise Dropped from error
        self._failures = 0
