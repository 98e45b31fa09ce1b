"""Dependencies that return the calling account and check its type."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

import errors
from accounts import service as accounts
from accounts import tokens
from accounts.second_factor import service as second_factor
from api.before_body import before_body
from api.language import Language
from api.sessions import bearer_token, session_token
from audit.actor import identify
from models import ADMIN, GUEST, PHOTOGRAPHER, User
from settings import get_settings

_bearer = HTTPBearer(auto_error=False, description="The `access_token` of `POST /api/login`.")


def current_user(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> User:
    """Return the account of the request's token, loaded in a database session of its own.

    Raises:
        NotAuthenticated: the request has no token. InvalidToken: it is forged, expired or revoked, or the account is
        closed. CsrfMismatch: a cookie of the pages came without the token of its session.
    """
    token = session_token(request)
    if token is None:
        raise errors.NotAuthenticated
    user = accounts.user_of(tokens.read(token))
    identify(user.id, user.user_type)
    # Templates of the pages show the account.
    request.state.user = user
    return user


async def app_language(request: Request, language: Language) -> str | None:
    """Return the language of a call with a Bearer token, as apps send; None for a call of our own pages."""
    return language if bearer_token(request) is not None else None


# An app has shown its own notice before it sends a selfie; our own pages ask for consent in words.
AppLanguage = Annotated[str | None, Depends(app_language)]
CurrentUser = Annotated[User, Depends(before_body(current_user))]


def _only(
    user_types: tuple[str, ...], refusal: type[errors.AppError], *, without_factor: bool = False
) -> Callable[..., Any]:
    """Return a dependency that takes accounts of these types; `without_factor`: also those that lack a second one."""

    async def check(user: CurrentUser) -> User:
        if user.user_type not in user_types:
            raise refusal
        if not without_factor and second_factor.is_missing(user):
            raise errors.SecondFactorMissing
        return user

    return before_body(check)


CurrentGuest = Annotated[User, Depends(_only((GUEST,), errors.GuestsOnly))]
SelfieGuest = Annotated[User, Depends(_only((GUEST,), errors.PhotographerSelfie))]
CurrentPhotographer = Annotated[User, Depends(_only((PHOTOGRAPHER,), errors.PhotographersOnly))]
CurrentAdmin = Annotated[User, Depends(_only((ADMIN,), errors.AdminsOnly))]
CurrentStaff = Annotated[User, Depends(_only((PHOTOGRAPHER, ADMIN), errors.StaffOnly, without_factor=True))]
PhotographerOrAdmin = Annotated[User, Depends(_only((PHOTOGRAPHER, ADMIN), errors.PhotographersOnly))]


def monitor(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Check that the caller is an admin or has the monitoring token.

    Raises:
        NotAuthenticated: the request has no token. InvalidToken: it is not valid.
        AdminsOnly: its account is not an admin's.
    """
    token = session_token(request)
    if token is None:
        raise errors.NotAuthenticated
    if tokens.is_monitoring(token):
        return
    user = accounts.user_of(tokens.read(token))
    identify(user.id, user.user_type)
    if user.user_type != ADMIN:
        raise errors.AdminsOnly
    if second_factor.is_missing(user):
        raise errors.SecondFactorMissing


def api_reader(request: Request) -> None:
    """Check that the caller may read the documentation of the API: anybody if it is public, else as `monitor`.

    Raises:
        NotAuthenticated, InvalidToken, AdminsOnly: see `monitor`.
    """
    if not get_settings().docs_are_public:
        monitor(request, None)


FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def scraper(request: Request) -> None:
    """Check that the caller has the monitoring token, or is on this machine and did not come through a proxy.

    Raises:
        NotAuthenticated: neither, and the request has no token. NotAllowed: neither, and its token is another one.
    """
    token = bearer_token(request)
    if tokens.is_monitoring(token):
        return
    host = request.client.host if request.client else ""
    if any(name in request.headers for name in FORWARDED) or not (host == "::1" or host.startswith("127.")):
        raise errors.NotAuthenticated if token is None else errors.NotAllowed
