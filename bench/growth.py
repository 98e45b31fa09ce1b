"""How calls grow: availability and login with 1,000 and 1,000,000 users, a first page with 1,000 and 100,000 photos.

The service's own functions are called in this process, the small database and the large one in turn, on SQLite and on
PostgreSQL: HTTP costs the same for both and would hide the growth. Each call asks for another user.
"""

import secrets
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from accounts import queries as account_queries
from accounts.login import log_in
from accounts.passwords import hash_password
from accounts.service import NewAccount
from api.photos.schemas import PhotoOut
from bench.report import Drawing, Measured, Result, run_part
from database import reading, transaction
from events import service as events
from events.service import NewEvent
from guests import registration
from models import User
from photos import service as photos
from photos.queries import Page
from testkit.bulk_rows import add_selfies, add_users, fill_event, refresh_statistics
from testkit.in_process import service_in_process, use_database
from testkit.passwords import PASSWORD
from testkit.postgres import databases
from testkit.servers import temporary_folder

PART = "growth"
CODE = "GROWTH"
BOUND = 1.5
PAGE = 30
# The number of photos that show the guest, for every size of event.
SHOWN_IN = 60


@dataclass(frozen=True, slots=True)
class Scale:
    """The number of users and photos of each side, of turns, and of calls in a turn."""

    users: tuple[int, int]
    photos: tuple[int, int]
    turns: int
    calls: int


FULL = Scale((1_000, 1_000_000), (1_000, 100_000), 12, 150)
QUICK = Scale((1_000, 20_000), (1_000, 5_000), 4, 50)


@dataclass(frozen=True, slots=True)
class Side:
    """A filled database: where it is, how many users and photos, and the guest in the middle."""

    url: str
    users: int
    photos: int
    guest: User


def fill_side(folder: Path, database_url: str | None, users: int, photos_: int, shown_in: int = SHOWN_IN) -> Side:
    """Migrate and fill a database: an event with all the users, and a guest who is in old and new photos."""
    with service_in_process(folder, database_url, "fake") as url:
        event = events.create(NewEvent("Growth", event_code=CODE))
        account = NewAccount("middle", "middle@example.org", "")
        with transaction() as session:
            guest = registration.add_guest(session, account, hash_password(PASSWORD), CODE, "fr")
            add_selfies(session, [guest.id])
            few = min(users, 1_000)
            fill_event(
                session,
                event_id=event.id,
                user_id=guest.id,
                users=few,
                photos=photos_,
                shown_in=shown_in,
                spread=True,
            )
            add_users(session, event.id, users - few, "w")
            refresh_statistics(session)
        with reading() as session:
            found = account_queries.user(session, guest.id)
    assert found is not None
    return Side(url, users, photos_, found)


# --- calls ---------------------------------------------------------------------------------------


def availability(side: Side, number: int) -> None:
    """Ask for a name that is taken and an address that is not."""
    name, address = registration.availability(_name(side, number), f"{number}@nowhere.example", CODE)
    assert (name, address) == (True, False)


def login(side: Side, number: int) -> None:
    """Log the guest in."""
    assert log_in("middle", PASSWORD, CODE if number % 2 else None).access_token


def login_without_hash(side: Side, number: int) -> None:
    """Log a guest in with a password check that costs nothing, so that only look-up and token are measured."""
    with mock.patch("accounts.login.verify_password", return_value=True):
        assert log_in(_name(side, number), PASSWORD, CODE if number % 2 else None).access_token


def first_page(side: Side, number: int) -> None:
    """Read the guest's first page with links, and the total."""
    found = photos.photos_with(side.guest, None, Page(PAGE))
    shown = [PhotoOut.of(row, side.guest) for row in found.rows]
    assert (len(shown), found.total) == (PAGE, SHOWN_IN)


def _name(side: Side, number: int) -> str:
    few = min(side.users, 1_000)
    each = number * 7919 % side.users
    return f"u{each}" if each < few else f"w{each - few}"


CALLS: dict[str, Callable[[Side, int], None]] = {
    "availability": availability,
    "login without its hash": login_without_hash,
    "login": login,
    f"my-photos, first {PAGE}": first_page,
}
# A login spends its time in the hash.
FEWER = {"login": 10}


def take_turns(
    sides: tuple[Side, Side], call: Callable[[Side, int], None], turns: int, calls: int
) -> list[list[float]]:
    """Return the seconds of a call on each side: the median of each turn."""
    medians: list[list[float]] = [[], []]
    for turn in range(turns):
        for place in (0, 1) if turn % 2 else (1, 0):
            side, times = sides[place], list[float]()
            use_database(side.url)
            for number in range(-max(5, calls // 5), calls):
                # The first ones connect and read what every call reads.
                began = time.perf_counter()
                call(side, secrets.randbelow(side.users) if number < 0 else turn * calls + number)
                if number >= 0:
                    times.append(time.perf_counter() - began)
            medians[place].append(statistics.median(times))
    return medians


def _result(call: str, database: str, scale: Scale, medians: list[list[float]]) -> Result:
    small, large = (statistics.median(row) * 1000 for row in medians)
    ratios = [two / one for one, two in zip(*medians, strict=True)]
    sizes = scale.photos if call.startswith("my-photos") else scale.users
    what = "photos" if call.startswith("my-photos") else "users"
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return Result(
        f"{call}: {sizes[1]:,} {what} against {sizes[0]:,}, {database}",
        statistics.median(ratios),
        "x",
        BOUND,
        note=f"{small:.2f} ms and {large:.2f} ms; by turn {spread}",
    )


def measure_on(folder: Path, database: str, new_database: Callable[[], str | None], scale: Scale) -> list[Result]:
    """Fill both sides and measure every call on them."""
    made = []
    for place in (0, 1):
        (folder / str(place)).mkdir()
        began = time.perf_counter()
        made.append(fill_side(folder / str(place), new_database(), scale.users[place], scale.photos[place]))
        print(
            f"{database} with {scale.users[place]:,} users: filled in {time.perf_counter() - began:.0f} s", flush=True
        )
    sides = made[0], made[1]
    results = []
    for name, call in CALLS.items():
        medians = take_turns(sides, call, scale.turns, max(8, scale.calls // FEWER.get(name, 1)))
        results.append(_result(name, database, scale, medians))
    return results


def measure(quick: bool) -> Measured:
    """Measure on both databases."""
    results, bars = list[Result](), dict[str, list[tuple[float, float]]]()
    for name in ("SQLite", "PostgreSQL"):
        with temporary_folder() as folder, databases(folder, name == "PostgreSQL") as new_database:
            found = measure_on(folder, name, new_database, QUICK if quick else FULL)
        results += found
        bars[name] = [(float(place), row.value) for place, row in enumerate(found)]
    drawing = Drawing(
        "Time with a thousand times the users, or a hundred times the photos",
        "",
        "ratio",
        bars,
        list(CALLS),
        bound=BOUND,
    )
    return Measured(PART, results, [drawing])


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
