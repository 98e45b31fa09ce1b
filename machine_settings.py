"""The settings of what this machine is for, where several share one installation."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

Role = Literal["all", "web", "worker"]


class MachineSettings(BaseSettings):
    """The part of `settings.Settings` about one machine among others."""

    role: Role = "all"
    # Seconds after which a connection whose other end does not answer is given up, here and by PostgreSQL.
    db_dead_seconds: int = Field(15, ge=5, le=600)

    @property
    def answers_people(self) -> bool:
        """Whether this machine serves the pages and the API."""
        return self.role != "worker"

    @property
    def runs_jobs(self) -> bool:
        """Whether this machine runs the background jobs."""
        return self.role != "web"
