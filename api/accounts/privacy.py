"""Calls of guests about their data: consent, its withdrawal, erasure of the account."""

from fastapi import APIRouter, Request, Response

import errors
from api.accounts.exports import EXPORT_ERRORS, export_response
from api.accounts.schemas import ConsentIn, ConsentOut, ErasureIn, HiddenEvents, HiddenIn, Message
from api.callers import CurrentGuest, CurrentUser
from api.dependencies import HASHES, WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.photos.zips import ZIP
from api.throttling import CallerDep
from guests import consent
from guests.erasure import erase
from guests.wordings import accepted
from photos.withheld import service as withheld
from throttling import rules

router = APIRouter(prefix="/api", tags=["privacy"])
REFUSED = (*SIGNED_IN, errors.GuestsOnly)


@router.post(
    "/consent",
    summary="Give consent to face matching",
    responses=error_responses(*REFUSED, errors.NotInEvent, errors.UnknownConsentVersion),
)
def give_consent(asked: ConsentIn, guest: CurrentGuest, language: Language, wake_jobs: WakeJobs) -> Message:
    """Recorded once for each version. Until then the guest is not looked for; the matching runs in the background.

    `language` is that of the wording the guest was shown, by default the one of the answer. A version is accepted
    until a year after another one has replaced it. `GET /consent/{version}` shows the wordings.
    """
    consent.give(guest.id, asked.event_id, accepted(asked.version, asked.language or language))
    wake_jobs()
    return Message(message=Success.CONSENT_GIVEN.text(language))


@router.get("/my-consents", summary="List my consents", responses=error_responses(*REFUSED))
def my_consents(guest: CurrentGuest) -> list[ConsentOut]:
    """Every consent of the guest, newest first, withdrawn ones included."""
    return [
        ConsentOut(
            event_id=each.event_id,
            event_name=event_name,
            version=each.version,
            locale=each.locale,
            basis=each.basis,
            text_sha256=each.text_sha256,
            taken_over=each.taken_over,
            given_at=each.given_at,
            withdrawn_at=each.withdrawn_at,
            ends_at=each.ends_at,
        )
        for each, event_name in consent.all_of(guest.id)
    ]


@router.delete(
    "/my-consents/{event_id}", summary="Withdraw consent", responses=error_responses(*REFUSED, errors.NotInEvent)
)
def withdraw_consent(event_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Erases the guest's embeddings for this event and every match there. No later job computes them again.

    The account stays: `DELETE /api/me` erases it. The selfie stays while a consent is in force in another event.
    """
    consent.withdraw(guest.id, event_id)
    return Message(message=Success.CONSENT_WITHDRAWN.text(language))


@router.get(
    "/me/export",
    summary="Download everything held about me",
    response_class=Response,
    responses={**ZIP, **error_responses(*SIGNED_IN, *EXPORT_ERRORS)},
)
def export_me(request: Request, user: CurrentUser, language: Language) -> Response:
    """A ZIP: `data.json` and the same as `csv/`, `selfies/`, and `photos/` that show me, as I can download them.

    It has no secrets and nothing about other people. It takes a slot of `RATE_ZIPS`, as every ZIP. A broken download
    resumes with `Range` while nothing has changed. Staff get their rows, without pictures.
    """
    return export_response(request, user.id, user.id, language)


@router.get(
    "/my-hidden-photos",
    summary="List the events in which I hide the photos of me",
    responses=error_responses(*REFUSED),
)
def my_hidden_photos(guest: CurrentGuest) -> HiddenEvents:
    """There no other guest sees the photos that show me."""
    return HiddenEvents(event_ids=sorted(withheld.hides_in(guest.id)))


@router.put(
    "/user/events/{event_id}/hidden",
    summary="Hide the photos of me, or show them again",
    responses=error_responses(*REFUSED, errors.NotInEvent, errors.TooManyRequests),
)
def hide_photos_of_me(event_id: RowId, asked: HiddenIn, guest: CurrentGuest) -> HiddenIn:
    """From all other guests of one of my events: photos that were found to show me, and those found later.

    I see them myself; so do the photographers of the event, who are told. Idempotent.
    """
    rules.count(rules.NOT_ME, f"account {guest.id}")
    if asked.hidden:
        withheld.hide_photos_of(guest.id, event_id)
    else:
        withheld.show_photos_of(guest.id, event_id)
    return asked


@router.delete(
    "/me",
    dependencies=[HASHES],
    summary="Erase my account",
    responses=error_responses(
        errors.BadCredentials, errors.ErasureUnconfirmed, *REFUSED, errors.TooManyRequests, errors.TooBusy
    ),
)
def erase_me(asked: ErasureIn, guest: CurrentGuest, language: Language, caller: CallerDep) -> Message:
    """Erases the account, its selfies and everything computed from them, in all events. It cannot be undone.

    That includes the embeddings of the faces that were found to be the guest's, in the photos themselves; they are
    not computed again. `photos`: what becomes of the photos of the guest. An account without a password sends
    `confirm`.
    """
    hide = asked.photos == "hide"
    with caller.password_of(guest):
        erase(guest, asked.password, confirmed=asked.confirm, hide_photos=hide)
    return Message(message=Success.ACCOUNT_DELETED.text(language))
