"""Delete files in storage that no row refers to: `python -m jobs.sweep [--grace SECONDS]`."""

import argparse
import logging
import time
from datetime import timedelta

import photos.service as photo_service
import selfies.service as selfie_service
import storage
from models import utcnow
from settings import get_settings

log = logging.getLogger("reperio.jobs")
# Keys looked up in one query.
SWEEP_BATCH = 500


def sweep_orphans(grace: timedelta) -> int:
    """Delete the files that no row refers to and that are older than `grace`; return how many.

    A file is written before its row, so a younger file may still get its row.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    before, erased = utcnow() - grace, 0
    for batch in storage.listed(before, SWEEP_BATCH):
        known = selfie_service.known_keys(batch) | photo_service.known_keys(batch)
        orphans = [key for key in batch if key not in known]
        storage.delete(orphans)
        erased += len(orphans)
    if erased:
        log.warning("deleted %d files without a row", erased)
    return erased


class PeriodicSweep:
    """Runs the sweep at most once every `ORPHAN_SWEEP_SECONDS`."""

    def __init__(self) -> None:
        self._next = 0.0

    def tick(self) -> None:
        """Sweep if the interval is over.

        Raises:
            SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
                In both cases the next sweep is due after the usual interval.
        """
        settings = get_settings()
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + settings.orphan_sweep_seconds
        sweep_orphans(timedelta(seconds=settings.orphan_grace_seconds))


def main() -> None:
    """Sweep once and print how many files were deleted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grace", type=float, help="seconds a file may wait for its row", default=None)
    asked = parser.parse_args()
    grace = get_settings().orphan_grace_seconds if asked.grace is None else asked.grace
    print(sweep_orphans(timedelta(seconds=grace)), "files erased")


if __name__ == "__main__":
    main()
