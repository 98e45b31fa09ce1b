"""Where the inference thread takes its jobs from: `JOB_ENGINE`."""

from collections.abc import Callable
from typing import Protocol

from jobs import queue
from jobs.queue import Claim
from settings import get_settings


class Source(Protocol):
    """Claims jobs for one thread."""

    def start(self) -> None:
        """Begin to take jobs: this process can do them. Called again after each fault, without effect."""

    def claim(self) -> Claim | None:
        """Claim the next job and return it, or None if none is there; what was claimed before is over.

        Raises:
            SQLAlchemyError: the database does not answer.
        """

    def stop(self, seconds: float) -> None:
        """Take no further jobs; return after at most so many seconds."""


class Embedded:
    """Takes jobs from their tables whenever it is asked: on every database, without anything else."""

    def start(self) -> None:
        """Do nothing."""

    def claim(self) -> Claim | None:
        """Claim the next job and return it."""
        return queue.claim_next()

    def stop(self, seconds: float) -> None:
        """Do nothing."""


def make_source(wake: Callable[[], None]) -> Source:
    """Return the source of the settings; `wake` is called, in any thread, when a job may be there."""
    if not get_settings().dispatches_by_tickets:
        return Embedded()
    # Only here, as it imports Procrastinate.
    from jobs.dispatch.tickets import Tickets

    return Tickets(wake)
