"""The threads and children of one process: what each role (`ROLE`) runs.

Every duty runs on at least one machine where there are a `web` and a `worker` machine, or one with `all`. Where a
duty runs in several processes, the database lets one of them have each job, mail, message, sample and erasure.
"""

import logging
import threading
from dataclasses import dataclass
from functools import partial

from azure_face.shared import face_service
from database import forget_engine
from decoding.children import Children, make_children
from decoding.decoder import Decoder
from jobs import sweep
from jobs.elsewhere import JobRunner, WorkersElsewhere
from jobs.inference import InferenceThread
from mail.worker import MailThread
from matching.azure.erasure import PeriodicErasure
from matching.forgetting import ForgettingThread
from notifications.worker import NotifyThread
from operations.presence import Presence, problem_of_workers
from operations.samples import Sampler, SamplingThread
from operations.service import report_process
from selfies.validator import Validator
from settings import Settings

log = logging.getLogger("reperio")
STOP_SECONDS = 25.0
# Of the seconds above, twice: a mail or message that is not finished by then is sent again later.
MAIL_STOP_SECONDS = 3.0


@dataclass(slots=True)
class Duties:
    """What runs in this process. `mail` and `notify` exist on every machine and run where people are answered."""

    settings: Settings
    children: Children
    presence: Presence
    inference: JobRunner
    sampling: SamplingThread | None
    validator: Validator
    mail: MailThread
    notify: NotifyThread
    forgetting: ForgettingThread
    pairing: threading.Thread

    @property
    def decoder(self) -> Decoder:
        """What decodes for requests."""
        return self.children.checks

    def start(self) -> None:
        """Start the threads of this role; called after the fork."""
        self.presence.start()
        self.inference.start()
        self.pairing.start()
        self.forgetting.start()
        if self.sampling is not None:
            self.sampling.start()
        if self.settings.answers_people:
            self.validator.start()
            self.mail.start()
            self.notify.start()

    def stop(self) -> None:
        """End the threads and children; a job that does not end in time goes back to the queue."""
        self.forgetting.stop(MAIL_STOP_SECONDS)
        self.pairing.join(STOP_SECONDS)
        if self.sampling is not None:
            self.sampling.stop(MAIL_STOP_SECONDS)
        self.mail.stop(MAIL_STOP_SECONDS)
        self.notify.stop(MAIL_STOP_SECONDS)
        self.inference.stop(STOP_SECONDS - 2 * MAIL_STOP_SECONDS)
        self.presence.stop(MAIL_STOP_SECONDS)
        self.children.close()
        forget_engine()


def _problem_of(runner: JobRunner) -> str | None:
    return runner.problem


def make_duties(settings: Settings) -> Duties:
    """Return what this process runs by its role; nothing is started yet."""
    children, presence = make_children(settings), Presence(settings)
    sampler = Sampler()
    inference: JobRunner = WorkersElsewhere(problem_of_workers)
    if settings.runs_jobs:
        inference = InferenceThread(
            children.jobs,
            sample=sampler.tick,
            report=report_process,
            sweep=sweep.PeriodicSweep().tick,
            between=PeriodicErasure(face_service).tick,
            others=presence.conflict,
        )
        presence.problem_here = partial(_problem_of, inference)
    return Duties(
        settings=settings,
        children=children,
        presence=presence,
        inference=inference,
        # The inference thread samples between its jobs.
        sampling=None if settings.runs_jobs else SamplingThread(sampler, report_process),
        validator=Validator(children.checks),
        mail=MailThread(settings),
        notify=NotifyThread(settings),
        forgetting=ForgettingThread(),
        pairing=threading.Thread(target=sweep.at_start, name="pairing", daemon=True),
    )
