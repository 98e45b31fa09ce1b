"""Calls of staff about their second factor."""

import segno
from fastapi import APIRouter

import errors
from accounts.second_factor import service as second_factor
from accounts.second_factor.service import FactorState
from api.accounts.schemas import (
    EnrolmentOut,
    FactorStateOut,
    Message,
    OtpIn,
    PasswordAndOtpIn,
    PasswordIn,
    RecoveryCodesOut,
)
from api.callers import CurrentStaff
from api.dependencies import HASHES
from api.documentation import SIGNED_IN, error_responses
from api.language import Language
from api.messages import Success
from api.throttling import CallerDep

router = APIRouter(prefix="/api/me/second-factor", tags=["accounts"])
REFUSED = (*SIGNED_IN, errors.StaffOnly)
WRONG = (errors.WrongSecondFactor, errors.NoSecondFactor)


@router.get("", summary="My second factor", response_model=FactorStateOut, responses=error_responses(*REFUSED))
def second_factor_state(staff: CurrentStaff) -> FactorState:
    """Whether it is on, whether this installation requires it, and how many recovery codes are left."""
    return second_factor.state(staff)


@router.post(
    "",
    dependencies=[HASHES],
    summary="Begin to set up a second factor",
    responses=error_responses(
        errors.BadCredentials, errors.SecondFactorEnabled, *REFUSED, errors.TooManyRequests, errors.TooBusy
    ),
)
def begin(asked: PasswordIn, staff: CurrentStaff, caller: CallerDep) -> EnrolmentOut:
    """The secret for an authenticator app, also as a QR code. It counts from `confirm` on."""
    with caller.password_of(staff):
        made = second_factor.begin(staff, asked.password)
    return EnrolmentOut(secret=made.secret, uri=made.uri, qr=qr_of(made.uri))


def qr_of(uri: str) -> str:
    """Return the QR code of an address as a `data:` URL (PNG)."""
    return str(segno.make(uri, error="m", micro=False).png_data_uri(scale=5, border=4))


@router.post(
    "/confirm",
    summary="Switch the second factor on",
    responses=error_responses(*WRONG, *REFUSED, errors.TooManyRequests),
)
def confirm(asked: OtpIn, staff: CurrentStaff, caller: CallerDep) -> RecoveryCodesOut:
    """With the first code of the app. The recovery codes are shown only now; each replaces the app once.

    Every other session of the account ends.
    """
    with caller.password_of(staff):
        return RecoveryCodesOut(recovery_codes=second_factor.confirm(staff, asked.otp))


@router.post(
    "/recovery-codes",
    summary="Replace my recovery codes",
    responses=error_responses(*WRONG, *REFUSED, errors.TooManyRequests),
)
def renew_recovery_codes(asked: OtpIn, staff: CurrentStaff, caller: CallerDep) -> RecoveryCodesOut:
    """The old ones end, and so does every other session of the account."""
    with caller.password_of(staff):
        return RecoveryCodesOut(recovery_codes=second_factor.renew_recovery_codes(staff, asked.otp))


@router.delete(
    "",
    dependencies=[HASHES],
    summary="Switch the second factor off",
    responses=error_responses(errors.BadCredentials, *WRONG, *REFUSED, errors.TooManyRequests, errors.TooBusy),
)
def switch_off(asked: PasswordAndOtpIn, staff: CurrentStaff, caller: CallerDep, language: Language) -> Message:
    """Every other session of the account ends.

    Where the installation requires a second factor, the account can then do nothing but set up a new one.
    """
    with caller.password_of(staff):
        second_factor.switch_off(staff, asked.password, asked.otp)
    return Message(message=Success.SECOND_FACTOR_OFF.text(language))
