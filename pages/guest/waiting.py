"""The standing of a guest, answered when it has changed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import JSONResponse, Response

import errors
from accounts.service import user_of
from accounts.tokens import TokenClaims, read
from api.sessions import session_token
from api.waiting import Wait, Waited, WaitingResponse
from changes.subjects import event, guest
from pages.guest.membership import membership_in, memberships_of
from pages.guest.standing import standing_of
from pages.waiting import REFUSED_POLL


class Asked(NamedTuple):
    """Whose standing is read, where, and in which language."""

    claims: TokenClaims
    event_id: int
    language: str


def _many(wanted: Sequence[Asked]) -> dict[Asked, dict[str, Any] | Exception]:
    return {each: _one(each) for each in wanted}


def _one(asked: Asked) -> dict[str, Any] | Exception:
    """Return a guest's standing; the error, for that guest alone, if the session or the membership is over."""
    try:
        user = user_of(asked.claims)
        return standing_of(user, membership_in(memberships_of(user), asked.event_id), asked.language)
    except errors.AppError as error:
        return error


def standing_changed(
    request: Request, user_id: int, event_id: int, language: str, seconds: int, known: str
) -> Response:
    """Return the answer that comes when the standing has another mark than `known`, or after `seconds`.

    It has `next_poll_seconds` if the request could not wait.
    """

    def answer(waited: Waited) -> Response:
        again = {"next_poll_seconds": REFUSED_POLL} if waited.refused else {}
        return JSONResponse({**waited.state, **again}, headers={"Cache-Control": "no-store"})

    wait = Wait(
        account=user_id,
        subjects=(guest(user_id), event(event_id)),
        seconds=seconds,
        many=_many,
        key=Asked(read(session_token(request) or ""), event_id, language),
        is_due=lambda found: bool(found["mark"] != known),
    )
    return WaitingResponse(request, wait, answer)
