"""Event codes for anyone; joining and leaving traces of it for guests; their own events for photographers."""

import math
from typing import Annotated

from fastapi import APIRouter, Query

import errors
from api.accounts.schemas import EventCodeIn
from api.callers import CurrentGuest, CurrentPhotographer
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
from database import reading
from events import codes, service
from guests import joining
from models import utcnow

router = APIRouter(prefix="/api", tags=["events"])
SECONDS_A_DAY = 86_400


@router.post("/check-event-code", summary="Does this code open an event?")
@public
def check_event_code(asked: EventCodeIn) -> CodeValidity:
    """An expired or unknown code is `false`, never an error. Case and surrounding spaces do not count."""
    return CodeValidity(valid=codes.is_open(asked.event_code))


@router.get(
    "/event-info", summary="Which event does this code open?", responses=error_responses(errors.EventNotFound)
)
@public
def event_info(event_code: Annotated[TypedCode, Query(examples=["MARIAGE7"])]) -> EventInfoOut:
    """For the page that a guest's scan leads to. `open` is false once the event has expired."""
    with reading() as session:
        event = service.by_typed_code(session, event_code)
    if event is None:
        raise errors.EventNotFound
    return EventInfoOut(name=event.name, date=event.date, open=event.expires_at > utcnow())


@router.post(
    "/join-event",
    summary="Join a further event",
    responses=error_responses(errors.AlreadyJoined, *SIGNED_IN, errors.GuestsOnly, errors.EventNotFound),
)
def join_event(asked: JoinIn, guest: CurrentGuest, language: Language, wake_jobs: WakeJobs) -> EventJoined:
    """The guest's selfie is compared with the new event's photos at once."""
    event = joining.join(guest.id, asked.event_code, asked.consent, language)
    wake_jobs()
    return EventJoined(message=Success.EVENT_JOINED.text(language), event_id=event.id, event_name=event.name)


@router.get("/user/events", summary="My events", responses=error_responses(*SIGNED_IN, errors.GuestsOnly))
def user_events(guest: CurrentGuest) -> list[JoinedEventOut]:
    """The events the guest belongs to, oldest membership first."""
    return [
        JoinedEventOut.of(event, guest, joined_at=membership.joined_at, matching=membership.withdrawn_at is None)
        for event, membership in joining.joined_by(guest.id)
    ]


@router.get(
    "/user/event-expiration",
    summary="Until when my event takes selfies",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchEvent),
)
def event_expiration(guest: CurrentGuest) -> ExpirationOut:
    """Whole days left, rounded up; 0 once expired."""
    with reading() as session:
        event = service.home_event(session, guest)
    seconds = (event.expires_at - utcnow()).total_seconds()
    return ExpirationOut(
        event_id=event.id,
        expires_at=event.expires_at,
        days_left=max(0, math.ceil(seconds / SECONDS_A_DAY)),
        expired=seconds <= 0,
    )


@router.get(
    "/photographer/events",
    summary="The events I photograph",
    responses=error_responses(*SIGNED_IN, errors.PhotographersOnly),
)
def photographer_events(photographer: CurrentPhotographer) -> list[EventOut]:
    """Newest first."""
    return [EventOut.of(event, photographer) for event in service.of_photographer(photographer.id)]


@router.get(
    "/photographer/my-event",
    summary="The event I photograph",
    responses=error_responses(*SIGNED_IN, errors.PhotographersOnly, errors.NoEventAssigned),
)
def photographer_event(photographer: CurrentPhotographer) -> EventOut:
    """The newest of the photographer's events."""
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
    """Every guest with a selfie is compared with every face again, in the background."""
    queued = service.request_rematch(event.id)
    wake_jobs()
    return RematchQueued(message=Success.MATCHING_QUEUED.text(language), queued=queued)
