"""The parts of this process that a call uses: the inference thread, the selfie validator, a turn for hashing."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

import anyio
from fastapi import BackgroundTasks, Depends, Request

import errors
from jobs.worker import InferenceThread
from selfies.validator import Validator

# Calls that hash a password wait here, on the event loop, without a thread; only so many go in at a time.
HASHING_THREADS = 6
MAX_WAITING = 100


async def hashing_turn(request: Request) -> AsyncIterator[None]:
    """Let a storm of logins take only its share of the request threads; beyond a long line, come back later."""
    line: anyio.CapacityLimiter = request.app.state.hashing
    if line.statistics().tasks_waiting >= MAX_WAITING:
        raise errors.TooBusy
    async with line:
        yield


HASHES = Depends(hashing_turn, scope="function")


async def inference_of(request: Request) -> InferenceThread:
    """Return this process's inference thread."""
    thread: InferenceThread = request.app.state.inference
    return thread


async def validator_of(request: Request) -> Validator:
    """Return this process's selfie validator."""
    validator: Validator = request.app.state.validator
    return validator


SelfieValidator = Annotated[Validator, Depends(validator_of)]


async def job_waker(
    background: BackgroundTasks, inference: Annotated[InferenceThread, Depends(inference_of)]
) -> Callable[[], None]:
    """Return what wakes the inference thread once the answer has gone out."""

    # Asynchronous, so that it runs on the event loop and takes no thread of the request pool.
    async def wake() -> None:
        inference.wake()

    def plan() -> None:
        background.add_task(wake)

    return plan


WakeJobs = Annotated[Callable[[], None], Depends(job_waker)]
