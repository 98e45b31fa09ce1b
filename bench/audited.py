"""How long each check of the audit takes in a large database: `.venv/bin/python -m bench.audited`.

Prints the figures of docs/privacy.md: one event in SQLite with 20,000 photos of 50 faces each. There are no files:
the check for missing ones finds all, and the one of pictures opens none.
"""

import os
import time
from collections import deque
from datetime import timedelta

from database import transaction
from events import service as events
from events.service import NewEvent
from privacy.checks import CHECKS
from privacy.findings import Scope
from testkit.bulk_rows import add_faces, add_photos
from testkit.in_process import service_in_process
from testkit.servers import temporary_folder

PHOTOS, FACES_PER_PHOTO = 20_000, 50


def main() -> None:
    """Print the seconds of each check."""
    with temporary_folder() as folder, service_in_process(folder, None):
        event = events.create(NewEvent("Million", event_code="MILLION"))
        with transaction() as session:
            add_faces(session, event.id, add_photos(session, event.id, PHOTOS), per_photo=FACES_PER_PHOTO)
        print(f"load average: {os.getloadavg()[0]:.1f}")
        scope, begun = Scope(timedelta(hours=1)), time.perf_counter()
        for check in CHECKS:
            before = time.perf_counter()
            deque(check.look(scope), maxlen=0)
            print(f"{check.name}: {time.perf_counter() - before:.1f} s")
        print(f"all: {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
