"""Calls about the guest's selfie: validation, upload, state of its matching, picture, erasure."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

import errors
from api.accounts.schemas import Message
from api.before_body import before_body
from api.callers import AppLanguage, CurrentGuest, CurrentUser, SelfieGuest
from api.dependencies import SelfieValidator, WakeJobs
from api.documentation import SELFIE_FACE, SELFIE_FILE, SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.rules import SELFIE_BODY, body_limit, public
from api.selfies.schemas import MatchingStatus, SelfieOut, SelfieReceived, Valid
from api.selfies.waiting import now, when_through
from api.throttling import CallerDep
from api.uploads import SelfiePart, Strict
from api.waiting import LONGEST_WAIT
from guests import portraits
from models import Selfie, User
from selfies import service
from settings import get_settings
from throttling import rules

router = APIRouter(prefix="/api", tags=["selfies"])
Wait = Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the end of the matching.")]
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The picture."},
}


def sending_guest(guest: SelfieGuest, app_language: AppLanguage) -> User:
    """Return the calling guest if a selfie of theirs is accepted now.

    Raises:
        ConsentWithdrawn, EventExpired: in all of the guest's events. ConsentRequired: no consent is in force.
    """
    service.check_accepted(guest.id, is_consent=app_language is not None)
    return guest


SendingGuest = Annotated[User, Depends(before_body(sending_guest))]


@router.post(
    "/validate-selfie",
    summary="Validate a selfie",
    responses=error_responses(
        *SELFIE_FILE, *SELFIE_FACE, errors.SelfieBodyTooLarge, errors.TooManyRequests, errors.TooBusy
    ),
)
@public
@body_limit(SELFIE_BODY)
def validate_selfie(file: SelfiePart, validator: SelfieValidator, caller: CallerDep) -> Valid:
    """Needs no account and stores nothing. 400 with the reason if the selfie would be rejected.

    The picture stays in memory for two minutes at most, for the upload of the same bytes; no template is made.

    Of several faces, `faces` has the places: `left`, `top`, `width` and `height`, in fractions of the picture.
    """
    with caller.selfie_check():
        validator.check(file)
    return Valid(valid=True)


@router.post(
    "/upload-selfie",
    summary="Upload my selfie",
    responses=error_responses(
        *SELFIE_FILE,
        *SIGNED_IN,
        errors.PhotographerSelfie,
        errors.EventExpired,
        errors.ConsentWithdrawn,
        errors.ConsentRequired,
        errors.SelfieBodyTooLarge,
        errors.TooManyPortraits,
        errors.TooBusy,
        errors.TooManyRequests,
    ),
)
@body_limit(SELFIE_BODY)
def upload_selfie(
    guest: SendingGuest,
    file: SelfiePart,
    validator: SelfieValidator,
    wake_jobs: WakeJobs,
    language: Language,
    app_language: AppLanguage,
    strict: Strict = True,
    keep: Annotated[
        bool, Query(description="Add a portrait, five in all, instead of replacing those there.")
    ] = False,
) -> SelfieReceived:
    """Answers as soon as the selfie is on disk. Validation and matching follow in the background.

    If a replacement is rejected, the former selfie and its matches stay. A selfie that still waits is replaced.
    The guest is looked for only where a consent is in force. In events with `selfie_is_consent`, a selfie that an
    app sends is the consent, unless the guest has withdrawn one there; with no consent in any event, 403.
    """
    rules.count(rules.SELFIES, f"account {guest.id}")
    strict = strict and get_settings().selfie_validation_strict
    service.receive(guest, file, validator.store, strict=strict, keep=keep, consent_in=app_language)
    wake_jobs()
    return SelfieReceived(message=Success.SELFIE_RECEIVED.text(language))


@router.get(
    "/rematch-status",
    summary="State of my selfie's matching",
    response_model=MatchingStatus,
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly),
)
async def rematch_status(
    request: Request, guest: CurrentGuest, language: Language, wait: Wait = 0
) -> MatchingStatus | Response:
    """`idle`, `queued`, `running`, `done`, `validation_failed` (with the reason in `detail`) or `error`.

    With `wait`, the answer comes when the matching is through, or after that many seconds. It comes at once while
    too many wait. Whoever asks without `wait` may ask again after `next_poll_seconds`.
    """
    if wait:
        return when_through(request, guest.id, wait, language)
    return await run_in_threadpool(now, guest.id, language)


@router.get(
    "/my-selfie",
    summary="Metadata of my selfie",
    response_model=SelfieOut,
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSelfie),
)
def my_selfie(guest: CurrentGuest) -> Selfie:
    """Of the accepted selfie, else of the one that is being processed."""
    return service.mine(guest.id)


@router.delete(
    "/my-selfie",
    summary="Erase my selfie",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSelfie),
)
def delete_my_selfie(guest: CurrentGuest, language: Language) -> Message:
    """Erases the picture, its embeddings and every match of the guest."""
    portraits.remove_all(guest.id)
    return Message(message=Success.SELFIE_DELETED.text(language))


@router.get(
    "/me/selfies",
    summary="List my portraits",
    response_model=list[SelfieOut],
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly),
)
def my_portraits(guest: CurrentGuest) -> Sequence[Selfie]:
    """Those that are accepted or being processed, oldest first; five at most."""
    return portraits.portraits_of(guest.id)


@router.get(
    "/me/selfies/{selfie_id}",
    summary="Picture of one of my portraits",
    response_class=Response,
    responses={**PICTURE, **error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchSelfie)},
)
def my_portrait(selfie_id: RowId, guest: CurrentGuest) -> Response:
    """Only for its owner."""
    return _picture(portraits.image_of(guest.id, selfie_id))


@router.delete(
    "/me/selfies/{selfie_id}",
    summary="Erase one of my portraits",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchSelfie),
)
def delete_my_portrait(selfie_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Erases the picture and its embeddings; the photos that only it found go. With the last one, all matches go."""
    portraits.remove(guest.id, selfie_id)
    return Message(message=Success.PORTRAIT_DELETED.text(language))


@router.get(
    "/selfie/{user_id}",
    summary="Picture of a guest's selfie",
    response_class=Response,
    responses={**PICTURE, **error_responses(*SIGNED_IN, errors.SecondFactorMissing, errors.NoSuchSelfie)},
)
def selfie_image(user_id: RowId, user: CurrentUser) -> Response:
    """Only for its owner and admins. Of several portraits the newest."""
    return _picture(service.image_of(user_id, user))


def _picture(jpeg: bytes) -> Response:
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})
