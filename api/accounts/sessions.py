"""Calls about sessions and the caller's own password."""

from typing import Annotated

from fastapi import APIRouter, Path

import errors
from accounts import password_change, sessions
from api.accounts.schemas import Message, NewPasswordIn, RefreshIn, SessionOut, TokenOut
from api.callers import CurrentAdmin, CurrentUser
from api.dependencies import HASHES
from api.documentation import NEW_PASSWORD, SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.rules import public
from api.throttling import CallerDep
from keys import MAX_SESSION_ID
from notifications import service as notifications

router = APIRouter(prefix="/api", tags=["sessions"])
SessionId = Annotated[
    str, Path(min_length=1, max_length=MAX_SESSION_ID, pattern=r"^[0-9A-Za-z_-]+$", examples=["q3Fh0dWkV1sJx7Rb"])
]


@router.post(
    "/token/refresh",
    summary="Exchange a refresh token",
    response_model_exclude_none=True,
    responses=error_responses(errors.InvalidToken, errors.TooManyRequests),
)
@public
def refresh_token(asked: RefreshIn, caller: CallerDep) -> TokenOut:
    """Returns a new access token and the next refresh token; the one sent is used up.

    Sent again within 30 seconds, because the answer was lost, it works once more. Sent later, it has been copied: the
    session ends, and with it every token made from it.
    """
    caller.refresh(asked.refresh_token)
    return TokenOut.of(sessions.refresh(asked.refresh_token))


@router.get("/me/sessions", summary="List my sessions", responses=error_responses(*SIGNED_IN))
def my_sessions(user: CurrentUser) -> list[SessionOut]:
    """Where the account is logged in, the session used last first; 200 at most.

    `last_used_at` is written every 10 minutes at most.
    """
    return [SessionOut.of(each, user) for each in sessions.sessions_of(user.id)]


@router.delete("/me/sessions", summary="End my other sessions", responses=error_responses(*SIGNED_IN))
def end_my_other_sessions(user: CurrentUser, language: Language) -> Message:
    """Logs out everywhere but here."""
    sessions.end_others(user)
    notifications.end_other_sessions(user)
    return Message(message=Success.SESSIONS_ENDED.text(language))


@router.delete(
    "/me/sessions/{session_id}",
    summary="End one of my sessions",
    responses=error_responses(*SIGNED_IN, errors.NoSuchSession),
)
def end_my_session(session_id: SessionId, user: CurrentUser, language: Language) -> Message:
    """Its access token, its refresh token and the signed links made with it are refused from now on."""
    sessions.end(user.id, session_id)
    notifications.end_session(user.id, session_id)
    return Message(message=Success.SESSION_ENDED.text(language))


@router.post(
    "/me/password",
    dependencies=[HASHES],
    summary="Change my password",
    responses=error_responses(
        *NEW_PASSWORD,
        errors.PasswordUnchanged,
        errors.BadCredentials,
        *SIGNED_IN,
        errors.TooManyRequests,
        errors.TooBusy,
    ),
)
def change_my_password(asked: NewPasswordIn, user: CurrentUser, language: Language, caller: CallerDep) -> Message:
    """Ends every other session of the account; the token of this call stays good."""
    with caller.password_of(user):
        password_change.change_own(user, asked.current, asked.new)
    return Message(message=Success.PASSWORD_CHANGED.text(language))


@router.delete(
    "/admin/users/{user_id}/sessions",
    tags=["admin"],
    summary="End all sessions of an account",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly, errors.NoSuchUser),
)
def end_sessions_of(user_id: RowId, _: CurrentAdmin, language: Language) -> Message:
    """Of a guest, a photographer or an admin. The password stays the same."""
    sessions.end_all(user_id)
    return Message(message=Success.SESSIONS_ENDED.text(language))
