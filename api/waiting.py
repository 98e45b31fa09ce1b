"""Answers that come when something has changed.

While a request waits, it holds no thread, no connection of the database, no account, and no place among the open
requests (`MAX_OPEN_REQUESTS`).
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.before_body import forget_checks
from changes.waiting import UNHEARD_SECONDS, Waiter, Waiters

# Under the half minute after which some proxies give up.
LONGEST_WAIT = 25
# By up to this share a wait ends earlier, at random: those who began at one moment come back one after the other.
EARLIER = 0.1
# What the middleware calls to give the place of an open request back, and to take one again (`api.middleware`).
PLACE = "reperio_place"
# Seconds for which a request waited: the log and the metrics tell the time that it took beside them.
WAITED = "reperio_waited"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a request waits for.

    `many` reads the states of keys, in a thread; `is_due` says whether a state is answered at once; `pause` is how
    many seconds at most pass before a state is read again although no change was heard, None for no such read.
    """

    account: int
    subjects: tuple[str, ...]
    seconds: float
    many: Callable[[Sequence[Any]], Any]
    key: Any
    is_due: Callable[[Any], bool]
    pause: Callable[[Any], float | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Waited:
    """The state in the end; `refused`: the request could not wait: too many do already, or the process stops."""

    state: Any
    refused: bool


async def wait_for(wait: Wait, scope: Scope, receive: Receive) -> Waited:
    """Return the state once it is due, or after the seconds; at once if too many wait.

    The state is read when the request begins to wait, after each change, and at the end. It is read every two seconds
    while this process hears of no changes.

    Raises:
        SQLAlchemyError: the database does not answer, at the beginning or the end. Else what reading raises.
    """
    waiters: Waiters = scope["app"].state.waiters
    with waiters.enter(wait.account, wait.subjects) as waiter:
        if waiter is None:
            return Waited(await waiters.read(wait.many, wait.key), refused=True)
        give_back, take_again = scope.get(PLACE, (_nothing, _nothing))
        give_back()
        watching = asyncio.create_task(_watch(receive, waiter))
        try:
            state = await waiters.read(wait.many, wait.key)
            began = time.monotonic()
            state = await _until_due(wait, waiters, waiter, state)
            scope[WAITED] = time.monotonic() - began
        finally:
            take_again()
            watching.cancel()
    return Waited(state, refused=waiters.closing and not wait.is_due(state))


async def _until_due(wait: Wait, waiters: Waiters, waiter: Waiter, state: Any) -> Any:
    end = time.monotonic() + wait.seconds * (1 - EARLIER * random.random())
    while not wait.is_due(state) and not waiter.gone:
        left = end - time.monotonic()
        if left <= 0 or waiters.closing:
            break
        pauses = [left, wait.pause(state), None if waiters.hears() else UNHEARD_SECONDS]
        await waiter.changed(min(each for each in pauses if each is not None))
        if waiter.gone:
            break
        try:
            state = await waiters.read(wait.many, wait.key)
        except SQLAlchemyError:
            # The database may come back while the request waits.
            if time.monotonic() >= end or waiters.closing:
                raise
            await waiter.changed(min(UNHEARD_SECONDS, max(0.0, end - time.monotonic())))
    return state


async def _watch(receive: Receive, waiter: Waiter) -> None:
    """Let the waiter leave when the client closes the connection."""
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
        waiter.leave()


def _nothing() -> None:
    pass


class WaitingResponse(Response):
    """The answer of a route that waits: it waits after the route has ended, so that the route's objects are gone."""

    def __init__(self, request: Request, wait: Wait, answer: Callable[[Waited], Response]) -> None:
        super().__init__()
        request.scope["state"].pop("user", None)
        forget_checks(request.scope)
        self._wait, self._answer = wait, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then send what `answer` makes of the state."""
        await self._answer(await wait_for(self._wait, scope, receive))(scope, receive, send)
