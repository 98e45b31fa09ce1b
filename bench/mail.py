"""Measures whether the time of a reset tells known from unknown addresses, and what a hung mail server costs.

`python -m bench.mail [--requests 300]`: a server on SQLite, whose mail server accepts connections and never answers.
Known and unknown addresses take turns; beside them `check-event-code`, with and without mails that wait.
"""

import argparse
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2

from testkit.servers import TLS, create_event, run_server, temporary_folder

PASSWORD = "a long sentence for a bench"  # noqa: S105 - of accounts that live for the run


@contextmanager
def silent_mail_server() -> Iterator[int]:
    """Accept connections and never say a word; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])


def timed(call: Callable[[], httpx2.Response]) -> float:
    """Return the milliseconds of a call that must succeed."""
    began = time.perf_counter()
    answer = call()
    assert answer.status_code == 200, answer.text
    return (time.perf_counter() - began) * 1000


def line(name: str, times: list[float]) -> str:
    """Return the median, the mean and the 99th percentile of times in milliseconds."""
    p99 = statistics.quantiles(times, n=100)[98]
    return f"{name:36} p50 {statistics.median(times):6.2f}  mean {statistics.mean(times):6.2f}  p99 {p99:6.2f} ms"


def measure(folder: Path, requests: int) -> None:
    """Run the server and print the figures."""
    with silent_mail_server() as port:
        mail = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "bench@example.org",
        }
        with (
            run_server(folder, os.environ.get("DATABASE_URL"), **mail) as server,
            httpx2.Client(base_url=server.url, verify=TLS) as http,
        ):
            event = create_event(server, password=PASSWORD)

            def check() -> httpx2.Response:
                return http.post("/api/check-event-code", json={"event_code": event.code})

            def reset(address: str) -> httpx2.Response:
                return http.post("/api/password-reset", json={"email": address})

            print(line("check-event-code, no mail waits", [timed(check) for _ in range(requests)]))
            known, unknown, beside = list[float](), list[float](), list[float]()
            for number in range(requests):
                known.append(timed(partial(reset, "lea@example.org")))
                unknown.append(timed(partial(reset, f"unknown{number}@example.org")))
                beside.append(timed(check))
            print(line("password-reset, known address", known))
            print(line("password-reset, unknown address", unknown))
            print(line("check-event-code, mail server hangs", beside))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    given = parser.parse_args()
    with temporary_folder() as place:
        measure(place, given.requests)
