"""Requests a second of `check-event-code` against a call of the same shape that returns a constant.

One worker of the real stack on one core, the generator on another: sixteen connections kept alive, the calls in turn.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from bench.constant_app import ASYNC_PATH, PATH
from bench.report import Drawing, Measured, Result, run_part
from bench.responsive import cpu_seconds
from testkit.servers import Launcher, create_event, temporary_folder

PART = "constant"
BOUND = 0.85
CONNECTIONS = 16
TURNS, QUICK_TURNS = 12, 2
TURN_SECONDS = 1.5
BODY = json.dumps({"event_code": "BENCH"}).encode()
CALLS = {"check-event-code": "/api/check-event-code", "constant": PATH, "constant, on the event loop": ASYNC_PATH}
WANTED = b'{"valid":true}'


class Wrong(Exception):
    """An answer that is not the one expected."""


class Caller(asyncio.Protocol):
    """A connection that sends the next request as soon as it has an answer, until `end`."""

    def __init__(self, request: bytes, end: float) -> None:
        self._request, self._end, self._seen = request, end, b""
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        # uvloop's transports do not descend from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count a complete answer and send the next request."""
        self._seen += data
        if not self._seen.endswith(WANTED):
            if len(self._seen) > 4096:
                self._fail()
            return
        if not self._seen.startswith(b"HTTP/1.1 200"):
            self._fail()
            return
        self._seen = b""
        self.answered += 1
        if time.perf_counter() < self._end:
            self._transport.write(self._request)
        elif not self.done.done():
            self._transport.close()
            self.done.set_result(self.answered)

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that the server closed the connection."""
        self._fail()

    def _fail(self) -> None:
        if not self.done.done():
            self.done.set_exception(Wrong(self._seen[:200].decode(errors="replace")))


async def _turn(host: str, port: int, path: str, seconds: float) -> float:
    kind = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{kind}\r\n\r\n"
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(CONNECTIONS):
        _, caller = await loop.create_connection(lambda: Caller(head.encode() + BODY, began + seconds), host, port)
        callers.append(caller)
    answered = await asyncio.wait_for(asyncio.gather(*(each.done for each in callers)), seconds + 30)
    return sum(answered) / (time.perf_counter() - began)


def rate(host: str, port: int, path: str, seconds: float) -> float:
    """Return the number of correct answers per second.

    Raises:
        Wrong: another answer, or none.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_turn(host, port, path, seconds))


def _server(folder: Path) -> Launcher:
    """Start the app on the first core and pin this process to the last."""
    cores = sorted(os.sched_getaffinity(0))
    launcher = Launcher(folder, app="bench.constant_app:app", GUNICORN_WORKERS="1")
    os.sched_setaffinity(0, cores[:1])
    try:
        launcher.start()
    finally:
        os.sched_setaffinity(0, cores[-1:])
    return launcher


def take_turns(launcher: Launcher, turns: int) -> tuple[dict[str, list[float]], float, dict[str, list[float]]]:
    """Return each call's rates turn by turn, the generator's share of its core, and the server's CPU a request."""
    host, port = launcher.url.removeprefix("http://").split(":")
    rates: dict[str, list[float]] = {name: [] for name in CALLS}
    cpu: dict[str, list[float]] = {name: [] for name in CALLS}
    began, used, pids = time.perf_counter(), time.process_time(), launcher.workers()
    for turn in range(-1, turns):
        for name, path in CALLS.items():
            before = cpu_seconds(pids)
            found = rate(host, int(port), path, TURN_SECONDS)
            if turn >= 0:
                rates[name].append(found)
                cpu[name].append((cpu_seconds(pids) - before) / (found * TURN_SECONDS))
    return rates, (time.process_time() - used) / (time.perf_counter() - began), cpu


def measure(quick: bool) -> Measured:
    """Measure on SQLite; the code is in the cache, as it is for all but the first guest."""
    cores = os.sched_getaffinity(0)
    with temporary_folder() as folder:
        launcher = _server(folder)
        try:
            create_event(launcher.server, event_code="BENCH")
            rates, share, cpu = take_turns(launcher, QUICK_TURNS if quick else TURNS)
        finally:
            launcher.stop()
            os.sched_setaffinity(0, cores)
    return Measured(PART, *_judged(rates, share, cpu))


def _judged(
    rates: dict[str, list[float]], share: float, cpu: dict[str, list[float]]
) -> tuple[list[Result], list[Drawing]]:
    call, same, quick = (statistics.median(rates[name]) for name in CALLS)
    ratios = [one / other for one, other in zip(rates["check-event-code"], rates["constant"], strict=True)]
    costs = statistics.median(cpu["constant"]) / statistics.median(cpu["check-event-code"])
    note = (
        f"{call:.0f} against {same:.0f} requests/s, one worker on one core; by turn {min(ratios):.2f} to "
        f"{max(ratios):.2f}; by CPU a request {costs:.2f}; the generator used {share:.0%} of its core"
    )
    results = [
        Result("check-event-code ÷ a constant of the same shape", statistics.median(ratios), "x", BOUND, True, note),
        Result("check-event-code ÷ a constant on the event loop", call / quick, "x", note=f"{quick:.0f} requests/s"),
    ]
    bars = {"requests a second": [(0.0, call), (1.0, same), (2.0, quick)]}
    return results, [Drawing("One worker on one core", "", "requests/s", bars, list(CALLS))]


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
