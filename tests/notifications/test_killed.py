"""Processes that tell guests are killed every two seconds while photos arrive: none goes untold or is news twice."""

import os
import random
import re
import signal
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from bench.notify import zone_by_day
from database import forget_engine
from models import utcnow
from notifications.worker import NotifyThread
from settings import get_settings
from testkit.mail_server import MailServer
from testkit.push_service import PushService
from tests.conftest import DATABASES, fresh_database
from tests.notifications.people import Somebody, somebody

pytestmark = [pytest.mark.long, pytest.mark.server]
GUESTS, ROUNDS, KILL_SECONDS, SECONDS = 6, 24, 2.0, 24.0
COUNT = re.compile(r"(\d+) nouvelle")


@pytest.fixture(scope="module", params=DATABASES)
def at_once(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running: MailServer,
    pushing: PushService,
) -> Iterator[None]:
    """An empty database; guests are told at once."""
    settings = {
        **running.box.settings,
        **pushing.settings,
        "NOTIFY_QUIET_SECONDS": "0",
        "NOTIFY_INTERVAL_SECONDS": "0",
        "NOTIFY_POLL_SECONDS": "0.2",
        "JOB_LEASE_SECONDS": "3",
        "JOB_HEARTBEAT_SECONDS": "1",
    }
    with fresh_database(request, tmp_path_factory.mktemp("killed"), **settings):
        yield
    running.box.clear()
    pushing.clear()


class Workers:
    """Two processes that run the thread, as the service's do; each that dies is replaced."""

    def __init__(self) -> None:
        self.kills = 0
        self._pids = [self._start() for _ in range(2)]

    def _start(self) -> int:
        pid = os.fork()
        if pid == 0:
            # Of the parent's connections none is the child's.
            forget_engine(close=False)
            thread = NotifyThread(get_settings())
            thread.start()
            while True:
                time.sleep(60)
        return pid

    def kill_one(self) -> None:
        """Kill a process with SIGKILL, and start another."""
        place = random.randrange(len(self._pids))
        self._end(self._pids[place])
        self._pids[place] = self._start()
        self.kills += 1

    def stop(self) -> None:
        """Kill all."""
        for pid in self._pids:
            self._end(pid)

    @staticmethod
    def _end(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_no_photo_goes_untold(at_once: None, running: MailServer, pushing: PushService) -> None:
    # A dialogue takes a while, so that processes die in the middle of it and between it and the record.
    running.box.hang, pushing.hang = 0.15, 0.15
    guests = [somebody(f"Event {number}", zone_by_day(utcnow())) for number in range(GUESTS)]
    browsers = [pushing.browser() for _ in guests]
    for guest, browser in zip(guests, browsers, strict=True):
        guest.by_mail()
        guest.on(browser)
    workers, killed_at = Workers(), time.monotonic()
    try:
        for turn in range(ROUNDS):
            guests[turn % GUESTS].photos(1 + turn % 3, utcnow())
            while time.monotonic() < killed_at + KILL_SECONDS:
                time.sleep(SECONDS / ROUNDS / 4)
                if random.random() < 0.3:
                    break
            if time.monotonic() >= killed_at + KILL_SECONDS:
                workers.kill_one()
                killed_at = time.monotonic()
        while workers.kills < SECONDS / KILL_SECONDS:
            time.sleep(KILL_SECONDS)
            workers.kill_one()
        wanted = [sum(1 + turn % 3 for turn in range(place, ROUNDS, GUESTS)) for place in range(GUESTS)]
        end = time.monotonic() + 90
        while told(guests, running, pushing) != (wanted, wanted) and time.monotonic() < end:
            time.sleep(0.5)
        assert told(guests, running, pushing) == (wanted, wanted)
    finally:
        workers.stop()
    assert pushing.problems == []


def told(guests: list[Somebody], running: MailServer, pushing: PushService) -> tuple[list[int], list[int]]:
    """Return of how many photos each guest was told by mail and by push, repeats of a message counted once."""
    mails, pushes = defaultdict[str, dict[str, int]](dict), defaultdict[str, dict[str, int]](dict)
    for recipient, message in list(running.box.received):
        _add(mails[recipient], str(message["Message-ID"]), str(message["Subject"]))
    for each in list(pushing.received):
        notification = each.message["notification"]
        _add(pushes[notification["title"]], notification["tag"], notification["body"])
    return (
        [sum(mails[guest.user.email or ""].values()) for guest in guests],
        [sum(pushes[f"Event {number}"].values()) for number in range(len(guests))],
    )


def _add(counts: dict[str, int], name: str, sentence: str) -> None:
    found = COUNT.search(sentence)
    assert found is not None, sentence
    # The repeated message counts what came since.
    counts[name] = max(counts.get(name, 0), int(found[1]))
