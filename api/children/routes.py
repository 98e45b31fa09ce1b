"""Calls of guests about the profiles of children that they hold."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

import errors
from api.accounts.exports import EXPORT_ERRORS, export_response
from api.accounts.schemas import Message
from api.before_body import before_body
from api.callers import CurrentGuest
from api.children.schemas import ChildHiddenIn, ChildIn, ChildOut, GuardianConsentIn
from api.dependencies import SelfieValidator, WakeJobs
from api.documentation import SELFIE_FILE, SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.paging import CURSORS, PAGED, AskedPage, mark_page
from api.photos.schemas import PhotoOut
from api.photos.zips import ZIP
from api.rules import SELFIE_BODY, body_limit
from api.selfies.routes import PICTURE
from api.selfies.schemas import SelfieReceived
from api.uploads import SelfiePart
from guests.children import service
from guests.wordings import accepted_for_child
from keys import MAX_ID
from models import User
from throttling import rules

router = APIRouter(prefix="/api/me/children", tags=["children"])
GUARDIANS = (*SIGNED_IN, errors.GuestsOnly)
OWN = (*GUARDIANS, errors.NoSuchChild)
AGREED = (errors.NotInEvent, errors.UnknownConsentVersion)


def child_to_show(child_id: RowId, guest: CurrentGuest) -> User:
    """Return the child in the path if a portrait of it is accepted now.

    Raises:
        NoSuchChild: it is not one of the caller's. ConsentRequired, ConsentWithdrawn, EventExpired: see the service.
    """
    return service.check_portrait(guest, child_id)


ChildToShow = Annotated[User, Depends(before_body(child_to_show))]


@router.get("", summary="List the children whose profiles I hold", responses=error_responses(*GUARDIANS))
def my_children(guest: CurrentGuest) -> list[ChildOut]:
    """Oldest profile first."""
    return [ChildOut.of(each) for each in service.children_of(guest)]


@router.post(
    "",
    summary="Add a child's profile",
    responses=error_responses(*GUARDIANS, *AGREED, errors.TooManyChildren, errors.TooManyRequests, errors.TooBusy),
)
def add_child(asked: ChildIn, guest: CurrentGuest, language: Language) -> ChildOut:
    """Add the child to one of my events. The call records that I hold parental responsibility and consent for it.

    The child has no login. Send its portrait with `PUT /api/me/children/{child_id}/portrait`.
    """
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    wording = accepted_for_child(asked.version, asked.language or language)
    added = service.add(guest, asked.name, asked.event_id, wording)
    return next(ChildOut.of(each) for each in service.children_of(guest) if each.account.id == added.id)


@router.put(
    "/{child_id}/portrait",
    summary="Send a child's portrait",
    responses=error_responses(
        *SELFIE_FILE,
        *OWN,
        *(errors.ConsentRequired, errors.ConsentWithdrawn, errors.EventExpired),
        *(errors.SelfieBodyTooLarge, errors.TooBusy, errors.TooManyRequests),
    ),
)
@body_limit(SELFIE_BODY)
def send_portrait(
    child: ChildToShow,
    guest: CurrentGuest,
    file: SelfiePart,
    validator: SelfieValidator,
    wake_jobs: WakeJobs,
    language: Language,
) -> SelfieReceived:
    """It replaces the portrait before. A portrait is never the consent: without a consent in words, 403."""
    rules.count(rules.SELFIES, f"account {guest.id}")
    service.send_portrait(child, file, validator.store)
    wake_jobs()
    return SelfieReceived(message=Success.SELFIE_RECEIVED.text(language))


@router.get(
    "/{child_id}/portrait",
    summary="Picture of a child's portrait",
    response_class=Response,
    responses={**PICTURE, **error_responses(*OWN, errors.NoSelfie)},
)
def portrait(child_id: RowId, guest: CurrentGuest) -> Response:
    """Only for the guardian."""
    jpeg = service.portrait(guest, child_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@router.get(
    "/{child_id}/photos",
    summary="List the photos of a child",
    responses={**PAGED, **error_responses(*CURSORS, *OWN, errors.NotInEvent)},
)
def child_photos(
    child_id: RowId,
    event_id: Annotated[int, Query(ge=1, le=MAX_ID)],
    guest: CurrentGuest,
    page: AskedPage,
    response: Response,
) -> list[PhotoOut]:
    """Photos of one of my events that show the child, newest first."""
    found = service.photos_of(guest, child_id, event_id, page)
    mark_page(response, found)
    return [PhotoOut.of(row, guest) for row in found.rows]


@router.post("/{child_id}/consent", summary="Consent for a child", responses=error_responses(*OWN, *AGREED))
def consent_for_child(
    child_id: RowId, asked: GuardianConsentIn, guest: CurrentGuest, language: Language, wake_jobs: WakeJobs
) -> Message:
    """The child joins one of my events. Its portrait, if there is one, is compared there from now on."""
    service.agree(guest, child_id, asked.event_id, accepted_for_child(asked.version, asked.language or language))
    wake_jobs()
    return Message(message=Success.CONSENT_GIVEN.text(language))


@router.delete(
    "/{child_id}/consents/{event_id}",
    summary="Withdraw my consent for a child",
    responses=error_responses(*OWN, errors.NotInEvent),
)
def withdraw_for_child(child_id: RowId, event_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Erases what was computed from the child's face in that event. The last withdrawal erases the portrait too."""
    service.withdraw(guest, child_id, event_id)
    return Message(message=Success.CONSENT_WITHDRAWN.text(language))


@router.put(
    "/{child_id}/events/{event_id}/hidden",
    summary="Hide the photos of a child from other guests",
    responses=error_responses(*OWN, errors.NotInEvent, errors.TooManyRequests),
)
def hide_child(child_id: RowId, event_id: RowId, asked: ChildHiddenIn, guest: CurrentGuest) -> list[ChildOut]:
    """Or show them again. I see them in both cases."""
    rules.count(rules.NOT_ME, f"account {guest.id}")
    service.hide(guest, child_id, event_id, hidden=asked.hidden)
    return [ChildOut.of(each) for each in service.children_of(guest)]


@router.get(
    "/{child_id}/export",
    summary="Download everything held about a child",
    response_class=Response,
    responses={**ZIP, **error_responses(*OWN, *EXPORT_ERRORS)},
)
def export_child(child_id: RowId, request: Request, guest: CurrentGuest, language: Language) -> Response:
    """The same ZIP about the child as `GET /api/me/export` gives about me."""
    return export_response(request, service.child_of(guest, child_id).id, guest.id, language)


@router.delete("/{child_id}", summary="Erase a child's profile", responses=error_responses(*OWN))
def erase_child(child_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Erases its portrait, consents, matches, and its faces in photos, as `DELETE /api/me` erases mine."""
    service.erase(guest, child_id)
    return Message(message=Success.CHILD_ERASED.text(language))
