"""Calls of admins: events, their codes and guest lists."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

import errors
from api.accounts.schemas import Message
from api.callers import CurrentAdmin
from api.dependencies import WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.events.fields import EventChange, EventCreate
from api.events.schemas import (
    AdminEventOut,
    CountedEventOut,
    EventCreated,
    EventDetailOut,
    EventIdIn,
    ExpirationChanged,
    ExpirationIn,
    MemberOut,
    RematchQueued,
    SetCodeIn,
)
from api.fields import Cursor, Limit, RowId
from api.language import Language
from api.messages import Success
from api.paging import PAGED, mark_page
from database import reading
from events import codes, progress, qr, service
from events.service import NewEvent
from guests import members
from guests.members import Member
from guests.removal import remove_event
from keys import MAX_EMAIL_KEY
from models import Event, utcnow
from photos.badges.service import follow_settings

router = APIRouter(prefix="/api/admin", tags=["admin"])
REFUSED = (*SIGNED_IN, errors.AdminsOnly)
QR_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


@router.get("/events", summary="List events", responses=error_responses(*REFUSED))
def list_events(admin: CurrentAdmin) -> list[CountedEventOut]:
    """Every event, newest first, with its photographers and its numbers of guests and photos."""
    return [
        CountedEventOut.of(event, admin, guests=guests, photos=photos)
        for event, guests, photos in service.all_counted()
    ]


@router.get("/events/{event_id}", summary="One event", responses=error_responses(*REFUSED, errors.NoSuchEvent))
def show_event(admin: CurrentAdmin, event: StaffedEvent) -> EventDetailOut:
    """The event with its photographers and all its counts."""
    return EventDetailOut.of(event, admin, **asdict(progress.progress_of(event.id)))


@router.get(
    "/events/{event_id}/users",
    summary="List an event's guests",
    response_model=list[MemberOut],
    responses={**PAGED, **error_responses(errors.InvalidCursor, *REFUSED, errors.NoSuchEvent)},
)
def list_members(
    event_id: RowId,
    _: CurrentAdmin,
    response: Response,
    limit: Limit = None,
    cursor: Cursor = None,
    q: Annotated[str, Query(max_length=MAX_EMAIL_KEY, description="Beginning of a name or an email address.")] = "",
) -> Sequence[Member]:
    """The guests who joined last come first."""
    found = members.members_of(event_id, q, limit, cursor)
    mark_page(response, found)
    return found.members


@router.post(
    "/create-event",
    summary="Create an event",
    responses=error_responses(*REFUSED, errors.NoSuchPhotographer, errors.EventCodeTaken, errors.BystandersAtAzure),
)
def create_event(asked: EventCreate, _: CurrentAdmin, language: Language) -> EventCreated:
    """Without a code, a random one is drawn. Without an expiry, it is `EVENT_LIFETIME_DAYS` after the event's day."""
    event = service.create(NewEvent(**asked.values()))
    return _created(event, Success.EVENT_CREATED.text(language))


def _created(event: Event, message: str) -> EventCreated:
    alike = service.read_alike(event)
    return EventCreated(
        message=message,
        event_id=event.id,
        event_code=event.event_code,
        reads_like=alike.event_code if alike else None,
    )


@router.put(
    "/events/{event_id}",
    summary="Change an event",
    responses=error_responses(
        *REFUSED, errors.NoSuchEvent, errors.NoSuchPhotographer, errors.EventCodeTaken, errors.BystandersAtAzure
    ),
)
def update_event(event_id: RowId, asked: EventChange, admin: CurrentAdmin, language: Language) -> AdminEventOut:
    """Fields that are left out keep their value. `photographer_ids` replaces the event's photographers."""
    event = service.update(event_id, asked.values(), follow_settings)
    return AdminEventOut.of(event, admin, message=Success.EVENT_CHANGED.text(language))


@router.delete(
    "/events/{event_id}",
    summary="Delete an event and everything in it",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.AccountsWouldCollide),
)
def delete_event(event_id: RowId, _: CurrentAdmin, language: Language) -> Message:
    """Erases its photos, faces and matches, and the accounts and selfies of guests who belong to no other event."""
    remove_event(event_id)
    return Message(message=Success.EVENT_DELETED.text(language))


@router.post(
    "/generate-event-code",
    summary="Give an event a new random code",
    responses=error_responses(*REFUSED, errors.NoSuchEvent),
)
def generate_event_code(asked: EventIdIn, _: CurrentAdmin, language: Language) -> EventCreated:
    """The former code stops working at once."""
    event = service.give_code(asked.event_id)
    return _created(event, Success.CODE_GENERATED.text(language))


@router.post(
    "/set-event-code",
    summary="Set an event's code",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.EventCodeTaken),
)
def set_event_code(asked: SetCodeIn, _: CurrentAdmin, language: Language) -> EventCreated:
    """The former code stops working at once."""
    event = service.update(asked.event_id, {"event_code": asked.event_code})
    return _created(event, Success.CODE_CHANGED.text(language))


@router.post(
    "/reset-expiration",
    summary="Let an event expire after a number of days",
    responses=error_responses(*REFUSED, errors.NoSuchEvent),
)
def reset_expiration(asked: ExpirationIn, _: CurrentAdmin, language: Language) -> ExpirationChanged:
    """Counted from now. `expires_at` of `PUT /api/admin/events/{event_id}` takes any time."""
    event = service.update(asked.event_id, {"expires_at": utcnow() + timedelta(days=asked.days)})
    return ExpirationChanged(
        message=Success.EXPIRY_CHANGED.text(language), event_id=event.id, expires_at=event.expires_at
    )


@router.get(
    "/event-qr/{event_code:path}",
    summary="QR code of an event",
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {}, "image/svg+xml": {}},
            "description": "The QR code.",
        },
        **error_responses(*REFUSED, errors.EventNotFound, errors.AmbiguousEventCode),
    },
)
def event_qr(
    event_code: Annotated[str, Path(max_length=200)],
    _: CurrentAdmin,
    scale: Annotated[int, Query(ge=1, le=40, description="Pixels a module.")] = 10,
    kind: Annotated[
        Literal["png", "svg"], Query(alias="format", description="`svg` stays sharp at any size.")
    ] = "png",
) -> Response:
    """The address in it is `PUBLIC_URL/join?event_code=…`."""
    with reading() as session:
        found = codes.read(session, event_code)
    if found.ambiguous:
        raise errors.AmbiguousEventCode
    if found.event is None:
        raise errors.EventNotFound
    return Response(qr.picture(found.event.event_code, kind, scale), media_type=QR_TYPES[kind])


@router.post(
    "/events/{event_id}/rematch",
    summary="Match all guests of an event again",
    responses=error_responses(*REFUSED, errors.NoSuchEvent),
)
def admin_rematch(event_id: RowId, _: CurrentAdmin, wake_jobs: WakeJobs, language: Language) -> RematchQueued:
    """Compares every guest's selfie with every face of the event again, in the background."""
    queued = service.request_rematch(event_id)
    wake_jobs()
    return RematchQueued(message=Success.MATCHING_QUEUED.text(language), queued=queued, event_id=event_id)
