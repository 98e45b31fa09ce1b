"""Calls of admins: further admins, and the erasure of a guest's account."""

from fastapi import APIRouter

import errors
from accounts import service
from accounts.service import NewAccount
from api.accounts.photographers import STAFF_REFUSED
from api.accounts.schemas import AdminCreated, Message, PhotographerIn
from api.callers import CurrentAdmin
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from guests.erasure import erase_guest
from models import ADMIN

router = APIRouter(prefix="/api/admin", tags=["admin"])


@router.post(
    "/create-admin",
    summary="Create an administrator's account",
    responses=error_responses(*STAFF_REFUSED),
)
def create_admin(asked: PhotographerIn, _: CurrentAdmin, language: Language) -> AdminCreated:
    """The first administrator is made on the server: `python -m accounts.admin new`."""
    account = NewAccount(asked.username, asked.email, asked.password)
    user = service.create_staff(account, ADMIN)
    return AdminCreated(message=Success.ADMIN_CREATED.text(language), admin_id=user.id)


@router.delete(
    "/users/{user_id}",
    summary="Erase a guest's account",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly, errors.NoSuchUser),
)
def delete_guest(user_id: RowId, _: CurrentAdmin, language: Language) -> Message:
    """Erases the account, its selfies and everything computed from them, in all events. 404 for staff."""
    erase_guest(user_id)
    return Message(message=Success.GUEST_DELETED.text(language))
