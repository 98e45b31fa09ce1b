"""Payloads of the calls about events. What creates and changes one: `api/events/fields.py`."""

from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.accounts.schemas import EventCodeIn
from api.events.fields import (
    BADGE_GAP,
    BADGES,
    BYSTANDER_DAYS,
    BYSTANDERS,
    FACES_UNTIL,
    PHOTOS_UNTIL,
    SHARE,
    Bystanders,
    Id,
)
from api.fields import CONSENT, ConsentVersion, EventCode, UtcTime
from api.links import cover_link
from events import ending
from keys import MAX_EXPIRY_DAYS
from models import Event, User

PHOTOS_END = "From when the photos are erased, as set or by default."
FACES_END = "From when faces are no longer compared and the portraits erased, as set or by default."
COVER = "Signed link to the cover photo, for the caller."


class CodeValidity(BaseModel):
    valid: bool


class EventCreated(BaseModel):
    message: str
    event_id: int
    event_code: str
    reads_like: str | None = Field(
        None,
        description="The code of another open event that reads like this one: typed inexactly, neither is found.",
    )


class EventIdIn(BaseModel):
    event_id: Id

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """Return the object for a bare number, which older clients send instead."""
        return {"event_id": value} if type(value) is int else value


class SetCodeIn(EventIdIn):
    event_code: EventCode


class ExpirationIn(EventIdIn):
    days: int = Field(ge=1, le=MAX_EXPIRY_DAYS, description="From now on.", examples=[30])


class ExpirationChanged(BaseModel):
    message: str
    event_id: int
    expires_at: UtcTime


class PhotographerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    email: str


class EventBrief(BaseModel):
    """The fields that every answer about an event has."""

    id: int
    name: str
    event_code: str
    date: date | None
    cover_url: str | None = Field(description=COVER)

    @classmethod
    def of(cls, event: Event, viewer: User, **others: Any) -> Self:
        """Return the payload of an event for `viewer`; `others` are the fields that are not columns of the event."""
        given = {**others, "cover_url": cover_link(event, viewer)}
        own = {name: getattr(event, name) for name in cls.model_fields.keys() - given.keys()}
        return cls.model_validate({**own, **given})


class EventOut(EventBrief):
    timezone: str
    expires_at: UtcTime
    guests_see_all_photos: bool
    guests_may_share: bool
    keep_capture_details: bool
    selfie_is_consent: bool
    photos_until: UtcTime | None = Field(description=PHOTOS_UNTIL)
    faces_until: UtcTime | None = Field(description=FACES_UNTIL)
    photos_end: UtcTime = Field(description=PHOTOS_END)
    faces_end: UtcTime = Field(description=FACES_END)
    photos_need_approval: bool
    bystanders: Bystanders = Field(description=BYSTANDERS)
    bystander_days: int | None = Field(description=BYSTANDER_DAYS)
    badges: bool = Field(description=BADGES)
    badge_seconds: int = Field(description=BADGE_GAP)
    created_at: UtcTime
    photographer_id: int | None = Field(description="The first of the event's photographers.")

    @classmethod
    def of(cls, event: Event, viewer: User, **others: Any) -> Self:
        """Return the payload of an event whose photographers are loaded."""
        first = event.photographers[0].id if event.photographers else None
        ends = {"photos_end": ending.photos_until(event), "faces_end": ending.faces_until(event)}
        return super().of(event, viewer, **others, **ends, photographer_id=first)


class StaffedEventOut(EventOut):
    photographers: list[PhotographerOut]


class AdminEventOut(StaffedEventOut):
    message: str


class EventProgressOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    received: int
    pending: int
    processing: int
    done: int
    failed: int
    incomplete: int = Field(description="Photos that are shown although a part of them is missing or damaged.")
    faces: int
    guests: int
    guests_with_selfie: int
    guests_matched: int = Field(description="Guests who are in at least one photo.")
    matches: int = Field(description="Pairs of a guest and a photo that shows the guest, not people.")
    bytes: int = Field(description="Size of all originals.")
    oldest_pending_seconds: float | None = Field(description="Age of the oldest unfinished photo.")


class EventDetailOut(StaffedEventOut, EventProgressOut):
    """An event with its photographers and all its counts."""


class CountedEventOut(StaffedEventOut):
    guests: int
    photos: int


class JoinedEventOut(EventBrief):
    joined_at: UtcTime
    matching: bool = Field(description="False after the guest has withdrawn consent to face matching.")
    has_consent: bool = Field(description="Whether a consent is in force: without one, the guest is not looked for.")
    selfie_is_consent: bool = Field(description="Whether a selfie that an app sends is the consent here.")
    guests_may_share: bool = Field(description=SHARE)
    badges: bool = Field(description="Whether the guest has a badge there: `GET /api/my-badge`.")


class JoinIn(EventCodeIn):
    consent: ConsentVersion | None = Field(None, description=CONSENT, examples=["2026-11.2"])

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """Return the object for a bare code, which older clients send instead."""
        return {"event_code": value} if isinstance(value, str) else value


class EventInfoOut(BaseModel):
    name: str
    date: date | None
    open: bool = Field(description="Whether guests can join and send selfies now.")


class CoverIn(BaseModel):
    photo_id: Id = Field(examples=[42])


class CoverOut(BaseModel):
    message: str
    cover_url: str | None


class MemberOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    name: str | None = Field(description="The name to show; null for a guest who gave none.")
    email: str | None
    user_type: str
    created_at: UtcTime
    selfie_path: None = Field(None, description="Always null: for older clients.")
    joined_at: UtcTime
    has_selfie: bool = Field(description="Whether the guest has a selfie that was not rejected.")
    selfie_status: str | None = Field(
        description="State of the newest selfie: `pending`, `processing`, `done`, `failed` or `rejected`."
    )
    matched: int = Field(description="Number of photos of this event that show the guest.")


class EventJoined(BaseModel):
    message: str
    event_id: int
    event_name: str


class ExpirationOut(BaseModel):
    event_id: int
    expires_at: UtcTime
    days_left: int
    seconds_remaining: int
    expired: bool
    photos_count: int = Field(description="Number of photos of the event.")
    photos_until: UtcTime = Field(description=PHOTOS_END)
    faces_until: UtcTime = Field(description=FACES_END)


class RematchQueued(BaseModel):
    message: str
    queued: int = Field(description="Number of guests who will be matched again.")
    scheduled: bool = Field(True, description="Always true: for older clients.")
    event_id: int
