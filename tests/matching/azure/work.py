"""Does the jobs and erasures of an installation with Azure, in the test's thread or in those of several processes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from azure_face.shared import face_service
from decoding.decoder import InThisProcess
from faces.engine import RecogniserAway
from faces.fake import FakeEngine
from faces.locating import LocatingEngine
from jobs import queue, state, work
from jobs.inference import InferenceThread
from matching.azure import erasure
from matching.azure.erasure import PeriodicErasure

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


def nothing() -> None:
    """Do nothing."""


@contextmanager
def workers(number: int) -> Iterator[None]:
    """Run the threads of that many processes."""
    threads = [
        InferenceThread(
            DECODER,
            sample=nothing,
            report=nothing,
            sweep=nothing,
            between=PeriodicErasure(face_service).tick,
        )
        for _ in range(number)
    ]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        for each in threads:
            each.stop(90)
