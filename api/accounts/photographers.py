"""Calls of admins: photographers' accounts."""

from collections.abc import Sequence

from fastapi import APIRouter

import errors
from accounts import service
from accounts.service import NewAccount
from api.accounts.schemas import (
    Message,
    PhotographerChange,
    PhotographerChanged,
    PhotographerCreated,
    PhotographerIn,
    UserOut,
)
from api.callers import CurrentAdmin
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from models import PHOTOGRAPHER, User

router = APIRouter(prefix="/api/admin/photographers", tags=["admin"])
# The errors of every call that creates or changes an account of staff.
STAFF_REFUSED = (
    errors.AccountTaken,
    errors.UsernameIsNotOwnEmail,
    errors.StaffPasswordTooShort,
    errors.PasswordTooCommon,
    errors.PasswordGuessable,
    *SIGNED_IN,
    errors.AdminsOnly,
)


@router.get(
    "",
    summary="List photographers",
    response_model=list[UserOut],
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
)
def list_photographers(_: CurrentAdmin) -> Sequence[User]:
    """Every photographer, ordered by id."""
    return service.list_photographers()


@router.post(
    "",
    summary="Create a photographer's account",
    responses=error_responses(*STAFF_REFUSED),
)
def create_photographer(asked: PhotographerIn, _: CurrentAdmin, language: Language) -> PhotographerCreated:
    """The photographer logs in with this name or email address and this password."""
    account = NewAccount(asked.username, asked.email, asked.password)
    user = service.create_staff(account, PHOTOGRAPHER)
    return PhotographerCreated(message=Success.PHOTOGRAPHER_CREATED.text(language), photographer_id=user.id)


@router.put(
    "/{photographer_id}",
    summary="Change a photographer's account",
    responses=error_responses(*STAFF_REFUSED, errors.NoSuchPhotographer),
)
def update_photographer(
    photographer_id: RowId, asked: PhotographerChange, _: CurrentAdmin, language: Language
) -> PhotographerChanged:
    """Fields that are left out keep their value. A new password or `is_active: false` ends every session."""
    user = service.update_photographer(
        photographer_id,
        username=asked.username,
        email=asked.email,
        password=asked.password,
        is_active=asked.is_active,
    )
    return PhotographerChanged.of(user, Success.PHOTOGRAPHER_CHANGED.text(language))


@router.delete(
    "/{photographer_id}",
    summary="Delete a photographer's account",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly, errors.NoSuchPhotographer),
)
def delete_photographer(photographer_id: RowId, _: CurrentAdmin, language: Language) -> Message:
    """Their photos stay in the events."""
    service.delete_photographer(photographer_id)
    return Message(message=Success.PHOTOGRAPHER_DELETED.text(language))
