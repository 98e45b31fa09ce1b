"""Import the predecessor's database: `python -m migrations.legacy SOURCE_URL [--files DIR] [--objects URL]`.

Writes to the database and storage of the settings (DATABASE_URL, STORAGE_URL); the source is only read. Databases of
all its releases are read. Run it again after an interruption, or to import rows that are new. Passwords stay valid.
The running service detects all faces again. Past events stay closed to new guests (30 days after their date);
PUT /api/admin/events/{id} opens them. All rows are looked at first: where more than one in ten would be refused,
nothing is written.
Exit status: 0 all rows are imported, 2 some rows were refused (listed with their reasons), 1 the import failed.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

import storage
from database import get_engine
from migrations.legacy import left_behind
from migrations.legacy.ledger import Ledger
from migrations.legacy.move import Move
from migrations.legacy.objects import open_objects
from migrations.legacy.pictures import Files, Pictures
from migrations.legacy.report import CannotMove, Report
from migrations.legacy.source import Source, open_source
from migrations.legacy.survey import Survey
from migrations.upgrade import MigrationProblem, present_revision, upgrade
from settings import UnsafeSettings

QUESTION = "Guests of the events that come see [o] only photos of themselves, or [a] all photos of the event? [o] "


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. `guests_see_all` is None where it does not say."""

    source_url: str
    files: Path | None = None
    objects: str | None = None
    guests_see_all: bool | None = None
    anyway: bool = False


def bring(wanted: Wanted) -> Report:
    """Import all rows that are not imported yet.

    Raises:
        CannotMove: a folder is missing, the source has not the predecessor's tables, the bucket does not answer, or
            too many rows would be refused.
        MigrationProblem: this service's database cannot be migrated. UnsafeSettings: its URL cannot be used.
        StorageError, SQLAlchemyError: the storage or one of the databases does not answer.
    """
    if wanted.files is not None and not wanted.files.is_dir():
        raise CannotMove(f"there is no folder {wanted.files}")
    source = Source(open_source(wanted.source_url))
    objects = open_objects(wanted.objects) if wanted.objects else None
    pictures = Pictures(source, Files(wanted.files) if wanted.files else None, objects)
    present_revision()
    ledger = Ledger(get_engine())
    guests_see_all = _guests_see_all(wanted, ledger)
    survey = Survey(source, pictures, ledger)
    survey.run()
    if not wanted.anyway:
        survey.check()
    storage.prepare()
    upgrade()
    ledger.prepare()
    report = Move(source, pictures, ledger, survey, guests_see_all=guests_see_all).run()
    report.lines = [_visibility(guests_see_all), *survey.lines(), *left_behind.lines(source)]
    return report


def _guests_see_all(wanted: Wanted, ledger: Ledger) -> bool:
    """Return what guests see: as given, as in an earlier run, as answered at the terminal, else only their own."""
    if wanted.guests_see_all is not None:
        return wanted.guests_see_all
    if ledger.guests_see_all is not None:
        return ledger.guests_see_all
    if not sys.stdin.isatty():
        return False
    while True:
        try:
            answer = input(QUESTION).strip().lower()
        except EOFError:
            return False
        if answer in ("", "o", "own", "a", "all"):
            return answer.startswith("a")


def _visibility(guests_see_all: bool) -> str:
    if guests_see_all:
        return "events: their guests see all photos (--guests-see-all); events that were here already keep theirs"
    return (
        "events: their guests see the photos of themselves and those marked for everyone (--guests-see-own); "
        "events that were here already keep theirs"
    )


def _arguments(given: list[str] | None) -> Wanted:
    words = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m migrations.legacy",
        description=words[0],
        epilog=words[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source_url", help="the predecessor's database: sqlite:///old.db or postgresql://…")
    parser.add_argument("--files", type=Path, help="the folder with its image files, where rows hold no bytes")
    parser.add_argument("--objects", metavar="URL", help="the bucket of its photos (s3_key), as in STORAGE_URL")
    seen = parser.add_mutually_exclusive_group()
    seen.add_argument(
        "--guests-see-all", action="store_true", default=None, help="guests see all photos of their events, as there"
    )
    seen.add_argument(
        "--guests-see-own",
        action="store_false",
        dest="guests_see_all",
        default=None,
        help="guests see the photos of themselves and those marked for everyone; the default without a terminal",
    )
    parser.add_argument("--anyway", action="store_true", help="go on although many rows would be refused")
    return Wanted(**vars(parser.parse_args(given)))


def main(arguments: list[str] | None = None) -> int:
    """Run the import and return the exit status."""
    wanted = _arguments(arguments)
    try:
        report = bring(wanted)
    except (CannotMove, MigrationProblem, UnsafeSettings, storage.StorageError) as problem:
        print(f"Cannot move in: {problem}", file=sys.stderr)
        return 1
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        print(f"Cannot move in: a database does not answer: {reason}", file=sys.stderr)
        return 1
    print(report.summary())
    return 2 if report.refused else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Broken off; run it again to go on.")
