"""The children of a process that serves: one for jobs, and a few for the selfies whose senders wait."""

from dataclasses import dataclass

from decoding.budget import PixelBudget
from decoding.pool import ChildPool, Terms
from decoding.processes import Template, shared_template
from settings import Settings

# With both cores busy, the API's p95 was 1.6 ms at nice 10 and 5.6 ms at nice 0.
JOB_NICENESS = 10
# A second child, so that one hostile picture does not hold up everybody; it starts when the first is busy.
CHECKING = 2
# Seconds in which a selfie is checked, its wait included: its sender is answered within 5.
CHECK_SECONDS = 4.0
CHECK_WAITS = 2.5


@dataclass(frozen=True, slots=True)
class Children:
    """The pools of a process; they share one budget of pixels."""

    jobs: ChildPool
    checks: ChildPool

    def close(self) -> None:
        """End all children."""
        self.checks.close()
        self.jobs.close()


def make_children(settings: Settings, template: Template | None = None) -> Children:
    """Return the pools; no process is started yet. Without `template`, this process's is used."""
    source = template or shared_template()
    budget = PixelBudget(max(settings.max_photo_pixels, settings.max_selfie_pixels))
    return Children(
        jobs=ChildPool(settings, source, budget, Terms(1, JOB_NICENESS, settings.job_deadline_seconds, embeds=True)),
        checks=ChildPool(settings, source, budget, Terms(CHECKING, 0, CHECK_SECONDS, CHECK_WAITS)),
    )
