"""Event codes for anyone; joining and leaving traces of it for guests; their own events for photographers."""

import math
from collections.abc import Sequence

from fastapi import APIRouter

import errors
from accounts.schemas import EventCodeIn
from database import reading
from dependencies import (
    SIGNED_IN,
    CurrentGuest,
    CurrentPhotographer,
    OwnedEvent,
    WakeJobs,
    refusals,
)
from events import service
from events.schemas import (
    CodeValidity,
    EventJoined,
    EventOut,
    ExpirationOut,
    JoinedEventOut,
    RematchQueued,
)
from models import Event, utcnow

router = APIRouter(prefix="/api", tags=["events"])
SECONDS_A_DAY = 86_400


@router.post("/check-event-code", summary="Does this code open an event?")
def check_event_code(asked: EventCodeIn) -> CodeValidity:
    """An expired or unknown code is `false`, never an error. Case and surrounding spaces do not count."""
    return CodeValidity(valid=service.is_open(asked.event_code))


@router.post(
    "/join-event",
    summary="Join a further event",
    responses=refusals(errors.AlreadyJoined, *SIGNED_IN, errors.GuestsOnly, errors.EventNotFound),
)
def join_event(asked: EventCodeIn, guest: CurrentGuest, wake_jobs: WakeJobs) -> EventJoined:
    """The guest's selfie is compared with the new event's photos at once."""
    event = service.join(guest.id, asked.event_code)
    wake_jobs()
    return EventJoined(message="Inscription réussie", event_id=event.id, event_name=event.name)


@router.get("/user/events", summary="My events", responses=refusals(*SIGNED_IN, errors.GuestsOnly))
def user_events(guest: CurrentGuest) -> list[JoinedEventOut]:
    """The events the guest belongs to, oldest membership first."""
    return [
        JoinedEventOut(
            id=event.id, name=event.name, event_code=event.event_code, date=event.date, joined_at=joined_at
        )
        for event, joined_at in service.joined_by(guest.id)
    ]


@router.get(
    "/user/event-expiration",
    summary="Until when my event takes selfies",
    responses=refusals(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchEvent),
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
    response_model=list[EventOut],
    responses=refusals(*SIGNED_IN, errors.PhotographersOnly),
)
def photographer_events(photographer: CurrentPhotographer) -> Sequence[Event]:
    """Newest first."""
    return service.of_photographer(photographer.id)


@router.get(
    "/photographer/my-event",
    summary="The event I photograph",
    response_model=EventOut,
    responses=refusals(*SIGNED_IN, errors.PhotographersOnly, errors.NoEventAssigned),
)
def photographer_event(photographer: CurrentPhotographer) -> Event:
    """The newest of the photographer's events."""
    events = service.of_photographer(photographer.id)
    if not events:
        raise errors.NoEventAssigned
    return events[0]


@router.post(
    "/photographer/events/{event_id}/rematch",
    summary="Match all guests of my event again",
    responses=refusals(*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent),
)
def photographer_rematch(event: OwnedEvent, wake_jobs: WakeJobs) -> RematchQueued:
    """Every guest with a selfie is compared with every face again, in the background."""
    queued = service.request_rematch(event.id)
    wake_jobs()
    return RematchQueued(message="Le matching a été relancé", queued=queued)
