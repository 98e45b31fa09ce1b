"""Erase again what was erased after a backup was taken: `python -m privacy.reapply`, after its restore.

Reads the log of erasures (`ERASURE_LOG`) and erases those accounts, events, photos, selfies and consents of the
restored database that it names, as their owners did. What is new, or was given again, stays. Running it again
changes nothing. Brings the schema up to date first. Exit status: 0 all is repeated, 1 something could not be erased,
2 the log or the database cannot be read.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import errors
import storage
from accounts import service as accounts
from audit.actor import SHELL, acting
from encryption import keys
from encryption.master import KeysUnavailable
from guests import consent, erasure, portraits, removal
from migrations.upgrade import MigrationProblem, upgrade
from models import ADMIN, User
from photos import service as photos
from photos.trash import service as trash
from privacy.erased import queries
from privacy.reading import all_rows
from settings import UnsafeSettings
from stored import erasure_log, receipts, restored

# What is to be erased went with what was erased just before, or was erased by the service meanwhile.
GONE = (
    *(errors.NoSuchEvent, errors.NoSuchUser, errors.NoSuchPhotographer, errors.NoSuchPhoto),
    *(errors.NoSuchSelfie, errors.NoSelfie, errors.NotInEvent, errors.NotInTrash),
)
PROBLEMS = (OSError, SQLAlchemyError, storage.StorageError, UnsafeSettings, MigrationProblem, KeysUnavailable)


class Unusable(Exception):
    """A log of erasures is missing, is none, or was written under another key; the message says what to do."""


@dataclass(slots=True)
class Erased:
    """What the logs say: for each kind, the digests of what was erased, and when. A million take some 200 MB."""

    at: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def when(self, kind: str, subject: str) -> datetime | None:
        """Return when this was erased last, or None."""
        return self.at.get((kind, erasure_log.digest_of(kind, subject)))


@dataclass(slots=True)
class Outcome:
    """How many were erased again, by kind, and sentences about what could not be."""

    done: "Counter[str]" = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def read(logs: Sequence[Path]) -> Erased:
    """Return what the logs say.

    Raises:
        Unusable: a file is missing, has no line of such a log, or one under another key. OSError: it cannot be read.
    """
    found, key = Erased(), erasure_log.key_name()
    for path in logs:
        if not path.exists():
            raise Unusable(
                f"there is no log of erasures at {path}; name it with --log, or pass --no-log if there is none"
            )
        whole = half = 0
        for line in erasure_log.read(path):
            if line is None:
                half += 1
                continue
            whole += 1
            if line.key != key:
                raise Unusable(f"{path} has lines under another key; set ERASURE_LOG_KEY to the key of that time")
            for digest in line.digests:
                known = found.at.get((line.kind, digest))
                found.at[line.kind, digest] = max(line.at, known or line.at)
        if half and not whole:
            raise Unusable(f"{path} is no log of erasures")
    return found


def reapply(found: Erased, *, dry_run: bool = False) -> Outcome:
    """Erase again what is there and was erased; with `dry_run`, only count it.

    Raises:
        SQLAlchemyError, StorageError: database or storage failed; run it again.
    """
    outcome = Outcome()
    for kind, due, act in STEPS:
        for row in due(found):
            if not dry_run:
                try:
                    act(*row)
                except GONE:
                    continue
                except errors.AppError as error:
                    outcome.failed.append(f"{kind} {row[0]}: {type(error).__name__}")
                    continue
            outcome.done[kind] += 1
    if not dry_run and not outcome.failed:
        restored.done()
    return outcome


def _of(
    kind: str, query: Callable[[Session, int, int], Sequence[Row[*tuple[Any, ...]]]]
) -> Callable[[Erased], Iterator[tuple[int, ...]]]:
    """Return a function that yields the ids of the rows of a query that were erased."""

    def due(found: Erased) -> Iterator[tuple[int, ...]]:
        for row_id, made, *others in all_rows(query):
            if found.when(kind, receipts.subject(row_id, made)) is not None:
                yield (row_id, *others)

    return due


def _withdrawn(found: Erased) -> Iterator[tuple[int, int]]:
    """Yield guest and event of the consents that were withdrawn, unless one was given after that."""
    for _, user_id, joined, event_id, made, given_at in all_rows(queries.memberships_after):
        both = receipts.both(receipts.subject(user_id, joined), receipts.subject(event_id, made))
        at = found.when(receipts.WITHDRAWAL, both)
        if at is not None and (given_at is None or given_at <= at):
            yield user_id, event_id


def _erase_and_hide(user_id: int) -> None:
    erasure.erase_guest(user_id, hide_photos=True)


def _erase_photo(photo_id: int) -> None:
    photos.remove(User(id=0, user_type=ADMIN), [photo_id])


def _erase_photo_for_good(photo_id: int) -> None:
    _erase_photo(photo_id)
    _erase_from_trash(photo_id)


def _erase_from_trash(photo_id: int) -> None:
    trash.erase_now(User(id=0, user_type=ADMIN), [photo_id])


def _erase_selfie(selfie_id: int, user_id: int) -> None:
    portraits.remove(user_id, selfie_id)


# What holds much comes first: then there is less to look for.
STEPS: tuple[tuple[str, Callable[[Erased], Iterator[tuple[int, ...]]], Callable[..., object]], ...] = (
    (receipts.EVENT, _of(receipts.EVENT, queries.events_after), removal.remove_event),
    (receipts.ACCOUNT, _of(receipts.ACCOUNT, queries.accounts_after), erasure.erase_guest),
    (receipts.ACCOUNT_HIDING, _of(receipts.ACCOUNT_HIDING, queries.accounts_after), _erase_and_hide),
    (receipts.STAFF, _of(receipts.STAFF, queries.accounts_after), accounts.delete_photographer),
    (receipts.PHOTOS, _of(receipts.PHOTOS, queries.uploads_after), _erase_photo),
    (receipts.TRASH, _of(receipts.TRASH, queries.uploads_after), _erase_photo_for_good),
    (receipts.TRASH, _of(receipts.TRASH, queries.trashed_after), _erase_from_trash),
    (receipts.SELFIES, _of(receipts.SELFIES, queries.selfies_after), _erase_selfie),
    (receipts.WITHDRAWAL, _withdrawn, consent.withdraw),
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m privacy.reapply", description=(__doc__ or "").partition(": `")[0] + "."
    )
    parser.add_argument("--dry-run", action="store_true", help="count what would be erased and change nothing")
    parser.add_argument("--log", type=Path, action="append", help="a log of erasures; may be given several times")
    parser.add_argument("--no-log", action="store_true", help="there is none: nothing was erased since the backup")
    return parser.parse_args()


def main() -> int:
    """Repeat the erasures, print how many, and return the exit status."""
    asked = _arguments()
    try:
        found = Erased() if asked.no_log else read(asked.log or [erasure_log.place()])
        if not asked.dry_run:
            upgrade()
        with acting(SHELL):
            if not asked.dry_run and not asked.no_log:
                # It replaces the installation of the log, so that it also destroys keys again.
                keys.claim()
            outcome = reapply(found, dry_run=asked.dry_run)
    except (*PROBLEMS, Unusable) as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines() or [type(problem).__name__]
        print(f"Not reapplied: {reason[0]}", file=sys.stderr)
        return 2
    counts = ", ".join(f"{outcome.done[kind]} {kind}" for kind in dict.fromkeys(kind for kind, _, _ in STEPS))
    print(f"{'Would be erased' if asked.dry_run else 'Erased'} again: {counts}")
    print(*(f"Not erased: {each}" for each in outcome.failed), sep="\n", end="\n" if outcome.failed else "")
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
