"""Guests and photos arrive while workers and whole servers are killed; at the end nothing accepted may be missing.

A calm run with the same people and pictures gives the expected matches.
"""

import argparse
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np

from faces.local import LocalEngine
from testkit.passwords import PASSWORD
from testkit.postgres import databases
from testkit.sample_pictures import sample_file
from testkit.servers import ROOT, TLS, BenchError, Launcher, Server, create_event, temporary_folder, wait_until

KILL_EVERY_SECONDS = 2.0
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

        left: dict[str, int] = {}

        def quiet() -> bool:
            kinds = self.admin.call("GET", "/api/admin/jobs")["kinds"]
            waiting = {name: kind["pending"] + kind["processing"] for name, kind in kinds.items()}
            left.clear()
            left.update({name: number for name, number in waiting.items() if number})
            return not left

        try:
            wait_until(quiet, SETTLE_SECONDS, "the queue to empty")
        except BenchError as problem:
            raise BenchError(f"{problem}; still there: {left}") from problem

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


# --- breaking things -----------------------------------------------------------------------------------


def wreck(launcher: Launcher, plan: Plan, outcome: Outcome, over: threading.Event) -> None:
    """Kill a worker every two seconds; stop the server a third of the way, kill it whole at two thirds."""
    dice, began = random.Random(3), time.monotonic()
    ends = [(plan.seconds / 3, launcher.stop), (plan.seconds * 2 / 3, launcher.kill)]
    while not over.wait(KILL_EVERY_SECONDS):
        if ends and time.monotonic() - began > ends[0][0]:
            ends.pop(0)[1]()
            launcher.start()
            outcome.kills += 1
        elif workers := launcher.workers():
            with suppress(ProcessLookupError):
                os.kill(dice.choice(workers), 9)
                outcome.kills += 1


def sweep(launcher: Launcher) -> int:
    """Move files without a row into the quarantine, with no grace period; return how many there were."""
    command = [sys.executable, "-m", "jobs.sweep", "--grace", "0"]
    done = subprocess.run(command, cwd=ROOT, env=launcher.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the sweep failed: {done.stderr[-300:]}")
    if "refuses" in done.stderr:
        raise BenchError(done.stderr[-300:])
    return int(done.stdout.split()[0])


def play(folder: Path, plan: Plan, *, calm: bool, database_url: str | None = None) -> Outcome:
    """Play one run, calm or not, and return what became of it.

    Raises:
        BenchError: something was refused or never ended.
    """
    folder.mkdir(exist_ok=True)
    outcome, over = Outcome(), threading.Event()
    photos, selfies = make_pictures(plan)
    launcher = Launcher(folder, database_url, JOB_LEASE_SECONDS="6", JOB_HEARTBEAT_SECONDS="2")
    began = time.monotonic()
    try:
        crowd = Crowd(launcher.start(), plan, outcome)
        wrecker = threading.Thread(target=wreck, args=(launcher, plan, outcome, over))
        if not calm:
            wrecker.start()
        try:
            crowd.arrive(photos, selfies)
        finally:
            over.set()
            if not calm:
                wrecker.join()
        crowd.settle()
        outcome.seconds = time.monotonic() - began
        crowd.examine()
        launcher.stop()
        outcome.swept = sweep(launcher)
        outcome.left_orphans = sweep(launcher)
    finally:
        launcher.kill()
    return outcome


def differences(calm: Outcome, wild: Outcome) -> list[str]:
    """Return sentences about what the run with kills lost, duplicated or matched differently."""
    found = [f"not done: {each}" for each in wild.unfinished]
    if wild.duplicates:
        found.append(f"{wild.duplicates} twice")
    if wild.left_orphans:
        found.append(f"{wild.left_orphans} files without a row")
    if not any(calm.matches.values()):
        found.append("the calm run matched nobody: nothing is proven")
    found += [
        f"{name}: {len(wild.matches.get(name, {}))} matches, calm {len(wanted)}: "
        f"{sorted(set(wild.matches.get(name, {}).items()) ^ set(wanted.items()))[:4]}"
        for name, wanted in calm.matches.items()
        if wild.matches.get(name) != wanted
    ]
    return found


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--guests", type=int, default=Plan.guests)
    parser.add_argument("--photos", type=int, default=Plan.photos)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server made for the run")
    parser.add_argument("--erasures", action="store_true", help="erase guests, photos and events meanwhile")
    asked = parser.parse_args()
    if asked.erasures:
        # It uses this module.
        from bench import erasures

        return erasures.run(Plan(asked.seconds, asked.guests, asked.photos), postgresql=asked.postgresql)
    plan, lost = Plan(asked.seconds, asked.guests, asked.photos), []
    with temporary_folder() as folder, databases(folder, asked.postgresql) as new_database:
        calm = play(folder / "calm", Plan(1, plan.guests, plan.photos), calm=True, database_url=new_database())
        wild = play(folder / "wild", plan, calm=False, database_url=new_database())
        lost = differences(calm, wild)
    print(
        f"{'PostgreSQL' if asked.postgresql else 'SQLite'}: {wild.accepted_selfies} selfies and "
        f"{wild.accepted_photos} photos accepted, {wild.kills} kills, all through after {wild.seconds:.0f} s "
        f"(calm: {calm.seconds:.0f} s); {sum(map(len, wild.matches.values()))} matches; {wild.swept} files swept"
    )
    print("nothing lost, nothing twice, matches as in the calm run" if not lost else "\n".join(lost))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
