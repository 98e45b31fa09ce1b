"""The storage does what the library `limits` expects, for several processes, and survives a damaged file."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from settings import ROOT, Settings
from tests.conftest import wait_until
from tests.throttling.clock import Clock
from throttling.counters import Counters, _make
from throttling.sqlite import PURGE_EVERY, SqliteStorage

STRATEGIES = (FixedWindowRateLimiter, MovingWindowRateLimiter)
# Two processes of this program share a limit; each prints how many hits it got through.
HITS = """
import sys
from pathlib import Path
from settings import Settings
from throttling.counters import _make
counters = _make(Settings(rate_limit_file=sys.argv[1], rate_limit_url=sys.argv[2]))
print(flush=True)
sys.stdin.readline()
fixed = sum(counters.add("fixed", 600) <= 100 for _ in range(150))
print(fixed, sum(counters.acquire("moving", 100, 600) for _ in range(150)))
"""


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server of this test's own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: _make(Settings(rate_limit_url=url)).storage.check())
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(params=("file", "redis"))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The two settings of each storage: a file, an address."""
    if request.param == "file":
        return str(tmp_path / "limits.db"), ""
    url: str = request.getfixturevalue("redis_url")
    _make(Settings(rate_limit_url=url)).reset()
    return "", url


@pytest.fixture
def storage(place: tuple[str, str]) -> Storage:
    return _make(Settings(rate_limit_file=place[0], rate_limit_url=place[1])).storage


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_strategies_of_the_library_work(storage: Storage, strategy: type[RateLimiter]) -> None:
    limiter, item = strategy(storage), RateLimitItemPerMinute(3)
    assert [limiter.hit(item, "amy") for _ in range(4)] == [True, True, True, False]
    assert not limiter.test(item, "amy")
    assert limiter.hit(item, "ben", cost=3)
    assert not limiter.hit(item, "ben")
    reset, remaining = limiter.get_window_stats(item, "amy")
    assert remaining == 0
    assert 55 < reset - time.time() <= 61
    limiter.clear(item, "amy")
    assert limiter.get_window_stats(item, "amy").remaining == 3
    assert limiter.hit(item, "amy")
    assert storage.check()
    assert (storage.reset() or 0) >= 2
    assert limiter.test(item, "ben", cost=3)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_window_ends(tmp_path: Path, strategy: type[RateLimiter]) -> None:
    clock, item = Clock(), RateLimitItemPerMinute(1)
    limiter = strategy(SqliteStorage(tmp_path / "limits.db", clock))
    assert limiter.hit(item, "amy")
    clock.pass_(59)
    assert not limiter.hit(item, "amy")
    clock.pass_(2)
    assert limiter.hit(item, "amy")


def test_a_moving_window_holds_at_any_moment(tmp_path: Path) -> None:
    clock = Clock()
    counters = Counters(SqliteStorage(tmp_path / "limits.db", clock), clock)
    through = []
    for second in range(300):
        if counters.acquire("amy", 10, 60):
            through.append(second)
        clock.pass_(1)
    assert all(sum(start <= each < start + 60 for each in through) <= 10 for start in range(240))
    assert len(through) >= 40


def test_two_processes_share_a_limit(place: tuple[str, str]) -> None:
    command = [sys.executable, "-c", HITS, *place]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in both:
        assert each.stdout is not None
        each.stdout.readline()
    for each in both:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    counts = [[int(number) for number in each.communicate(timeout=60)[0].split()] for each in both]
    # A call that finds the file busy for a tenth of a second passes uncounted.
    assert all(100 <= sum(column) <= 103 for column in zip(*counts, strict=True)), counts


@pytest.mark.parametrize("damage", ["garbage", "no tables", "deleted"])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "limits.db"
    running = Counters(SqliteStorage(path))
    assert running.add("before", 60) == 1
    if damage == "no tables":
        running.storage._run("DROP TABLE counters")  # type: ignore[attr-defined]
    else:
        for each in tmp_path.iterdir():
            each.unlink()
        if damage == "garbage":
            path.write_bytes(b"this is no database" * 1000)
    other = Counters(SqliteStorage(path))
    assert [each.add("after", 60) for each in (other, running, other)] == [1, 2, 3]


def test_a_full_file_is_replaced(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "limits.db")
    storage.incr("small", 60)
    storage._run("PRAGMA max_page_count = 20")
    for number in range(40):
        storage.incr(f"{number}" * 2000, 60)
    assert storage.get("39" * 2000) == 1
    assert storage.get("small") == 0


def test_expired_rows_are_deleted(tmp_path: Path) -> None:
    clock = Clock()
    storage = SqliteStorage(tmp_path / "limits.db", clock)
    for number in range(300):
        storage.incr(f"counter {number}", 60)
        storage.acquire_entry(f"list {number}", 5, 60)
    clock.pass_(61)
    for _ in range(4 * PURGE_EVERY):
        storage.incr("later", 60)
    rows = storage._run("SELECT (SELECT count(*) FROM counters) + (SELECT count(*) FROM entries)")
    assert rows[0][0] == 1


def connections(server: socket.socket) -> int:
    """Return how many connections wait to be accepted, and close them."""
    server.setblocking(False)
    number = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            number += 1
    return number


def test_calls_pass_quickly_while_redis_is_away(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as silent:
        # Accepts connections and never answers: the worst way of being away.
        silent.bind(("127.0.0.1", 0))
        silent.listen(200)
        counters = _make(Settings(rate_limit_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        began = time.thread_time()
        assert all(counters.acquire("amy", 1, 60) for _ in range(200))
        assert time.thread_time() - began < 2
        # The first call waits for an answer, 0.2 s; the others do not ask.
        assert connections(silent) == 1
    assert sum("LIMITS ARE NOT ENFORCED" in line for line in caplog.messages) == 1


def test_calls_pass_where_the_file_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    counters = _make(Settings(rate_limit_file=str(tmp_path / "taken" / "limits.db")))
    assert all(counters.acquire("amy", 1, 60) for _ in range(20))
    assert sum("LIMITS ARE NOT ENFORCED" in line for line in caplog.messages) == 1
