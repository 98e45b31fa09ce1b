"""Take away files in storage that no row refers to: `python -m jobs.sweep`.

Such files are moved into a quarantine first and erased days later. A sweep refuses, and changes nothing, where the
storage is not the database's own, or where unusually many files would go.
"""

import argparse
import logging
import math
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

import storage
from database import reading, transaction
from ending import service as ending
from guests import selfie_consents
from jobs import dates, pairing, unnamed_keys
from jobs.encrypting import Encrypting
from models import utcnow
from photos.copies.service import plan_some
from settings import MAX_ORPHAN_GRACE_SECONDS, UnsafeSettings, get_settings
from stored import erasure, quarantine, restored
from stored import queries as stored_queries

log = logging.getLogger("reperio.jobs")
# Keys looked up in one query.
SWEEP_BATCH = 500
# Photos whose copies for guests are planned between two looks at the queue: 20 ms each.
PLANNED_AT_ONCE = 25
# A sweep refuses to take away more than the larger of these.
MOST_FILES, MOST_SHARE = 100, 0.02
# A larger number of orphans is taken away in several sweeps.
MOST_HELD = 200_000


@dataclass(slots=True)
class Sweep:
    """What a sweep finds: the number of files, the orphans, and the quarantine by label and former key.

    `refused` is why it changes nothing. `moved`, `erased` and `returned` count what it did.
    """

    files: int = 0
    orphans: list[str] = field(default_factory=list)
    orphan_count: int = 0
    returning: list[tuple[str, str]] = field(default_factory=list)
    expired: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0
    refused: str | None = None
    moved: int = 0
    erased: int = 0
    returned: int = 0

    @property
    def limit(self) -> int:
        """The most files that may go without a person having looked."""
        return max(MOST_FILES, int(self.files * MOST_SHARE))

    @property
    def is_unusual(self) -> bool:
        """Whether more would go than the limit, counted with what went before and still lies in the quarantine."""
        return self.orphan_count > 0 and self.orphan_count + self.kept > self.limit


def sweep_orphans(grace: timedelta) -> int:
    """Sweep once; return how many files went into the quarantine.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    return sweep(grace).moved


def sweep(grace: timedelta, *, force: bool = False, dry_run: bool = False) -> Sweep:
    """Move files that no row names and that are older than `grace` into the quarantine; erase what has lain there.

    A file is written before its row, so a younger file may still get its row. A file of the quarantine that a row
    refers to goes back to its place. With `force`, any number of files may go; with `dry_run`, nothing changes.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    if not dry_run:
        erasure.retry()
    found = Sweep(refused=pairing.problem(change=not dry_run))
    if found.refused is None or dry_run:
        _look(found, grace)
    if found.refused is None and not force and found.is_unusual:
        found.refused = (
            f"{found.orphan_count} of {found.files} files have no row, {found.kept} are in the quarantine already; "
            f"more than {found.limit} never go by themselves. Nothing is taken away. Look at "
            "`python -m jobs.sweep --dry-run`; if these files may go, `python -m jobs.sweep --force`."
        )
    if dry_run:
        return found
    pairing.note_sweep(found.refused)
    if found.refused is not None:
        log.error("The sweep of files without a row refuses: %s", found.refused)
        return found
    _carry_out(found, forced=force)
    return found


def _look(found: Sweep, grace: timedelta) -> None:
    before = utcnow() - grace
    for batch in storage.objects(SWEEP_BATCH):
        found.files += len(batch)
        old = [key for key, modified in batch if modified < before]
        orphans = _without_row(old)
        found.orphan_count += len(orphans)
        found.orphans += orphans[: MOST_HELD - len(found.orphans)]
    now, days = utcnow(), get_settings().orphan_quarantine_days
    for contents in quarantine.contents(SWEEP_BATCH):
        unnamed = set(_without_row([key for _, key in contents]))
        for label, key in contents:
            if key not in unnamed:
                found.returning.append((label, key))
            elif quarantine.age_in_days(label, now) > days:
                found.expired.append((label, key))
            elif not label.endswith(quarantine.FORCED):
                found.kept += 1


def _without_row(keys: list[str]) -> list[str]:
    """Return those of `keys` that neither a row nor an erasure names."""
    # Rows first: a key that is deleted between the two questions is an erasure by the second.
    known = pairing.known_keys(keys)
    with reading() as session:
        known |= stored_queries.erasures_among(session, keys)
    return [key for key in keys if key not in known]


def _carry_out(found: Sweep, *, forced: bool) -> None:
    label = quarantine.label_of(utcnow(), forced=forced)
    # Asked once more, as close to the deed as possible: looking at a large storage takes a while.
    for begin in range(0, len(found.orphans), SWEEP_BATCH):
        still = _without_row(found.orphans[begin : begin + SWEEP_BATCH])
        found.moved += sum(quarantine.put_in(key, label) for key in still)
    found.returned = _give_back(found.returning)
    for begin in range(0, len(found.expired), SWEEP_BATCH):
        batch = found.expired[begin : begin + SWEEP_BATCH]
        still = _without_row([key for _, key in batch])
        for expired_label, key in batch:
            if key in still:
                quarantine.discard(expired_label, key)
                found.erased += 1
    for expired_label in {each for each, _ in found.expired}:
        storage.remove_empty_folders(f"{quarantine.PREFIX}{expired_label}")
    for number, what in (
        (found.moved, "moved %d files without a row into the quarantine"),
        (found.returned, "returned %d files from the quarantine: a row names them now"),
        (found.erased, "erased %d files without a row from the quarantine"),
    ):
        if number:
            log.warning(what, number)


def _give_back(returning: list[tuple[str, str]]) -> int:
    """Move files that a row names out of the quarantine; erase those whose row was deleted meanwhile."""
    returned = [key for label, key in returning if quarantine.take_out(label, key)]
    gone = _without_row(returned)
    if gone:
        with transaction() as session:
            erasure.erase(session, gone)
    return len(returned) - len(gone)


def restore() -> int:
    """Move everything in the quarantine back to its place; return how many files."""
    found = [each for contents in quarantine.contents(SWEEP_BATCH) for each in contents]
    moved = sum(quarantine.take_out(label, key) for label, key in found)
    for label in {each for each, _ in found}:
        storage.remove_empty_folders(f"{quarantine.PREFIX}{label}")
    return moved


class PeriodicSweep:
    """Runs the sweep at most once every `ORPHAN_SWEEP_SECONDS`, and erasures that are left over more often.

    With each sweep, what is past its date is erased. What of events is over is announced and erased every
    `ENDING_SWEEP_SECONDS`. Copies for guests of the photos of earlier releases are planned, and what these releases
    stored plain is encrypted, a few at each tick.
    """

    def __init__(self) -> None:
        self._next = self._next_retry = self._next_ending = 0.0
        self._encrypting, self._plain_left = Encrypting(), True
        # The last photo whose copies were looked at; None where none is left.
        self._planned_to: int | None = 0

    def tick(self) -> None:
        """Erase what is recorded, and sweep, each if its interval is over.

        Raises:
            SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
                In both cases the next sweep is due after the usual interval.
        """
        settings = get_settings()
        now = time.monotonic()
        if now >= self._next_retry:
            self._next_retry = now + erasure.RETRY_SECONDS
            erasure.retry()
        if now >= self._next_ending:
            self._next_ending = now + settings.ending_sweep_seconds
            selfie_consents.end_due()
            ending.sweep()
        if self._planned_to is not None:
            self._planned_to = plan_some(self._planned_to, PLANNED_AT_ONCE)
        if now >= self._next:
            self._next = now + settings.orphan_sweep_seconds
            dates.erase_old()
            sweep_orphans(timedelta(seconds=settings.orphan_grace_seconds))
            unnamed_keys.sweep(timedelta(seconds=settings.orphan_grace_seconds))
        # Last, because without keys it fails.
        if self._plain_left:
            self._plain_left = self._encrypting.step()


def at_start() -> None:
    """Pair the storage with the database if they may be, and erase what a crash left recorded; errors are logged."""
    try:
        pairing.problem()
        erasure.retry()
        restored.warn()
    except (SQLAlchemyError, storage.StorageError, UnsafeSettings) as error:
        log.warning("database and storage are compared later: %s", str(error).splitlines()[0])


# --- the command -----------------------------------------------------------------------------------


def seconds_given(given: str) -> float:
    """Return the number of seconds that an argument of a command says: argparse's `type`."""
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_ORPHAN_GRACE_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{given}: a number of seconds from 0 to {MAX_ORPHAN_GRACE_SECONDS} is needed"
        )
    return seconds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m jobs.sweep", description=(__doc__ or "").partition(": `")[0] + "."
    )
    parser.add_argument("--grace", type=seconds_given, help="seconds a file may wait for its row", default=None)
    parser.add_argument("--force", action="store_true", help="sweep, or pair, although it is unusual")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="print what would go and change nothing")
    what.add_argument("--pair", action="store_true", help="compare database and storage; with --force, pair them")
    what.add_argument("--restore", action="store_true", help="move everything in the quarantine back to its place")
    return parser.parse_args()


def _pair(*, force: bool) -> None:
    fits = pairing.compare()
    print(f"{fits.files} files in storage: a row names {fits.known}, no row names {fits.files - fits.known}")
    print(f"{fits.missing} photos and selfies of the database have no file in storage")
    reason = pairing.problem()
    if reason is None:
        print("Database and storage are paired.")
    elif force:
        pairing.pair()
        print("Database and storage are paired now. The next sweep treats files without a row as orphans.")
    else:
        print(f"Not paired: {reason}", "If they belong together: python -m jobs.sweep --pair --force", sep="\n")


def _report(found: Sweep, *, dry_run: bool) -> None:
    if dry_run:
        if found.refused is not None:
            print(f"The sweep refuses: {found.refused}", file=sys.stderr)
        print(*(f"would go: {key}" for key in found.orphans), sep="\n", end="\n" if found.orphans else "")
        print(
            f"{found.orphan_count} of {found.files} files would go into the quarantine, {len(found.returning)} would "
            f"return from it, {len(found.expired)} would be erased, {found.kept} would stay in it"
        )
    else:
        print(
            f"{found.moved} files moved into the quarantine, {found.returned} returned from it, {found.erased} erased"
        )


def main() -> None:
    """Do what the arguments ask for and print what was done."""
    asked = _arguments()
    try:
        grace = get_settings().orphan_grace_seconds if asked.grace is None else asked.grace
        if asked.pair:
            _pair(force=asked.force)
        elif asked.restore:
            print(restore(), "files returned from the quarantine")
        else:
            found = sweep(timedelta(seconds=grace), force=asked.force, dry_run=asked.dry_run)
            _report(found, dry_run=asked.dry_run)
    except (SQLAlchemyError, storage.StorageError, UnsafeSettings) as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        if isinstance(problem, SQLAlchemyError):
            reason += " (DATABASE_URL must name the service's database; python -m migrations.upgrade updates it)"
        sys.exit(f"Nothing was swept: {reason}")


if __name__ == "__main__":
    main()
