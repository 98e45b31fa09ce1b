"""Measures the time from a photo that is sent to the mail and push that tell its guest; or kills workers meanwhile.

`python -m bench.notify [--postgresql] [--guests 30] [--photos 4] [--kill SECONDS]`: a server with two workers and the
fake engine, a mail server and a push service; quiet time and interval are zero. Each photo shows one guest. With
`--kill 2`, a worker is killed with SIGKILL every 2 s: no photo may go untold, and a repeated message must have the id
of the first.
"""

import argparse
import os
import random
import re
import signal
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx2
from sqlalchemy import text

from database import make_engine
from faces.fake import fake_colour, fake_photo
from settings import Settings
from testkit.mail_server import Mailbox, mail_server
from testkit.passwords import PASSWORD
from testkit.postgres import databases
from testkit.push_service import Browser, PushService, push_service
from testkit.servers import (
    CHEAP_APP,
    TLS,
    Api,
    BenchError,
    Launcher,
    Server,
    create_event,
    temporary_folder,
    wait_until,
)

COUNT = re.compile(r"(\d+) new photo")
PAUSE_SECONDS = 0.3
RETRY_SECONDS = 0.2
SETTLE_SECONDS = 120.0
# Where it is day: nobody is told from 2 to 8.
ZONES = ((20, "UTC"), (24, "America/Los_Angeles"))


@dataclass(frozen=True)
class Plan:
    """How many guests, photos of each, and seconds between two kills (0: none)."""

    guests: int = 30
    photos: int = 4
    kill_seconds: float = 0.0


@dataclass
class Told:
    """What one guest was told on one channel: the number of photos by the message's id, in the order of arrival."""

    counts: dict[str, int] = field(default_factory=dict)
    # When the guest had been told of so many photos.
    reached: list[tuple[int, float]] = field(default_factory=list)
    repeats: int = 0

    def add(self, message_id: str, count: int, at: float) -> None:
        """Add a message. A repeat has the id of the first, and perhaps counts what came since."""
        self.repeats += message_id in self.counts
        self.counts[message_id] = max(count, self.counts.get(message_id, 0))
        self.reached.append((self.total, at))

    @property
    def total(self) -> int:
        """The number of photos that the guest was told of."""
        return sum(self.counts.values())

    def delays(self, sent: list[float]) -> list[float]:
        """Return, for each photo in the order in which they were sent, the seconds until the guest was told of it."""
        return [next(at for total, at in self.reached if total > place) - since for place, since in enumerate(sent)]


@dataclass
class Outcome:
    """What a run shows: seconds by channel, guests who were not told of all photos, repeats and kills."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    untold: list[str] = field(default_factory=list)
    told_too_often: list[str] = field(default_factory=list)
    repeats: int = 0
    kills: int = 0


def zone_by_day(now: datetime) -> str:
    """Return a time zone in which it is between 8 and 2 for the next hours."""
    hour = now.astimezone(UTC).hour
    return "Pacific/Auckland" if hour < 8 else next(zone for until, zone in ZONES if hour < until)


class Party:
    """The guests of a run, each with a confirmed address and a device, and what they were told."""

    def __init__(self, server: Server, plan: Plan, box: Mailbox, push: PushService, database_url: str) -> None:
        self._server, self._plan, self._box, self._push = server, plan, box, push
        self.event = create_event(server, timezone=zone_by_day(datetime.now(UTC)))
        self.browsers: dict[str, Browser] = {}
        self.sent: dict[str, list[float]] = defaultdict(list)
        for number in range(plan.guests):
            self._join(number, database_url)

    def _join(self, number: int, database_url: str) -> None:
        name = f"guest{number:02d}"
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        body = {"user_data": account, "event_code": self.event.code}
        Api(self._server).call("POST", "/api/register-with-event-code", json=body)
        _confirm(database_url, account["email"])
        guest = Api(self._server).logged_in(name, PASSWORD, self.event.code)
        selfie = {"file": ("me.jpg", fake_photo([fake_colour(number)]), "image/jpeg")}
        guest.call("POST", "/api/upload-selfie", files=selfie)
        wait_until(lambda: guest.call("GET", "/api/rematch-status")["status"] == "done", 60, "a portrait")
        path = f"/api/user/events/{self.event.id}/notifications"
        self.browsers[name] = self._push.browser()
        guest.call("PUT", f"{path}/device", json=self.browsers[name].subscription, headers=ENGLISH)
        guest.call("PUT", f"{path}/email", headers=ENGLISH)

    def send_photos(self) -> None:
        """Send the photos, one guest after the other, each as often as it takes while workers die."""
        for turn in range(self._plan.photos):
            for number, name in enumerate(self.browsers):
                data = fake_photo([fake_colour(number)], quality=90 - turn)
                self.sent[name].append(time.time())
                self._insist(number, data)
                time.sleep(PAUSE_SECONDS)

    def _insist(self, number: int, data: bytes) -> None:
        path = f"{self._server.url}/api/photographer/events/{self.event.id}/upload-photos"
        headers = {"Authorization": f"Bearer {self.event.photographer.token}"}
        files = [("files", (f"IMG_{number}.jpg", data, "image/jpeg"))]
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            if time.monotonic() > end:
                raise BenchError("the server did not come back")
            with suppress(httpx2.TransportError):
                answer = httpx2.post(path, files=files, headers=headers, timeout=30, verify=TLS)
                if answer.status_code == 200:
                    return
            time.sleep(RETRY_SECONDS)

    def told(self) -> dict[str, dict[str, Told]]:
        """Return what each guest was told, by channel."""
        found = {channel: {name: Told() for name in self.browsers} for channel in ("mail", "push")}
        for recipient, message in list(self._box.received):
            if message["List-Unsubscribe"]:
                found["mail"][recipient.split("@")[0]].add(*_mail(message))
        names = {browser.endpoint.removeprefix(self._push.origin): name for name, browser in self.browsers.items()}
        for each in list(self._push.received):
            notification = each.message["notification"]
            found["push"][names[each.path]].add(notification["tag"], _count(notification["body"]), each.at)
        return found

    def all_told(self) -> bool:
        """Return whether every guest was told of every photo on both channels."""
        return all(each.total >= self._plan.photos for of in self.told().values() for each in of.values())

    def outcome(self) -> Outcome:
        """Return what the run shows."""
        outcome = Outcome()
        for channel, guests in self.told().items():
            for name, each in guests.items():
                outcome.repeats += each.repeats
                if each.total < self._plan.photos:
                    outcome.untold.append(f"{name} by {channel}: {each.total}")
                    continue
                if each.total > self._plan.photos:
                    outcome.told_too_often.append(f"{name} by {channel}: {each.total}")
                outcome.seconds[channel] += each.delays(self.sent[name])
        return outcome


ENGLISH = {"Accept-Language": "en"}


def _confirm(database_url: str, address: str) -> None:
    engine = make_engine(Settings(database_url=database_url))
    with engine.begin() as connection:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        connection.execute(
            text("UPDATE users SET email_confirmed_at = :now WHERE email = :address"),
            {"now": now, "address": address},
        )
    engine.dispose()


def _mail(message: EmailMessage) -> tuple[str, int, float]:
    return str(message["Message-ID"]), _count(str(message["Subject"])), float(message["X-Received-At"])


def _count(sentence: str) -> int:
    found = COUNT.search(sentence)
    assert found is not None, sentence
    return int(found[1])


class Killer:
    """Kills a worker every few seconds, until it is stopped."""

    def __init__(self, launcher: Launcher, seconds: float) -> None:
        self.kills = 0
        self._launcher, self._seconds = launcher, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        if seconds:
            self._thread.start()

    def _loop(self) -> None:
        while not self._over.wait(self._seconds):
            workers = self._launcher.workers()
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(random.choice(workers), signal.SIGKILL)
                    self.kills += 1

    def stop(self) -> None:
        """Kill no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()


def run(folder: Path, database_url: str | None, plan: Plan) -> Outcome:
    """Run the service in `folder`, and return what guests were told.

    Raises:
        BenchError: a step failed.
    """
    folders = [folder / name for name in ("mails", "pushes")]
    for each in folders:
        each.mkdir()
    with mail_server(folders[0]) as mails, push_service(folders[1]) as push:
        settings = {
            **mails.box.settings,
            **push.settings,
            "PUBLIC_URL": "",
            "FACE_RECOGNIZER_PROVIDER": "fake",
            "GUNICORN_WORKERS": "2",
            "NOTIFY_QUIET_SECONDS": "0",
            "NOTIFY_INTERVAL_SECONDS": "0",
            "RATE_REGISTRATIONS_MINUTE": "0",
            # A killed process loses its claim, and is not to be waited for.
            **({"JOB_LEASE_SECONDS": "6", "JOB_HEARTBEAT_SECONDS": "2"} if plan.kill_seconds else {}),
        }
        launcher = Launcher(folder, database_url, app=CHEAP_APP, **settings)
        try:
            party = Party(launcher.start(), plan, mails.box, push, launcher.environment["DATABASE_URL"])
            killer = Killer(launcher, plan.kill_seconds)
            party.send_photos()
            # Messages of the last photos are sent while workers die, too.
            _wait(party.all_told, 5 * plan.kill_seconds)
            killer.stop()
            _wait(party.all_told, SETTLE_SECONDS)
            assert push.problems == [], push.problems
            outcome = party.outcome()
            outcome.kills = killer.kills
            return outcome
        finally:
            launcher.stop()


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until everybody is told, or so long: the outcome then names who was not."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.5)


def report(outcome: Outcome) -> int:
    """Print the figures; return 1 if a photo went untold."""
    for channel, seconds in sorted(outcome.seconds.items()):
        cuts = statistics.quantiles(seconds, n=20)
        print(
            f"{channel}: {len(seconds)} photos, p50 {statistics.median(seconds):.1f} s, p95 {cuts[18]:.1f} s, "
            f"longest {max(seconds):.1f} s"
        )
    print(f"{outcome.kills} kills, {outcome.repeats} repeats, each with the id of the first")
    for name, found in (("not told of all", outcome.untold), ("told of more than there are", outcome.told_too_often)):
        print(f"{name}: {', '.join(found) or 'nobody'}")
    return 1 if outcome.untold or outcome.told_too_often else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--guests", type=int, default=30)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--kill", type=float, default=0.0)
    given = parser.parse_args()
    with temporary_folder() as place, databases(place, given.postgresql) as new_database:
        sys.exit(report(run(place, new_database(), Plan(given.guests, given.photos, given.kill))))
