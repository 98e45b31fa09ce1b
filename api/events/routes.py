"""Calls about events: codes for anyone, memberships for guests, assigned events for photographers."""

import math
from typing import Annotated

from fastapi import APIRouter, Query

import errors
from api.accounts.schemas import EventCodeIn
from api.callers import AppLanguage, CurrentGuest, CurrentPhotographer
from api.dependencies import WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.events.access import AssignedEvent
from api.events.schemas import (
    CodeValidity,
    EventInfoOut,
    EventJoined,
    EventOut,
    ExpirationOut,
    JoinedEventOut,
    JoinIn,
    RematchQueued,
)
from api.fields import TypedCode
from api.language import Language
from api.messages import Success
from api.rules import public
from api.throttling import CallerDep
from database import reading
from events import codes, ending, service
from guests import joining
from guests.wordings import accepted
from models import utcnow
from photos.staff import queries as staff_queries
from selfies.consent import counts_in

router = APIRouter(prefix="/api", tags=["events"])
SECONDS_A_DAY = 86_400


@router.post("/check-event-code", summary="Check an event code", responses=error_responses(errors.TooManyRequests))
@public
def check_event_code(asked: EventCodeIn, caller: CallerDep) -> CodeValidity:
    """`valid` is false for an expired or unknown code, never an error. Case and surrounding spaces do not count."""
    valid = codes.is_open(asked.event_code)
    if not valid:
        caller.wrong_code()
    return CodeValidity(valid=valid)


@router.get(
    "/event-info",
    summary="Name and date of a code's event",
    responses=error_responses(errors.EventNotFound, errors.AmbiguousEventCode, errors.TooManyRequests),
)
@public
def event_info(event_code: Annotated[TypedCode, Query(examples=["MARIAGE7"])], caller: CallerDep) -> EventInfoOut:
    """For the page behind the QR code. An expired event's code is answered like an unknown one."""
    with caller.typed_code(), reading() as session:
        event = service.event_for_registration(session, event_code)
    return EventInfoOut(name=event.name, date=event.date, open=True)


@router.post(
    "/join-event",
    summary="Join another event",
    responses=error_responses(
        errors.AlreadyJoined,
        errors.UnknownConsentVersion,
        *SIGNED_IN,
        errors.GuestsOnly,
        errors.EventNotFound,
        errors.AmbiguousEventCode,
        errors.TooManyRequests,
    ),
)
def join_event(
    asked: JoinIn,
    guest: CurrentGuest,
    language: Language,
    app_language: AppLanguage,
    wake_jobs: WakeJobs,
    caller: CallerDep,
) -> EventJoined:
    """Matching of the guest's selfie with the new event's photos starts at once, in the background.

    Without `consent`, the selfie that an app has sent is the consent there too, where the event has
    `selfie_is_consent`. Elsewhere matching starts with `POST /api/consent`.
    """
    wording = accepted(asked.consent, language) if asked.consent is not None else None
    with caller.typed_code():
        event = joining.join(guest.id, asked.event_code, wording, selfie_consent_in=app_language)
    wake_jobs()
    return EventJoined(message=Success.EVENT_JOINED.text(language), event_id=event.id, event_name=event.name)


@router.get("/user/events", summary="List my events", responses=error_responses(*SIGNED_IN, errors.GuestsOnly))
def user_events(guest: CurrentGuest) -> list[JoinedEventOut]:
    """The events that the guest belongs to, the first joined first."""
    return [
        JoinedEventOut.of(
            event,
            guest,
            joined_at=membership.joined_at,
            matching=membership.withdrawn_at is None,
            has_consent=bool(membership.has_consent),
            selfie_is_consent=counts_in(event),
        )
        for event, membership in joining.joined_by(guest.id)
    ]


@router.get(
    "/user/event-expiration",
    summary="Expiry of my event",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchEvent),
)
def event_expiration(guest: CurrentGuest) -> ExpirationOut:
    """`days_left` is in whole days, rounded up; 0 once the event has expired."""
    with reading() as session:
        event = service.home_event(session, guest)
        photos = staff_queries.count_of_event(session, event.id)
    seconds = (event.expires_at - utcnow()).total_seconds()
    return ExpirationOut(
        event_id=event.id,
        expires_at=event.expires_at,
        days_left=max(0, math.ceil(seconds / SECONDS_A_DAY)),
        seconds_remaining=max(0, math.ceil(seconds)),
        expired=seconds <= 0,
        photos_count=photos,
        photos_until=ending.photos_until(event),
        faces_until=ending.faces_until(event),
    )


@router.get(
    "/photographer/events",
    summary="List my events as a photographer",
    responses=error_responses(*SIGNED_IN, errors.PhotographersOnly),
)
def photographer_events(photographer: CurrentPhotographer) -> list[EventOut]:
    """The events that the photographer is assigned to, newest first."""
    return [EventOut.of(event, photographer) for event in service.of_photographer(photographer.id)]


@router.get(
    "/photographer/my-event",
    summary="My newest event as a photographer",
    responses=error_responses(*SIGNED_IN, errors.PhotographersOnly, errors.NoEventAssigned),
)
def photographer_event(photographer: CurrentPhotographer) -> EventOut:
    """The newest of the events that the photographer is assigned to."""
    events = service.of_photographer(photographer.id)
    if not events:
        raise errors.NoEventAssigned
    return EventOut.of(events[0], photographer)


@router.post(
    "/photographer/events/{event_id}/rematch",
    summary="Match all guests of my event again",
    responses=error_responses(*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent),
)
def photographer_rematch(event: AssignedEvent, wake_jobs: WakeJobs, language: Language) -> RematchQueued:
    """Compares every guest's selfie with every face of the event again, in the background."""
    queued = service.request_rematch(event.id)
    wake_jobs()
    return RematchQueued(message=Success.MATCHING_QUEUED.text(language), queued=queued, event_id=event.id)
