"""Calls about accounts: registration, login, the caller's own account."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

import errors
from accounts import sessions
from accounts.service import NewAccount
from api.accounts.schemas import (
    AvailabilityIn,
    AvailabilityOut,
    LoggedOut,
    LoginIn,
    RegistrationIn,
    TokenOut,
    UserOut,
)
from api.callers import CurrentUser
from api.dependencies import HASHES, SelfieValidator, WakeJobs
from api.documentation import SELFIE_FACE, SELFIE_FILE, SIGNED_IN, error_responses
from api.fields import CONSENT, ConsentVersion, Email, Password, TypedCode, Username
from api.language import Language
from api.messages import Success
from api.rules import SELFIE_BODY, body_limit, public
from api.sessions import Device, end_session
from api.throttling import CallerDep
from api.uploads import SelfiePart
from guests import registration
from models import GUEST, User
from notifications import service as notifications

router = APIRouter(prefix="/api", tags=["accounts"])
# The errors of every form of registration.
REGISTRATION_REFUSED = (
    errors.AccountTaken,
    errors.UnknownConsentVersion,
    errors.UsernameIsNotOwnEmail,
    errors.PasswordTooShort,
    errors.PasswordTooCommon,
    errors.EventNotFound,
    errors.AmbiguousEventCode,
    errors.TooManyRequests,
    errors.TooBusy,
)


@router.post(
    "/check-user-availability",
    summary="Check whether a name or address is free in an event",
    responses=error_responses(errors.EventNotFound, errors.AmbiguousEventCode, errors.TooManyRequests),
)
@public
def check_user_availability(asked: AvailabilityIn, caller: CallerDep) -> AvailabilityOut:
    """Compared with the accounts of the code's event; without a code, with the accounts that have no event."""
    with caller.typed_code():
        name, address = registration.availability(asked.username, asked.email, asked.event_code)
    return AvailabilityOut(username_taken=name, email_taken=address)


@router.post(
    "/register-with-event-code",
    dependencies=[HASHES],
    summary="Register as a guest",
    response_model=UserOut,
    responses=error_responses(*REGISTRATION_REFUSED, errors.GuestAccountsOnly),
)
@public
def register_with_event_code(asked: RegistrationIn, language: Language, caller: CallerDep) -> User:
    """Creates a guest's account in the event of the code."""
    if asked.user_data.user_type != GUEST:
        raise errors.GuestAccountsOnly
    who = asked.user_data
    account = NewAccount(who.username, who.email, who.password)
    with caller.registration(), caller.typed_code():
        return registration.register(account, asked.event_code, language, asked.consent)


@router.post(
    "/register-invite-with-selfie",
    dependencies=[HASHES],
    summary="Register as a guest with a selfie",
    response_model=UserOut,
    responses=error_responses(
        *REGISTRATION_REFUSED, *SELFIE_FILE, *SELFIE_FACE, errors.ConsentRequired, errors.SelfieBodyTooLarge
    ),
)
@public
@body_limit(SELFIE_BODY)
def register_invite_with_selfie(
    username: Annotated[Username, Form()],
    email: Annotated[Email, Form()],
    password: Annotated[Password, Form()],
    event_code: Annotated[TypedCode, Form()],
    file: SelfiePart,
    language: Language,
    validator: SelfieValidator,
    wake_jobs: WakeJobs,
    caller: CallerDep,
    consent: Annotated[ConsentVersion | None, Form(description=CONSENT)] = None,
) -> User:
    """The selfie is validated before the answer. A rejected one leaves neither an account nor a file.

    Without `consent`, the selfie is the consent where the event has `selfie_is_consent`; elsewhere 403.
    """
    account = NewAccount(username, email, password)
    with caller.registration(), caller.typed_code():
        user = registration.register_with_selfie(account, event_code, file, validator, language, consent)
    wake_jobs()
    return user


@router.post(
    "/login",
    dependencies=[HASHES],
    summary="Log in",
    response_model_exclude_none=True,
    responses=error_responses(
        errors.BadCredentials,
        errors.SecondFactorRequired,
        errors.WrongSecondFactor,
        errors.SeveralAccounts,
        errors.TooManyRequests,
        errors.TooBusy,
    ),
)
@public
def login(asked: LoginIn, device: Device, caller: CallerDep) -> TokenOut:
    """For guests, photographers and admins. `username` may be the email address. Starts a session.

    An account of staff goes before guests of the same name, also with a code. If the password fits several guests,
    409 lists them with their events: call again with the code of one of the events, or with the account's `user_id`.

    Where a second factor is due, 401 `SecondFactorRequired`: call again with the code of the app as `otp`.
    """
    code = asked.event_code or None
    grant = caller.log_in(
        asked.username,
        asked.password,
        code,
        device,
        refresh=asked.refresh,
        otp=asked.otp,
        user_id=asked.user_id,
    )
    return TokenOut.of(grant)


@router.get("/me", summary="My account", response_model=UserOut, responses=error_responses(*SIGNED_IN))
def me(user: CurrentUser) -> User:
    """The account of the token, with its event."""
    return user


@router.post("/logout", summary="Log out", responses=error_responses(*SIGNED_IN, errors.CsrfMismatch))
def logout(request: Request, response: Response, user: CurrentUser, language: Language) -> LoggedOut:
    """Ends the session: its tokens and signed links are refused from now on. Deletes the cookie of the pages."""
    sessions.end_current(user)
    notifications.end_session(user.id, user.session_id)
    end_session(request, response)
    return LoggedOut(message=Success.LOGGED_OUT.text(language))
