"""The state of a guest's matching: at once, or when the matching is through."""

from collections.abc import Callable, Sequence

from fastapi import Request
from fastapi.responses import JSONResponse, Response

import errors
from api.selfies.schemas import MatchingStatus
from api.waiting import Wait, Waited, WaitingResponse
from cache_manager import TTLCache
from changes.subjects import guest
from jobs.state import guests_in_line
from matching.state import MatchingState, state_of, states_of

UNDER_WAY = ("queued", "running")
# A portrait waits about a tenth of a second for each one before it: two cores match ten guests a second. So all who
# ask as told ask about ten times a second together, however long the line is.
SECONDS_IN_LINE = 0.1
SHORTEST_POLL, LONGEST_POLL = 1, 30
# For whoever could not wait: asking each second is what the limit is there against.
REFUSED_POLL = 5
# The end of a search for one guest among photos of which not all faces are stored is told to nobody: a state that
# runs, which else lasts a tenth of a second, is read again once a second.
RUNNING_SECONDS = 1.0
# How long a count of the line is used.
COUNT_SECONDS = 1.0
line: TTLCache[int] = TTLCache(size=1, ttl=COUNT_SECONDS)


def next_poll_seconds(state: MatchingState, in_line: Callable[[], int]) -> int:
    """Return after how many seconds to ask again: a second and a tenth for each guest in line, 30 at most.

    Where nothing is under way, only photos that are still to come change anything: 30.
    """
    if state.status not in UNDER_WAY:
        return LONGEST_POLL
    return min(LONGEST_POLL, SHORTEST_POLL + int(in_line() * SECONDS_IN_LINE))


def _in_line() -> int:
    return line.get("line", guests_in_line)


def now(user_id: int, language: str) -> MatchingStatus:
    """Return the state as it is."""
    state = state_of(user_id)
    return _status(state, next_poll_seconds(state, _in_line), language)


def _status(state: MatchingState, poll: int, language: str) -> MatchingStatus:
    return MatchingStatus(
        status=state.status,
        matched=state.matched,
        detail=errors.text_of(state.detail, language),
        started_at=state.started_at,
        finished_at=state.finished_at,
        scheduled=state.status == "queued",
        next_poll_seconds=poll,
    )


def _many(user_ids: Sequence[int]) -> dict[int, tuple[MatchingState, int]]:
    return {each: (state, next_poll_seconds(state, _in_line)) for each, state in states_of(user_ids).items()}


def when_through(request: Request, user_id: int, seconds: int, language: str) -> Response:
    """Return the answer that comes when the matching is no longer under way, or after `seconds` at the latest."""

    def answer(waited: Waited) -> Response:
        state, poll = waited.state
        if waited.refused and state.status in UNDER_WAY:
            poll = max(poll, REFUSED_POLL)
        return JSONResponse(_status(state, poll, language).model_dump(mode="json"))

    wait = Wait(
        account=user_id,
        subjects=(guest(user_id),),
        seconds=seconds,
        many=_many,
        key=user_id,
        is_due=lambda found: found[0].status not in UNDER_WAY,
        pause=lambda found: RUNNING_SECONDS if found[0].status == "running" else None,
    )
    return WaitingResponse(request, wait, answer)
