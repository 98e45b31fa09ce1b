"""The people of a run while processes are killed: guests and a photographer who send until they are answered."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import cv2
import httpx2
import numpy as np

from faces.local import LocalEngine
from testkit.passwords import PASSWORD
from testkit.sample_pictures import sample_file
from testkit.servers import TLS, BenchError, Server, create_event, wait_until

RETRY_SECONDS = 0.3
GIVE_UP_SECONDS = 120.0
SETTLE_SECONDS = 300.0
# Statuses after which the same call is sent again.
PASSING = (502, 503, 504)


@dataclass(frozen=True)
class Plan:
    """How many guests and photos arrive, and in how many seconds."""

    seconds: float = 60.0
    guests: int = 40
    photos: int = 200


@dataclass(slots=True)
class Outcome:
    """What was accepted, and its state at the end."""

    accepted_selfies: int = 0
    accepted_photos: int = 0
    unfinished: list[str] = field(default_factory=list)
    duplicates: int = 0
    kills: int = 0
    swept: int = 0
    left_orphans: int = 0
    matches: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0


# --- people and pictures -----------------------------------------------------------------------------


def _jpeg(picture: "np.ndarray[Any, Any]") -> bytes:
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def make_pictures(plan: Plan) -> tuple[list[bytes], list[bytes]]:
    """Return the photos and one selfie per guest: six real people, each picture with noise of its own."""
    group = np.asarray(cv2.imread(str(sample_file("insightface", "data/images/t1.jpg"))))
    boxes = [[round(value) for value in face.box] for face in LocalEngine().locate(group)]
    dice = np.random.default_rng(1)

    def noisy(picture: "np.ndarray[Any, Any]") -> bytes:
        noise = dice.integers(-4, 5, picture.shape, np.int16)
        return _jpeg(np.clip(picture.astype(np.int16) + noise, 0, 255).astype(np.uint8))

    photos, selfies = [], []
    for number in range(plan.photos):
        left = (number * 37) % (group.shape[1] // 2)
        photos.append(noisy(group[:, left : left + group.shape[1] // 2]))
    for number in range(plan.guests):
        x, y, width, height = boxes[number % len(boxes)]
        margin = height // 2
        cut = group[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
        selfies.append(noisy(np.asarray(cv2.resize(cut, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC))))
    return photos, selfies


# --- sending, whatever happens ----------------------------------------------------------------------


def insist(send: Callable[[], Any]) -> Any:
    """Send a call until it gets an answer that is not temporary, as a phone does.

    Raises:
        BenchError: no answer within two minutes.
    """
    end = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < end:
        with suppress(httpx2.TransportError):
            answer = send()
            if answer.status_code not in PASSING:
                return answer
        time.sleep(RETRY_SECONDS)
    raise BenchError("the server did not come back")


class Crowd:
    """The guests and the photographer of one run."""

    def __init__(self, server: Server, plan: Plan, outcome: Outcome) -> None:
        self._url, self._plan, self._outcome = server.url, plan, outcome
        self._lock = threading.Lock()
        event = create_event(server, "lea", PASSWORD, event_code="CHAOS")
        self.admin, self.event_id = event.admin, event.id
        self.tokens: dict[str, str] = {}
        self.photographer = self.token("lea")

    def request(self, method: str, path: str, token: str | None = None, **kwargs: Any) -> Any:
        """Send a call until it is answered."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return insist(
            lambda: httpx2.request(method, self._url + path, headers=headers, timeout=60, verify=TLS, **kwargs)
        )

    def token(self, name: str, password: str = PASSWORD) -> str:
        """Log in and return the token."""
        answer = self.request("POST", "/api/login", json={"username": name, "password": password})
        if answer.status_code != 200:
            raise BenchError(f"{name} cannot log in: {answer.status_code} {answer.text}")
        return str(answer.json()["access_token"])

    def guest(self, number: int, selfie: bytes) -> None:
        """Register, log in, send the selfie."""
        name = f"guest{number:03d}"
        data = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        body = {"user_data": data, "event_code": "CHAOS"}
        answer = self.request("POST", "/api/register-with-event-code", json=body)
        # If the answer to a registration was lost, the second try finds the account taken.
        if answer.status_code != 200 and answer.json().get("error") != "AccountTaken":
            raise BenchError(f"{name} cannot register: {answer.status_code} {answer.text}")
        token = self.token(name)
        answer = self.request("POST", "/api/upload-selfie", token, files={"file": ("s.jpg", selfie, "image/jpeg")})
        if answer.status_code != 200:
            raise BenchError(f"the selfie of {name} was refused: {answer.status_code} {answer.text}")
        with self._lock:
            self.tokens[name] = token
            self._outcome.accepted_selfies += 1

    def photo(self, number: int, data: bytes) -> None:
        """Send one photo."""
        path = f"/api/photographer/events/{self.event_id}/upload-photos"
        files = [("files", (f"p{number:03d}.jpg", data, "image/jpeg"))]
        answer = self.request("POST", path, self.photographer, files=files)
        if answer.status_code != 200 or answer.json()["rejected"]:
            raise BenchError(f"photo {number} was refused: {answer.status_code} {answer.text}")
        with self._lock:
            self._outcome.accepted_photos += 1

    def arrive(self, photos: list[bytes], selfies: list[bytes]) -> None:
        """Send everything, evenly over the plan's seconds."""
        began = time.monotonic()

        def at(share: float, send: Callable[[], None]) -> None:
            time.sleep(max(0.0, began + share * self._plan.seconds - time.monotonic()))
            send()

        with ThreadPoolExecutor(24) as pool:
            arrivals = [
                (number / len(selfies), lambda n=number, s=selfie: self.guest(n, s))
                for number, selfie in enumerate(selfies)
            ] + [
                (number / len(photos), lambda n=number, p=photo: self.photo(n, p))
                for number, photo in enumerate(photos)
            ]
            arrivals.sort(key=lambda arrival: arrival[0])
            for each in [pool.submit(at, share, send) for share, send in arrivals]:
                each.result()

    def settle(self) -> None:
        """Wait until no job is left."""
        try:
            wait_until(lambda: not self._waiting(), SETTLE_SECONDS, "the queue to empty")
        except BenchError as problem:
            raise BenchError(f"{problem}; still there: {self._waiting()}") from problem

    def _waiting(self) -> dict[str, int]:
        """Return how many jobs of each kind are left."""
        kinds = self.admin.call("GET", "/api/admin/jobs")["kinds"]
        left = {name: kind["pending"] + kind["processing"] for name, kind in kinds.items()}
        return {name: number for name, number in left.items() if number}

    def examine(self) -> None:
        """Record the final state of everything that was accepted."""
        path = f"/api/photographer/events/{self.event_id}/photos"
        photos = self.request("GET", path, self.photographer).json()
        names = [photo["original_filename"] for photo in photos]
        self._outcome.duplicates = len(names) - len(set(names))
        for photo in photos:
            if photo["processing_status"] != "done":
                self._outcome.unfinished.append(f"{photo['original_filename']}: {photo['error']}")
        self._outcome.unfinished += sorted({f"p{n:03d}.jpg" for n in range(self._plan.photos)} - set(names))
        for name, token in sorted(self.tokens.items()):
            state = self.request("GET", "/api/rematch-status", token).json()
            if state["status"] != "done":
                self._outcome.unfinished.append(f"{name}: {state}")
            found = self.request("GET", "/api/my-photos", token).json()
            self._outcome.duplicates += len(found) - len({photo["id"] for photo in found})
            self._outcome.matches[name] = {p["original_filename"]: p["confidence_score"] for p in found}
