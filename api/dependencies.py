"""Dependencies on parts of this process: its threads, the selfie validator, a slot for hashing."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

import anyio
from fastapi import BackgroundTasks, Depends, Request

import errors
from decoding.decoder import Decoder
from jobs.elsewhere import JobRunner
from mail.worker import MailThread
from selfies.validator import Validator

# Calls that hash a password run at most this many at a time; the others wait on the event loop, without a thread.
HASHING_THREADS = 6
MAX_WAITING = 100


async def hashing_slot(request: Request) -> AsyncIterator[None]:
    """Hold one of the slots for hashing during the call, so that many logins leave request threads to other calls.

    Raises:
        TooBusy: MAX_WAITING calls already wait.
    """
    slots: anyio.CapacityLimiter = request.app.state.hashing
    if slots.statistics().tasks_waiting >= MAX_WAITING:
        raise errors.TooBusy
    async with slots:
        yield


HASHES = Depends(hashing_slot, scope="function")


async def inference_of(request: Request) -> JobRunner:
    """Return what runs the jobs: this process's inference thread, or worker machines."""
    thread: JobRunner = request.app.state.inference
    return thread


Inference = Annotated[JobRunner, Depends(inference_of)]


async def validator_of(request: Request) -> Validator:
    """Return this process's selfie validator."""
    validator: Validator = request.app.state.validator
    return validator


async def decoder_of(request: Request) -> Decoder:
    """Return what decodes for the requests of this process."""
    decoder: Decoder = request.app.state.decoder
    return decoder


RequestDecoder = Annotated[Decoder, Depends(decoder_of)]
SelfieValidator = Annotated[Validator, Depends(validator_of)]


async def job_waker(background: BackgroundTasks, inference: Inference) -> Callable[[], None]:
    """Return a function that plans to wake the inference thread after the answer has been sent."""

    # Asynchronous, so that it runs on the event loop and takes no request thread.
    async def wake() -> None:
        inference.wake()

    def plan() -> None:
        background.add_task(wake)

    return plan


WakeJobs = Annotated[Callable[[], None], Depends(job_waker)]


async def mail_waker(request: Request, background: BackgroundTasks) -> Callable[[], None]:
    """Return a function that plans to wake the mail thread after the answer has been sent."""
    thread: MailThread = request.app.state.mail

    async def wake() -> None:
        thread.wake()

    def plan() -> None:
        background.add_task(wake)

    return plan


WakeMail = Annotated[Callable[[], None], Depends(mail_waker)]
