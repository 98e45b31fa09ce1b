"""Calls of admins: further admins, and the erasure of a guest's account."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

import errors
from accounts import service
from accounts.service import NewAccount
from api.accounts.exports import EXPORT_ERRORS, export_response
from api.accounts.photographers import STAFF_REFUSED
from api.accounts.schemas import PHOTOS_OF_ME, AdminCreated, HiddenIn, Message, PhotographerIn, PhotosOfMe
from api.callers import CurrentAdmin
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.photos.zips import ZIP
from guests.erasure import erase_guest
from models import ADMIN
from photos.withheld import service as withheld

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
def delete_guest(
    user_id: RowId,
    _: CurrentAdmin,
    language: Language,
    photos: Annotated[PhotosOfMe, Query(description=PHOTOS_OF_ME)] = "leave",
) -> Message:
    """Erases the account, its selfies and everything computed from them, in all events. 404 for staff."""
    erase_guest(user_id, hide_photos=photos == "hide")
    return Message(message=Success.GUEST_DELETED.text(language))


@router.get(
    "/users/{user_id}/export",
    summary="Download everything held about an account",
    response_class=Response,
    responses={**ZIP, **error_responses(*SIGNED_IN, errors.AdminsOnly, errors.NoSuchUser, *EXPORT_ERRORS)},
)
def export_account(user_id: RowId, request: Request, admin: CurrentAdmin, language: Language) -> Response:
    """What `GET /api/me/export` gives its owner, to answer a letter. The audit log has it."""
    return export_response(request, user_id, admin.id, language)


@router.put(
    "/users/{user_id}/events/{event_id}/hidden",
    summary="Hide the photos of a guest, or show them again",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly, errors.NotInEvent),
)
def hide_photos_of_guest(user_id: RowId, event_id: RowId, asked: HiddenIn, _: CurrentAdmin) -> HiddenIn:
    """As `PUT /api/user/events/{event_id}/hidden`, for a guest who writes a letter. Idempotent."""
    if asked.hidden:
        withheld.hide_photos_of(user_id, event_id)
    else:
        withheld.show_photos_of(user_id, event_id)
    return asked
