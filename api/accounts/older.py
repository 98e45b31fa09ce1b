"""Calls of earlier releases' apps about accounts: other forms of registration, and the profile."""

from typing import Annotated

from fastapi import APIRouter, Form

import errors
from accounts import sessions
from api.accounts.routes import REGISTRATION_REFUSED, register_invite_with_selfie, register_with_event_code
from api.accounts.schemas import ProfileOut, RegistrationIn, TokenOut, UserOut
from api.callers import CurrentUser
from api.dependencies import HASHES, SelfieValidator, WakeJobs
from api.documentation import SELFIE_FACE, SELFIE_FILE, SIGNED_IN, error_responses
from api.fields import CONSENT, ConsentVersion, Email, Password, TypedCode, Username
from api.language import Language
from api.rules import SELFIE_BODY, body_limit, public
from api.sessions import Device
from api.throttling import CallerDep
from api.uploads import OlderSelfiePart
from models import User
from photos.seen import counts

router = APIRouter(prefix="/api", tags=["older clients"])


@router.post(
    "/register-invite",
    deprecated=True,
    dependencies=[HASHES],
    summary="Register as a guest (older clients)",
    response_model=UserOut,
    responses=error_responses(*REGISTRATION_REFUSED, errors.GuestAccountsOnly),
)
@public
def register_invite(asked: RegistrationIn, language: Language, caller: CallerDep) -> User:
    """The same as `POST /api/register-with-event-code`."""
    return register_with_event_code(asked, language, caller)


@router.post(
    "/register",
    deprecated=True,
    dependencies=[HASHES],
    summary="Register as a guest with a selfie, and log in (older clients)",
    response_model_exclude_none=True,
    responses=error_responses(
        *REGISTRATION_REFUSED, *SELFIE_FILE, *SELFIE_FACE, errors.ConsentRequired, errors.SelfieBodyTooLarge
    ),
)
@public
@body_limit(SELFIE_BODY)
def register(
    username: Annotated[Username, Form()],
    email: Annotated[Email, Form()],
    password: Annotated[Password, Form()],
    event_code: Annotated[TypedCode, Form()],
    selfie: OlderSelfiePart,
    language: Language,
    validator: SelfieValidator,
    wake_jobs: WakeJobs,
    caller: CallerDep,
    device: Device,
    consent: Annotated[ConsentVersion | None, Form(description=CONSENT)] = None,
) -> TokenOut:
    """`POST /api/register-invite-with-selfie`, followed by a login: answers with the token of a new session."""
    user = register_invite_with_selfie(
        username, email, password, event_code, selfie, language, validator, wake_jobs, caller, consent
    )
    return TokenOut.of(sessions.start(user, device))


@router.get(
    "/profile",
    deprecated=True,
    summary="My account and numbers of photos (older clients)",
    responses=error_responses(*SIGNED_IN, errors.SecondFactorMissing),
)
def profile(user: CurrentUser) -> ProfileOut:
    """For a guest, the numbers are those of the guest's event; without an event they are 0."""
    found = counts.counts_for(user)
    return ProfileOut(user=UserOut.model_validate(user), total_photos=found.photos, photos_with_face=found.with_face)
