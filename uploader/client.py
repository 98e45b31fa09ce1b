"""HTTP client for the calls that the uploader needs, on the standard library."""

import http.client
import json
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from uploader.answers import RETRYABLE, Away, Dropped, Refused, error_of
from uploader.multipart import form

TIMEOUT_SECONDS = 60


class Client:
    """One photographer's connection to one service. Thread-safe; logs in again when the session has expired."""

    def __init__(self, server: str, language: str) -> None:
        self._server = (server if "//" in server else f"https://{server}").rstrip("/")
        self._language = language
        self._token, self._login = "", ("", "")
        self._lock = threading.Lock()

    def find(self) -> None:
        """Follow redirects (usually from http to https) to the service's final address and keep it.

        Raises:
            Away: nothing answers there.
            Refused: another service answers.
        """
        try:
            with urlopen(self._request("GET", "/livez"), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http alone
                parts = urlsplit(answer.url)
        except HTTPError as error:
            raise (
                Away if error.code in RETRYABLE else Refused(error.code, "NotThisService", str(error.code))
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Away from error
        self._server = f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/livez')}"

    def log_in(self, username: str, password: str, otp: str = "") -> None:
        """Log in. `otp` is the code of a second factor; a code is accepted once, so it is not kept.

        Raises:
            Refused: name, password or code is wrong, or the code is missing (`SecondFactorRequired`).
            Away: the service is down or busy.
            Broken: the service answered with a 5xx status.
        """
        self._login = username, password
        given = {"username": username, "password": password, **({"otp": otp} if otp else {})}
        self._token = self.call("POST", "/api/login", given)["access_token"]

    def event(self, code: str) -> dict[str, Any] | None:
        """Return the photographer's event with this code, ignoring case and surrounding spaces.

        If there is none, the only one whose code reads the same without spaces, dashes and look-alikes.
        """
        events = self.call("GET", "/api/photographer/events")
        for read in (_comparable, _loose):
            found = [event for event in events if read(event["event_code"]) == read(code) != ""]
            if len(found) == 1:
                return dict(found[0])
        return None

    def known(self, event_id: int, checksums: Sequence[str]) -> set[str]:
        """Return those checksums (SHA-256, hex) whose photos the event already has, failed ones excepted."""
        path = f"/api/photographer/events/{event_id}/known-checksums"
        answer = self.call("POST", path, {"sha256": list(checksums)})
        return {each["sha256"] for each in answer["known"] if each["processing_status"] != "failed"}

    def send(self, event_id: int, path: Path, sent: Callable[[int], None]) -> str | None:
        """Send one photo; return the reason if the service refused this file, else None.

        `sent` is called with the number of bytes of each chunk as it is sent.

        Raises:
            Unreadable: the file cannot be read.
            Away: the service is down or busy.
            Broken: the service answered with a 5xx status.
            Refused: the service refused the whole request.
        """
        body, headers = form(path, sent)
        where = f"/api/photographer/events/{event_id}/upload-photos"
        answer = self._send_once("POST", where, body, headers, self._token)
        return answer["rejected"][0]["error"] if answer["rejected"] else None

    def renew(self, expired: str | None = None) -> None:
        """Log in again; if several threads report the same `expired` token, only the first one does.

        Raises:
            Refused: the password is no longer right.
            Away: the service is down or busy.
            Broken: the service answered with a 5xx status.
        """
        with self._lock:
            if expired is None or expired == self._token:
                self.log_in(*self._login)

    def send_body(self, method: str, path: str, body: Iterator[bytes], headers: Mapping[str, str]) -> Any:
        """Send a body in chunks; return the JSON of the answer.

        Raises:
            Away, Broken, Refused: as `send`.
        """
        return self._send_once(method, path, body, headers, self._token)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send JSON, after a new login if the token has expired; return the JSON of the answer.

        Raises:
            Away, Broken, Refused: as `send`.
        """
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        token = "" if path == "/api/login" else self._token
        try:
            return self._send_once(method, path, data, headers, token)
        except Refused as refusal:
            if refusal.status != 401 or not token:
                raise
        self.renew(token)
        return self._send_once(method, path, data, headers, self._token)

    def _request(self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None) -> Request:
        asked = Request(self._server + quote(path), data, dict(headers or {}), method=method)  # noqa: S310
        asked.add_header("Accept", "application/json")
        asked.add_header("Accept-Language", self._language)
        if asked.type not in ("http", "https"):
            raise ValueError(asked.type)
        return asked

    def _send_once(self, method: str, path: str, data: Any, headers: Mapping[str, str], token: str) -> Any:
        asked = self._request(method, path, data, headers)
        if token:
            asked.add_header("Authorization", f"Bearer {token}")
        try:
            with urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http alone
                return json.load(answer)
        except HTTPError as error:
            raise error_of(error) from error
        # ValueError: the answer is not JSON, so a proxy or a captive portal sent it.
        except (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError) as error:
            raise Dropped from error


def _loose(code: str) -> str:
    """Return the letters and digits of a code, with 0 for O and 1 for I and L, as the service reads typed codes."""
    kept = "".join(each for each in _comparable(code) if each.isalnum())
    return kept.translate(str.maketrans("oil", "011"))


def _comparable(code: str) -> str:
    return unicodedata.normalize("NFKC", code).strip().casefold()
