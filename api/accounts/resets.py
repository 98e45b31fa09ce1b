"""Calls about forgotten passwords and the confirmation of addresses."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

import errors
from accounts import confirmation, login_links
from accounts.resets import service
from api.accounts.schemas import Message
from api.callers import CurrentAdmin
from api.dependencies import HASHES, WakeMail
from api.documentation import NEW_PASSWORD, SIGNED_IN, error_responses
from api.fields import Email, Password, RowId, UtcTime
from api.language import Language
from api.messages import Success
from api.rules import public
from api.throttling import CallerDep
from keys import MAX_TYPED
from mail import outbox
from models import utcnow
from settings import get_settings

router = APIRouter(prefix="/api", tags=["accounts"])
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TYPED)]
TOKEN = "The part of the link after `#`, or the whole link."  # noqa: S105 - a description


class ResetIn(BaseModel):
    email: Email = Field(examples=["amy@example.org"])


class ResetConfirmIn(BaseModel):
    token: LinkToken = Field(examples=["J1qK0c8Xb4d5WnP2sT7vYz3aRfGhLmQe9uIoBxNtCwk"], description=TOKEN)
    password: Password = Field(examples=["a long sentence is a good password"])


class AddressConfirmIn(BaseModel):
    token: LinkToken = Field(examples=["17.1796000000.b0kXq3vR5tYuIoPaSdFgHjKl"], description=TOKEN)


class ResetLinkOut(BaseModel):
    url: str = Field(examples=["https://photos.example.org/reset#J1qK0c8Xb4d5WnP2sT7vYz3aRfGhLmQe9uIoBxNtCwk"])
    expires_at: UtcTime


class LoginLinkOut(BaseModel):
    url: str = Field(examples=["https://photos.example.org/enter#J1qK0c8Xb4d5WnP2sT7vYz3aRfGhLmQe9uIoBxNtCwk"])
    expires_at: UtcTime


@router.post(
    "/password-reset",
    summary="Ask for a link to set a new password",
    responses=error_responses(errors.TooManyRequests),
)
@public
def ask_for_reset(asked: ResetIn, language: Language, wake_mail: WakeMail, caller: CallerDep) -> Message:
    """Mails a link for each open account with this address; each is valid once, for 30 minutes.

    The answer and its time are the same whether or not the address is known. Where no mail is sent, the message
    tells the caller to ask an admin or the organiser.
    """
    caller.password_reset(asked.email)
    if not get_settings().mail_is_on:
        return Message(message=Success.RESET_WITHOUT_MAIL.text(language))
    outbox.ask_for_reset(asked.email, language)
    wake_mail()
    return Message(message=Success.RESET_ASKED.text(language))


@router.post(
    "/password-reset/confirm",
    dependencies=[HASHES],
    summary="Set a new password by a link",
    responses=error_responses(errors.ResetLinkInvalid, *NEW_PASSWORD, errors.TooManyRequests, errors.TooBusy),
)
@public
def confirm_reset(asked: ResetConfirmIn, language: Language, caller: CallerDep) -> Message:
    """Ends every session of the account and every other link for it. A refused password leaves the link valid."""
    caller.link_use()
    service.set_password(asked.token, asked.password)
    return Message(message=Success.PASSWORD_SET.text(language))


@router.post(
    "/confirm-address",
    summary="Confirm an address by a link",
    responses=error_responses(errors.ConfirmationLinkInvalid, errors.TooManyRequests),
)
@public
def confirm_address(asked: AddressConfirmIn, language: Language, caller: CallerDep) -> Message:
    """With the token of the mail that follows a registration. Nothing requires a confirmed address. Idempotent."""
    caller.link_use()
    confirmation.confirm(asked.token)
    return Message(message=Success.ADDRESS_CONFIRMED.text(language))


@router.post(
    "/admin/users/{user_id}/login-link",
    tags=["admin"],
    summary="Make a link that logs a guest in",
    responses=error_responses(
        *SIGNED_IN, errors.AdminsOnly, errors.NoLinkForStaff, errors.NoSuchUser, errors.AccountClosed
    ),
)
def make_login_link(user_id: RowId, _: CurrentAdmin) -> LoginLinkOut:
    """For a guest who lost the phone and kept no address, link or password. Valid once, for 24 hours.

    Only this answer contains it. Before you hand it over, compare the guest with the portrait
    (`GET /api/selfie/{user_id}`).
    """
    now = utcnow()
    token = login_links.issue_for_admin(user_id)
    return LoginLinkOut(url=login_links.url_of(token), expires_at=now + login_links.LIFETIMES[login_links.HELP])


@router.post(
    "/admin/users/{user_id}/reset-link",
    tags=["admin"],
    summary="Make a link that sets a new password",
    responses=error_responses(
        *SIGNED_IN, errors.AdminsOnly, errors.NoLinkForAdmins, errors.NoSuchUser, errors.AccountClosed
    ),
)
def make_reset_link(user_id: RowId, _: CurrentAdmin) -> ResetLinkOut:
    """For a guest or a photographer who cannot receive mail. Only this answer contains it: give it to the owner."""
    link = service.issue_for_admin(user_id)
    return ResetLinkOut(url=link.url, expires_at=link.expires_at)
