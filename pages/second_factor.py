"""The pages on which staff set up, renew and switch off their second factor."""

from typing import Annotated, Any

from fastapi import Form, Request, Response

import errors
from accounts.second_factor import service as second_factor
from accounts.second_factor.service import Enrolment
from api.accounts.second_factor import qr_of
from api.callers import CurrentStaff
from api.dependencies import HASHES
from api.throttling import CallerDep
from keys import MAX_PASSWORD
from models import User
from pages.redirects import flash_of, redirect_with_flash
from pages.rendering import page_router, render

router = page_router()
PAGE = "/account/second-factor"
Field = Annotated[str, Form()]
FLASH_DONE = ("off",)
FLASH_PROBLEMS = ("password", "code")
MAX_OTP = 32


def _page(request: Request, user: User, **context: Any) -> Response:
    flash = flash_of(request)
    done, problem = flash.get("done"), flash.get("problem")
    given: dict[str, Any] = {
        "enrolment": None,
        "codes": None,
        "done": done if done in FLASH_DONE else "",
        "problem": problem if problem in FLASH_PROBLEMS else "",
        **context,
    }
    return render(request, "account/second_factor.html", state=second_factor.state(user), **given)


def _enrolling(request: Request, user: User, enrolment: Enrolment, problem: str = "") -> Response:
    # Shown in the answer to the form: a secret never travels in a cookie or an address.
    return _page(request, user, enrolment=enrolment, qr=qr_of(enrolment.uri), problem=problem)


@router.get(PAGE)
def show(request: Request, staff: CurrentStaff) -> Response:
    """Return the page: the state of the second factor and what can be done about it."""
    return _page(request, staff)


@router.post(f"{PAGE}/begin", dependencies=[HASHES])
def begin(request: Request, staff: CurrentStaff, caller: CallerDep, password: Field = "") -> Response:
    """Show the QR code for the authenticator app, if the password is right."""
    try:
        with caller.password_of(staff):
            enrolment = second_factor.begin(staff, password[:MAX_PASSWORD])
    except errors.BadCredentials:
        return redirect_with_flash(request, PAGE, problem="password")
    except errors.SecondFactorEnabled:
        return redirect_with_flash(request, PAGE)
    return _enrolling(request, staff, enrolment)


@router.post(f"{PAGE}/confirm")
def confirm(request: Request, staff: CurrentStaff, caller: CallerDep, otp: Field = "") -> Response:
    """Switch the second factor on with the first code, and show the recovery codes."""
    try:
        with caller.password_of(staff):
            codes = second_factor.confirm(staff, otp[:MAX_OTP])
    except errors.WrongSecondFactor:
        enrolment = second_factor.pending(staff)
        if enrolment is not None:
            return _enrolling(request, staff, enrolment, "code")
        return redirect_with_flash(request, PAGE)
    except errors.NoSecondFactor:
        return redirect_with_flash(request, PAGE)
    return _page(request, staff, codes=codes)


@router.post(f"{PAGE}/codes")
def renew(request: Request, staff: CurrentStaff, caller: CallerDep, otp: Field = "") -> Response:
    """Replace the recovery codes and show the new ones."""
    try:
        with caller.password_of(staff):
            return _page(request, staff, codes=second_factor.renew_recovery_codes(staff, otp[:MAX_OTP]))
    except errors.WrongSecondFactor:
        return redirect_with_flash(request, PAGE, problem="code")
    except errors.NoSecondFactor:
        return redirect_with_flash(request, PAGE)


@router.post(f"{PAGE}/off", dependencies=[HASHES])
def switch_off(
    request: Request, staff: CurrentStaff, caller: CallerDep, password: Field = "", otp: Field = ""
) -> Response:
    """Switch the second factor off, if password and code are right."""
    try:
        with caller.password_of(staff):
            second_factor.switch_off(staff, password[:MAX_PASSWORD], otp[:MAX_OTP])
    except errors.WrongSecondFactor:
        return redirect_with_flash(request, PAGE, problem="code")
    except errors.BadCredentials:
        return redirect_with_flash(request, PAGE, problem="password")
    except errors.NoSecondFactor:
        return redirect_with_flash(request, PAGE)
    return redirect_with_flash(request, PAGE, done="off")
