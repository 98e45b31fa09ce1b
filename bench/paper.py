"""What many events on one evening need, computed from measured constants: `python -m bench.paper`.

Each constant names the command that measures it; each assumption and each price can be given as an option
(`--events 1000 --price-core-hour 0.03`). Prices are assumptions to be replaced: they are nobody's offer.
"""

import argparse
from dataclasses import dataclass, fields

HOUR, GB, TB = 3600.0, 1e9, 1e12


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on two cores with AVX-512 BF16; PostgreSQL 18."""

    # docs/reliability.md, `python -m bench.responsive`: CPU of a 12-megapixel photo while others are served.
    photo_cpu: float = 0.330
    # docs/performance.md, `python -m bench.journey_cpu`: CPU of a guest's journey, the server's.
    guest_cpu: float = 0.214
    # `python -m bench.row_sizes`, PostgreSQL, six faces: bytes of rows and indexes, of the log, commits that write.
    photo_rows: float = 5_939
    photo_log: float = 17_121
    photo_commits: float = 3.1
    guest_rows: float = 2_867
    guest_log: float = 8_521
    guest_commits: float = 6.0
    # docs/deploy.md, "How large": what is shown of a photo (three renditions).
    renditions_bytes: float = 300_000
    # A photo's calls of the storage: original and three renditions stored, the original read.
    photo_puts: int = 4
    photo_gets: int = 1
    # docs/deploy.md: bytes of a tile and of a photo on a phone's screen, composed 12-megapixel photo.
    tile_bytes: float = 31_000
    screen_bytes: float = 328_000
    # `python -m bench.commit_rates`, 16 clients, this machine's disk: without and with a NOTIFY in each.
    commits: float = 2_951
    commits_notifying: float = 593
    # `python -m bench.many_events`: a claim with 1,000,000 photos waiting, divided by these.
    claim_seconds_per_waiting: float = 0.83e-6
    # docs/performance.md, `python -m bench.workers`.
    worker_memory: float = 413e6


@dataclass(frozen=True, slots=True)
class Assumed:
    """The evening, and the prices. All of it is to be replaced by an operator."""

    events: int = 10_000
    photos: int = 3_000
    guests: int = 200
    # Hours over which the photos come, and how much busier the busiest hour is than the mean.
    hours: float = 6
    photo_peak: float = 2
    # The share of the guests who come within the busiest hour.
    guest_peak_share: float = 0.5
    photo_bytes: float = 5e6
    # What a guest looks at on the evening.
    tiles_seen: int = 60
    photos_seen: int = 20
    # How busy cores are to be at the peak, so that answers stay quick.
    web_load: float = 0.6
    worker_load: float = 0.9
    months_kept: float = 13
    price_core_hour: float = 0.04
    price_storage_gb_month: float = 0.02
    price_put_million: float = 5.0
    price_get_million: float = 0.4
    price_egress_gb: float = 0.05
    price_database_gb_month: float = 0.2


def rows_of(measured: Measured, assumed: Assumed) -> list[tuple[str, str]]:
    """Return the lines of the table: what, and how much."""
    m, a = measured, assumed
    photos, guests = a.events * a.photos, a.events * a.guests
    seconds = a.hours * HOUR
    photo_rate, guest_peak = photos / seconds, guests * a.guest_peak_share / HOUR
    photo_peak = photo_rate * a.photo_peak
    workers = photo_rate * m.photo_cpu / a.worker_load
    peak_workers = photo_peak * m.photo_cpu / a.worker_load
    web = guest_peak * m.guest_cpu / a.web_load
    stored = photos * (a.photo_bytes + m.renditions_bytes)
    database = photos * m.photo_rows + guests * m.guest_rows
    commits = photo_peak * m.photo_commits + guest_peak * m.guest_commits
    log = photo_peak * m.photo_log + guest_peak * m.guest_log
    seen = guests * (a.tiles_seen * m.tile_bytes + a.photos_seen * m.screen_bytes)
    puts, gets = photos * m.photo_puts, photos * m.photo_gets + guests * (a.tiles_seen + a.photos_seen)
    shards, notifying = (commits / (rate / 2) for rate in (m.commits, m.commits_notifying))
    waiting = 4 / (photo_peak * m.claim_seconds_per_waiting)
    money = {
        "cores of the evening": (workers + web) * a.hours * a.price_core_hour,
        "storage": stored / GB * a.price_storage_gb_month * a.months_kept,
        "requests of the storage": puts / 1e6 * a.price_put_million + gets / 1e6 * a.price_get_million,
        "to guests": seen / GB * a.price_egress_gb,
        "database": database / GB * a.price_database_gb_month * a.months_kept,
    }
    lines = [
        ("photos, guests", f"{photos / 1e6:,.0f} million, {guests / 1e6:,.1f} million"),
        ("photos a second, mean and peak", f"{photo_rate:,.0f}, {photo_peak:,.0f}"),
        ("guests a second at the peak", f"{guest_peak:,.0f}"),
        ("cores of workers, backlog allowed until the end", f"{workers:,.0f}"),
        ("cores of workers, no backlog at the peak", f"{peak_workers:,.0f}"),
        ("cores of web machines at the peak", f"{web:,.0f}"),
        ("memory of the workers, one process a core", f"{workers * m.worker_memory / GB:,.0f} GB"),
        ("database, rows and indexes", f"{database / GB:,.0f} GB"),
        ("commits a second at the peak", f"{commits:,.0f}"),
        ("write-ahead log at the peak", f"{log / 1e6:,.0f} MB/s"),
        ("databases at half of the measured rate of commits", f"{shards:,.1f}"),
        ("the same if every commit notifies", f"{notifying:,.1f}"),
        ("photos that may wait until claims take 4 of its cores", f"{waiting:,.0f}"),
        ("storage, originals and renditions", f"{stored / TB:,.0f} TB"),
        ("requests of the storage, PUT and GET", f"{puts / 1e6:,.0f} and {gets / 1e6:,.0f} million"),
        ("uploads at the peak", f"{photo_peak * a.photo_bytes * 8 / GB:,.0f} Gbit/s"),
        (
            "the same in all ways, when our processes pass them on",
            f"{3 * photo_peak * a.photo_bytes * 8 / GB:,.0f} Gbit/s",
        ),
        ("pictures to guests, the evening", f"{seen / TB:,.0f} TB"),
    ]
    lines += [(f"money: {name}", f"{value:,.0f}") for name, value in money.items()]
    lines.append(
        ("money: all, and of one event", f"{sum(money.values()):,.0f}, {sum(money.values()) / a.events:,.2f}")
    )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for group in (Measured, Assumed):
        for each in fields(group):
            parser.add_argument(f"--{each.name.replace('_', '-')}", type=float, default=each.default)
    given = vars(parser.parse_args())
    measured = Measured(**{each.name: given[each.name] for each in fields(Measured)})
    assumed = Assumed(**{each.name: given[each.name] for each in fields(Assumed)})
    for name, value in rows_of(measured, assumed):
        print(f"{name:<58}{value:>28}")


if __name__ == "__main__":
    main()
