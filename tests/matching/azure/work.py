"""Does the jobs and erasures of an installation with Azure, in the test's thread."""

import time

from azure_face.shared import face_service
from decoding.decoder import InThisProcess
from faces.engine import RecogniserAway
from faces.fake import FakeEngine
from faces.locating import LocatingEngine
from jobs import queue, state, work
from matching.azure import erasure

DECODER = InThisProcess(lambda: LocatingEngine(FakeEngine()), dimensions=0)
# Seconds after which jobs count as stuck.
PATIENCE = 100.0


def unfinished() -> int:
    """Return how many jobs are not done."""
    return sum(states["pending"] + states["processing"] for states in state.counts().values())


def settle() -> None:
    """Do jobs until none is left; while Azure is away, wait."""
    end = time.monotonic() + PATIENCE
    while unfinished():
        assert time.monotonic() < end, "jobs are stuck"
        work_once()


def work_once() -> None:
    """Do the jobs that can be claimed now, until Azure is away."""
    try:
        while (held := queue.claim_next()) is not None:
            work.run(held, DECODER)
    except RecogniserAway:
        time.sleep(0.05)
    time.sleep(0.005)


def erase() -> None:
    """Delete there all that is left."""
    service = face_service()
    assert service is not None
    while erasure.erase(service):
        pass
