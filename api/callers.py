"""Who calls: the account behind the token, of the type that a call is for."""

import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

import errors
from accounts import service as accounts
from accounts import tokens
from api.sessions import bearer_token, session_token
from models import ADMIN, GUEST, PHOTOGRAPHER, User
from settings import get_settings

_bearer = HTTPBearer(auto_error=False, description="The `access_token` of `POST /api/login`.")


def current_user(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> User:
    """Return the account whose token came with the request, read in a session of its own."""
    token = session_token(request)
    if token is None:
        raise errors.NotAuthenticated
    user = accounts.user_of(tokens.read(token))
    # Pages say who is logged in.
    request.state.user = user
    return user


CurrentUser = Annotated[User, Depends(current_user)]


def _only(user_types: tuple[str, ...], refusal: type[errors.AppError]) -> Callable[[User], Coroutine[Any, Any, User]]:
    async def check(user: CurrentUser) -> User:
        if user.user_type not in user_types:
            raise refusal
        return user

    return check


CurrentGuest = Annotated[User, Depends(_only((GUEST,), errors.GuestsOnly))]
SelfieGuest = Annotated[User, Depends(_only((GUEST,), errors.PhotographerSelfie))]
CurrentPhotographer = Annotated[User, Depends(_only((PHOTOGRAPHER,), errors.PhotographersOnly))]
CurrentAdmin = Annotated[User, Depends(_only((ADMIN,), errors.AdminsOnly))]
PhotographerOrAdmin = Annotated[User, Depends(_only((PHOTOGRAPHER, ADMIN), errors.PhotographersOnly))]


def monitor(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Let admins and whoever has the monitoring token pass."""
    token, secret = session_token(request), get_settings().monitoring_token
    if token is None:
        raise errors.NotAuthenticated
    if secret and hmac.compare_digest(token.encode(), secret.encode()):
        return
    if accounts.user_of(tokens.read(token)).user_type != ADMIN:
        raise errors.AdminsOnly


FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def scraper(request: Request) -> None:
    """Let the monitoring token pass, and this machine itself when no proxy speaks for somebody else."""
    token, secret = bearer_token(request), get_settings().monitoring_token
    if token is not None and secret and hmac.compare_digest(token.encode(), secret.encode()):
        return
    host = request.client.host if request.client else ""
    if any(name in request.headers for name in FORWARDED) or not (host == "::1" or host.startswith("127.")):
        raise errors.NotAuthenticated if token is None else errors.NotAllowed
