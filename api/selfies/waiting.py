"""Waits for the matching of a guest's selfie without holding a thread or a connection."""

import asyncio
import time

from fastapi.concurrency import run_in_threadpool

from matching.state import MatchingState, state_of

UNDER_WAY = ("queued", "running")
LONGEST_WAIT = 10
# Most requests of a process that wait at a time; a further one is answered at once.
MOST_WAITING = 100
# A match takes a few tenths of a second; whoever waits longer is in a queue, where a second does not count.
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.05, 1.0, 1.5
_waiting = 0


async def settled(user_id: int, seconds: float) -> MatchingState:
    """Return the state of the guest's matching once it is no longer under way, or after `seconds` at the latest."""
    global _waiting
    state = await run_in_threadpool(state_of, user_id)
    if seconds <= 0 or _waiting >= MOST_WAITING:
        return state
    end, pause = time.monotonic() + seconds, FIRST_PAUSE
    _waiting += 1
    try:
        while state.status in UNDER_WAY and time.monotonic() < end:
            await asyncio.sleep(min(pause, max(0.0, end - time.monotonic())))
            pause = min(LONGEST_PAUSE, pause * GROWTH)
            state = await run_in_threadpool(state_of, user_id)
    finally:
        _waiting -= 1
    return state
