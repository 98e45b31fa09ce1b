"""Import the predecessor's database: `python -m migrations.legacy SOURCE_URL [--files DIR]`.

Writes to the database and storage of the settings (DATABASE_URL, STORAGE_URL); the source is only read. Run it again
after an interruption, or to import rows that are new. Passwords stay valid. The running service detects all faces
again. Past events stay closed to new guests (30 days after their date); PUT /api/admin/events/{id} opens them.
Exit status: 0 all rows are imported, 2 some rows were refused (listed with their reasons), 1 the import failed.
"""

import argparse
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

import storage
from database import get_engine
from migrations.legacy.ledger import Ledger
from migrations.legacy.move import Move
from migrations.legacy.report import CannotMove, Report
from migrations.legacy.source import Files, Source, open_source
from migrations.upgrade import MigrationProblem, upgrade
from settings import UnsafeSettings


def bring(source_url: str, folder: Path | None) -> Report:
    """Import all rows that are not imported yet; `folder` holds the image files of rows without bytes.

    Raises:
        CannotMove: the folder is missing, or the source has not the predecessor's tables.
        MigrationProblem: this service's database cannot be migrated. UnsafeSettings: its URL cannot be used.
        StorageError, SQLAlchemyError: the storage or one of the databases does not answer.
    """
    if folder is not None and not folder.is_dir():
        raise CannotMove(f"there is no folder {folder}")
    source = Source(open_source(source_url))
    storage.prepare()
    upgrade()
    return Move(source, Files(folder), Ledger(get_engine())).run()


def main(arguments: list[str] | None = None) -> int:
    """Run the import and return the exit status."""
    words = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m migrations.legacy",
        description=words[0],
        epilog=words[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source_url", help="the predecessor's database: sqlite:///old.db or postgresql://…")
    parser.add_argument("--files", type=Path, help="the folder with its image files, where rows hold no bytes")
    given = parser.parse_args(arguments)
    try:
        report = bring(given.source_url, given.files)
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
