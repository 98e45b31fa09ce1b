"""Load test: guests and photographers as in real use, at an event made by `python -m bench.load_event`.

    locust -f locust_file.py --users=30 --spawn-rate=1 --run-time=5m --headless --html=report.html --csv=report
    locust -f locust_file.py --headless --arrival-rate=6 --arrival-seconds=60

Closed loop: a fixed number of guests; each journey takes 60 s, then a new guest starts. Open loop (`--arrival-rate`):
guests start at this rate, however slow the server is, and each makes one journey. A journey fails unless exactly the
guest's photos are found. A 503 with Retry-After is not a failure: the guest waits and repeats the request.
"""

import itertools
import json
import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import gevent
from locust import LoadTestShape, constant, events, task
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment

from bench.load_plan import DEFAULT_PLAN, LoadGuest, LoadPlan, NoLoadEvent, read_plan, unique

JOURNEY_SECONDS = 60.0
# Between two steps of a journey: the shortest and the longest pause.
THINK_SECONDS = (0.5, 2.0)
POLL_SECONDS = 0.5
MATCH_SECONDS = 90.0
# How often one request is repeated after a 503.
MOST_WAITS = 20
FOREVER = 1e6
THUMBNAILS = 4
PASSWORD = "load test password"  # noqa: S105 - of accounts that live for the test
OPEN_LOOP = any(word.startswith("--arrival-rate") for word in sys.argv)
CHECK, AVAILABLE, VALIDATE = "check-event-code", "check-user-availability", "validate-selfie"
REGISTER, LOGIN, UPLOAD = "register-with-event-code", "login", "upload-selfie"
FOUND, JOURNEY = "selfie to matches", "guest journey"
# In ms: the 95th percentile in closed loop with 30 guests ("closed") and 300 ("wide"), the 99th in open loop.
GOALS = {
    "closed": {CHECK: 20, AVAILABLE: 40, LOGIN: 150, REGISTER: 200, UPLOAD: 250, FOUND: 3000},
    "wide": {CHECK: 100, AVAILABLE: 300, LOGIN: 500, REGISTER: 2000, UPLOAD: 3000},
    "open": {CHECK: 100, AVAILABLE: 300, LOGIN: 500, REGISTER: 2000, UPLOAD: 3000, FOUND: 60_000},
}


class Shared:
    """The state that all simulated users of this process share; `rate` is in guests per second."""

    plan: LoadPlan
    goals = "closed"
    guests = itertools.count()
    waits = wait = 0
    arrived = finished = expected = 0
    rate = seconds = began = 0.0


@events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    parser.add_argument("--plan", default=str(DEFAULT_PLAN), help="the prepared event")
    parser.add_argument("--photographers", type=int, default=1, help="users that upload photos")
    parser.add_argument("--arrival-rate", type=float, default=0.0, help="open loop: guests per second")
    parser.add_argument("--arrival-seconds", type=float, default=60.0, help="open loop: for how long")
    parser.add_argument("--wait", type=int, default=0, help="seconds that a call for the state waits; 0: ask again")
    parser.add_argument("--goals", choices=sorted(GOALS), default="", help="which goals the table shows")
    parser.add_argument("--results", default="", help="write the table as JSON to this file")


@events.init.add_listener
def _prepare(environment: Environment, **_: Any) -> None:
    options: Any = environment.parsed_options
    try:
        Shared.plan = read_plan(Path(options.plan))
    except NoLoadEvent as problem:
        print(problem, file=sys.stderr, flush=True)
        os._exit(1)
    environment.host = environment.host or Shared.plan.server
    PhotographerJourney.fixed_count = options.photographers
    Shared.rate, Shared.seconds, Shared.wait = options.arrival_rate, options.arrival_seconds, options.wait
    Shared.expected = int(Shared.rate * Shared.seconds)
    Shared.goals = options.goals or ("open" if OPEN_LOOP else "closed")


class Caller(FastHttpUser):
    """A simulated user: repeats requests after a 503, and reports other statuses than 200 as failures."""

    abstract = True
    wait_time = constant(0)
    token = ""

    def ask(self, method: str, path: str, name: str, **kwargs: Any) -> Any:
        """Return the JSON or bytes of the 200 answer, after waiting as 503s ask; None if the request failed."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers.update(kwargs.pop("headers", {}))
        for _ in range(MOST_WAITS):
            with self.client.request(
                method, path, name=name, headers=headers, catch_response=True, **kwargs
            ) as answer:
                if answer.status_code == 200:
                    kind = (answer.headers or {}).get("content-type", "")
                    return json.loads(answer.content) if "json" in kind else answer.content
                pause = (answer.headers or {}).get("retry-after", "") if answer.status_code == 503 else ""
                if not pause.isdigit():
                    answer.failure(f"{answer.status_code}: {(answer.text or '')[:120]}")
                    return None
                Shared.waits += 1
                answer.request_meta["name"] = f"{name} (told to wait)"
                answer.success()
            gevent.sleep(int(pause))
        return None

    def send_file(self, path: str, name: str, field: str, files: list[tuple[str, bytes]]) -> Any:
        """POST files as a multipart form; returns as `ask`."""
        boundary = uuid.uuid4().hex
        parts = []
        for filename, data in files:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
            parts += [head.encode(), b"Content-Type: image/jpeg\r\n\r\n", data, b"\r\n"]
        body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.ask("POST", path, name, data=body, headers=headers)

    def note(self, name: str, began: float, problem: str | None = None) -> None:
        """Report the duration of several requests under one name; `problem` makes it a failure."""
        self.environment.events.request.fire(
            request_type="journey",
            name=name,
            response_time=(time.monotonic() - began) * 1000,
            response_length=0,
            exception=RuntimeError(problem) if problem else None,
            context={},
        )


class GuestJourney(Caller):
    """A guest: event code, account, selfie, photos."""

    @task
    def journey(self) -> None:
        """Make one journey; in closed loop then wait for the rest of the minute."""
        guest = next(Shared.guests)
        if OPEN_LOOP:
            # All guests exist from the start; each waits for its own time, which does not depend on the server.
            Shared.began = Shared.began or time.monotonic()
            gevent.sleep(max(0.0, Shared.began + guest / Shared.rate - time.monotonic()))
        began = time.monotonic()
        Shared.arrived += 1
        self.token = ""
        self.note(JOURNEY, began, self._travel(guest))
        Shared.finished += 1
        if OPEN_LOOP:
            self.client.client.clientpool.close()
            gevent.sleep(FOREVER)
        gevent.sleep(max(0.0, JOURNEY_SECONDS - (time.monotonic() - began)))

    def _think(self) -> None:
        gevent.sleep(random.uniform(*THINK_SECONDS))

    def _travel(self, number: int) -> str | None:
        """Do the steps of a journey; return the reason of its failure, or None."""
        plan = Shared.plan
        guest = plan.guests[number % len(plan.guests)]
        name = f"guest-{uuid.uuid4().hex[:12]}"
        code = {"event_code": plan.event_code}
        selfie = unique(Path(guest.selfie).read_bytes(), name)
        user = {"username": name, "email": f"{name}@example.org"}
        steps = (
            lambda: self.ask("POST", "/api/check-event-code", CHECK, json=code) == {"valid": True},
            lambda: self.ask("POST", "/api/check-user-availability", AVAILABLE, json={**user, **code}),
            lambda: self.send_file("/api/validate-selfie", VALIDATE, "file", [("selfie.jpg", selfie)]),
            lambda: self.ask("POST", "/api/check-event-code", CHECK, json=code) == {"valid": True},
            lambda: self.ask(
                "POST",
                "/api/register-with-event-code",
                REGISTER,
                json={"user_data": {**user, "password": PASSWORD}, **code},
            ),
            lambda: self._log_in(name, code),
            lambda: self.send_file("/api/upload-selfie", UPLOAD, "file", [("selfie.jpg", selfie)]),
        )
        for number, step in enumerate(steps):
            if number:
                self._think()
            if not step():
                return f"step {number + 1} failed"
        return self._see_photos(guest)

    def _log_in(self, name: str, code: dict[str, str]) -> bool:
        found = self.ask("POST", "/api/login", LOGIN, json={"username": name, "password": PASSWORD, **code})
        self.token = found["access_token"] if found else ""
        return bool(found)

    def _see_photos(self, guest: LoadGuest) -> str | None:
        began = time.monotonic()
        while True:
            waiting = f"?wait={Shared.wait}" if Shared.wait else ""
            state = self.ask("GET", f"/api/rematch-status{waiting}", "rematch-status")
            if state is None or state["status"] in ("error", "validation_failed"):
                return f"the matching ended as {state}"
            if state["status"] == "done":
                break
            if time.monotonic() - began > MATCH_SECONDS:
                return "the matching did not end"
            gevent.sleep(0 if Shared.wait else POLL_SECONDS)
        photos = self.ask("GET", "/api/my-photos", "my-photos")
        found = sorted(photo["original_filename"] for photo in photos or [])
        wrong = None if found == guest.photos else f"found {found}, not {guest.photos}"
        self.note(FOUND, began, wrong)
        if wrong is None:
            for photo in photos[:THUMBNAILS]:
                if not self.ask("GET", photo["thumbnail_url"], "thumbnail"):
                    return "a thumbnail did not come"
        return wrong


class PhotographerJourney(Caller):
    """A photographer: uploads ten photos and reads the list, about every ten seconds. Closed loop only."""

    abstract = OPEN_LOOP
    wait_time = constant(8)
    fixed_count = 1

    @task
    def batch(self) -> None:
        """Upload ten photos that show no guest."""
        plan = Shared.plan
        if not self.token:
            body = {"username": plan.photographer, "password": plan.password}
            self.token = (self.ask("POST", "/api/login", "login (photographer)", json=body) or {}).get(
                "access_token", ""
            )
        if not plan.more_photos or not self.token:
            return
        files = []
        for _ in range(10):
            path = Path(random.choice(plan.more_photos))
            files.append((path.name, unique(path.read_bytes(), uuid.uuid4().hex)))
        path_of_event = f"/api/photographer/events/{plan.event_id}"
        self.send_file(f"{path_of_event}/upload-photos", "upload-photos (10)", "files", files)
        self.ask("GET", f"{path_of_event}/photos?limit=50", "photographer's list")


if OPEN_LOOP:

    class Arrivals(LoadTestShape):
        """Starts all users at once, because each waits for its own time, and ends after the last journey."""

        use_common_options = True

        def tick(self) -> tuple[int, float] | None:
            """Return the number of users and the spawn rate; None ends the test: all have finished, or time is up."""
            if Shared.finished >= Shared.expected or self.get_run_time() > Shared.seconds + 2 * MATCH_SECONDS:
                return None
            return Shared.expected, float(Shared.expected)


def _rows(environment: Environment) -> dict[str, dict[str, Any]]:
    goals, rows = GOALS[Shared.goals], {}
    at = 0.99 if Shared.goals == "open" else 0.95
    for (name, _), entry in sorted(environment.stats.entries.items()):
        worst = entry.get_response_time_percentile(at) or 0
        rows[name] = {
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            "p50": entry.get_response_time_percentile(0.5),
            "p95": entry.get_response_time_percentile(0.95),
            "p99": entry.get_response_time_percentile(0.99),
            "goal": goals.get(name),
            "met": None if name not in goals else bool(worst <= goals[name]),
        }
    return rows


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    """Print the measurements with their goals; the exit status is 1 if a request or a journey failed."""
    rows = _rows(environment)
    which = "p99" if Shared.goals == "open" else "p95"
    print(f"\n{'':34}{'number':>8}{'failed':>8}{'p50':>8}{'p95':>8}{'p99':>8}   goal ({which}), ms")
    for name, row in rows.items():
        goal = "" if row["goal"] is None else f"{row['goal']} {'met' if row['met'] else 'MISSED'}"
        print(
            f"{name:34}{row['requests']:8}{row['failures']:8}{row['p50'] or 0:8.0f}{row['p95'] or 0:8.0f}"
            f"{row['p99'] or 0:8.0f}   {goal}"
        )
    failures = sum(row["failures"] for row in rows.values())
    summary = {"arrived": Shared.arrived, "finished": Shared.finished, "waits": Shared.waits, "failures": failures}
    print(f"{Shared.arrived} guests came, {Shared.finished} finished, {Shared.waits} answers asked to wait")
    options: Any = environment.parsed_options
    if options.results:
        Path(options.results).write_text(json.dumps({**summary, "which": which, "calls": rows}, indent=1))
    journeys = rows.get(JOURNEY, {}).get("requests", 0)
    environment.process_exit_code = 1 if failures or not journeys else 0
