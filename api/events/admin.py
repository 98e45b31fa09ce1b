"""Admins run events."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

import errors
from api.accounts.schemas import Message
from api.callers import CurrentAdmin
from api.dependencies import WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.events.schemas import (
    AdminEventOut,
    CountedEventOut,
    EventChange,
    EventCreate,
    EventCreated,
    EventDetailOut,
    EventIdIn,
    MemberOut,
    RematchQueued,
    SetCodeIn,
)
from api.fields import Cursor, Limit, RowId
from api.language import Language
from api.messages import Success
from api.paging import PAGED, mark_page
from database import reading
from events import progress, qr, service
from events.service import NewEvent
from guests import members
from guests.members import Member
from guests.removal import remove_event
from keys import MAX_EMAIL_KEY

router = APIRouter(prefix="/api/admin", tags=["admin"])
REFUSED = (*SIGNED_IN, errors.AdminsOnly)
QR_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


@router.get("/events", summary="All events", responses=error_responses(*REFUSED))
def list_events(admin: CurrentAdmin) -> list[CountedEventOut]:
    """Newest first, each with its photographers, and how many guests and photos it has."""
    return [
        CountedEventOut.of(event, admin, guests=guests, photos=photos)
        for event, guests, photos in service.all_counted()
    ]


@router.get("/events/{event_id}", summary="One event", responses=error_responses(*REFUSED, errors.NoSuchEvent))
def show_event(admin: CurrentAdmin, event: StaffedEvent) -> EventDetailOut:
    """With its photographers and everything that is counted of it."""
    return EventDetailOut.of(event, admin, **asdict(progress.progress_of(event.id)))


@router.get(
    "/events/{event_id}/users",
    summary="An event's guests",
    response_model=list[MemberOut],
    responses={**PAGED, **error_responses(errors.InvalidCursor, *REFUSED, errors.NoSuchEvent)},
)
def list_members(
    event_id: RowId,
    _: CurrentAdmin,
    response: Response,
    limit: Limit = None,
    cursor: Cursor = None,
    q: Annotated[str, Query(max_length=MAX_EMAIL_KEY, description="The beginning of a name or an address.")] = "",
) -> Sequence[Member]:
    """Who joined last first."""
    found = members.members_of(event_id, q, limit, cursor)
    mark_page(response, found)
    return found.members


@router.post(
    "/create-event",
    summary="Make an event",
    responses=error_responses(*REFUSED, errors.NoSuchPhotographer, errors.EventCodeTaken),
)
def create_event(asked: EventCreate, _: CurrentAdmin, language: Language) -> EventCreated:
    """Without a code one is drawn at random; without an expiry guests may join until some weeks after the day."""
    event = service.create(NewEvent(**asked.values()))
    return EventCreated(message=Success.EVENT_CREATED.text(language), event_id=event.id, event_code=event.event_code)


@router.put(
    "/events/{event_id}",
    summary="Change an event",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.NoSuchPhotographer, errors.EventCodeTaken),
)
def update_event(event_id: RowId, asked: EventChange, admin: CurrentAdmin) -> AdminEventOut:
    """What is left out stays; `photographer_ids` replaces the event's photographers."""
    return AdminEventOut.of(service.update(event_id, asked.values()), admin)


@router.delete(
    "/events/{event_id}",
    summary="Delete an event and all that belongs to it",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.AccountsWouldCollide),
)
def delete_event(event_id: RowId, _: CurrentAdmin, language: Language) -> Message:
    """Erases its photos, faces and matches, and the guests' accounts and selfies that belong to it alone.

    Guests who joined further events keep their account there.
    """
    remove_event(event_id)
    return Message(message=Success.EVENT_DELETED.text(language))


@router.post(
    "/generate-event-code",
    summary="Give an event a new random code",
    responses=error_responses(*REFUSED, errors.NoSuchEvent),
)
def generate_event_code(asked: EventIdIn, _: CurrentAdmin, language: Language) -> EventCreated:
    """The code before it stops working at once."""
    event = service.give_code(asked.event_id)
    return EventCreated(message=Success.CODE_GENERATED.text(language), event_id=event.id, event_code=event.event_code)


@router.post(
    "/set-event-code",
    summary="Choose an event's code",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.EventCodeTaken),
)
def set_event_code(asked: SetCodeIn, _: CurrentAdmin, language: Language) -> EventCreated:
    """The code before it stops working at once."""
    event = service.update(asked.event_id, {"event_code": asked.event_code})
    return EventCreated(message=Success.CODE_CHANGED.text(language), event_id=event.id, event_code=event.event_code)


@router.get(
    "/event-qr/{event_code:path}",
    summary="The QR code that guests scan",
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {}, "image/svg+xml": {}},
            "description": "A picture that leads to the event's page.",
        },
        **error_responses(*REFUSED, errors.EventNotFound),
    },
)
def event_qr(
    event_code: Annotated[str, Path(max_length=200)],
    _: CurrentAdmin,
    scale: Annotated[int, Query(ge=1, le=40, description="Pixels per module.")] = 10,
    kind: Annotated[Literal["png", "svg"], Query(alias="format", description="`svg` prints at any size.")] = "png",
) -> Response:
    """Leads to `PUBLIC_URL/join?event_code=…`."""
    with reading() as session:
        event = service.by_typed_code(session, event_code)
    if event is None:
        raise errors.EventNotFound
    return Response(qr.picture(event.event_code, kind, scale), media_type=QR_TYPES[kind])


@router.post(
    "/events/{event_id}/rematch",
    summary="Match all guests of an event again",
    responses=error_responses(*REFUSED, errors.NoSuchEvent),
)
def admin_rematch(event_id: RowId, _: CurrentAdmin, wake_jobs: WakeJobs, language: Language) -> RematchQueued:
    """Every guest with a selfie is compared with every face again, in the background."""
    queued = service.request_rematch(event_id)
    wake_jobs()
    return RematchQueued(message=Success.MATCHING_QUEUED.text(language), queued=queued)
