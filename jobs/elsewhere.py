"""What a process knows of the jobs: its own thread runs them, or worker machines do."""

from collections.abc import Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError


class JobRunner(Protocol):
    """Runs jobs, here or elsewhere."""

    @property
    def problem(self) -> str | None:
        """Why jobs wait, or None."""

    @property
    def waits(self) -> bool:
        """Whether this process serves people all the same while `problem` is set."""

    def wake(self) -> None:
        """Tell the runner that there is a job."""

    def start(self) -> None:
        """Begin to run jobs."""

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds."""


class WorkersElsewhere:
    """The runner of a machine with `ROLE=web`: worker machines look for jobs every `JOB_POLL_SECONDS`."""

    waits = True

    def __init__(self, problem_of_workers: Callable[[], str | None]) -> None:
        """`problem_of_workers` asks the database whether a worker machine runs, and says what it waits for."""
        self._problem_of_workers = problem_of_workers

    @property
    def problem(self) -> str | None:
        """Why no worker machine runs jobs, or None if one does."""
        try:
            return self._problem_of_workers()
        except SQLAlchemyError:
            return "not known: the database does not answer"

    def wake(self) -> None:
        """Do nothing: the worker machines look by themselves."""

    def start(self) -> None:
        """Do nothing."""

    def stop(self, timeout: float) -> None:
        """Do nothing."""
