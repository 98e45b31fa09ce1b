"""Payloads of the calls about events."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from api.accounts.schemas import EventCodeIn
from api.fields import CONSENT, ConsentVersion, EventCode, Name, UtcTime
from api.links import cover_link
from api.messages import Problem
from events import ending
from keys import (
    BADGE_SECONDS,
    MAX_BADGE_SECONDS,
    MAX_BYSTANDER_DAYS,
    MAX_EXPIRY_DAYS,
    MAX_ID,
    MAX_TIMEZONE,
    MIN_BADGE_SECONDS,
)
from models import Event, User


def _day(value: Any) -> Any:
    """Return the day of a time: apps send either as an event's date."""
    if isinstance(value, str) and len(value) > 10:
        try:
            return datetime.fromisoformat(value).date()
        except ValueError:
            return value
    return value


def _none_if_empty(value: Any) -> Any:
    """Return None for an empty text: older pages send it for no date."""
    return None if isinstance(value, str) and not value.strip() else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(Problem.TIME_ZONE) from error
    return value


def _sane_year(value: Any) -> Any:
    if not 1970 <= value.year <= 2200:
        raise ValueError(Problem.YEAR)
    return value


Day = Annotated[date, BeforeValidator(_day), AfterValidator(_sane_year)]
MaybeDay = Annotated[Day | None, BeforeValidator(_none_if_empty)]
Moment = Annotated[AwareDatetime, AfterValidator(_sane_year)]
TimeZone = Annotated[str, Field(max_length=MAX_TIMEZONE), AfterValidator(_zone)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Bystanders = Literal["keep", "until_expiry", "none"]
Days = Annotated[int, Field(ge=1, le=MAX_BYSTANDER_DAYS)]
SEES = "If false, each guest sees only the photos they are in, and those marked for everyone."
SHARE = "Whether guests may make links to photos for people without an account. If false, all links show nothing."
DETAILS = "Whether what guests download says when it was taken and whose rights it is under. Else no metadata stays."
SELFIE_CONSENT = (
    "Whether a selfie that an app sends after its own notice is the guest's consent. If false, or with the setting "
    "REQUIRE_CONSENT, it is refused until the guest has agreed to a wording."
)
PHOTOS_UNTIL = "From when the photos are erased; null: PHOTOS_KEPT_DAYS after the expiry. Never before the expiry."
FACES_UNTIL = (
    "From when faces are no longer compared, and templates and matches erased, with the photos at the latest; null: "
    "FACES_KEPT_DAYS after the expiry."
)
PHOTOS_END = "From when the photos are erased, as set or by default."
FACES_END = "From when faces are no longer compared and the portraits erased, as set or by default."
BYSTANDERS = (
    "What becomes of templates of faces that match no guest: `keep` keeps them as long as those of guests, "
    "`until_expiry` until the event expires, `none` never stores them. Guests who come later are found by searching "
    "the photos again. Default: `until_expiry`; with Azure, `keep`."
)
BYSTANDER_DAYS = (
    "With `until_expiry`, these templates go so many days after the upload of their photo, if that is before the "
    "expiry. Null: at the expiry."
)
APPROVAL = (
    "Whether guests see a photo only once a photographer has approved it. It is compared with them meanwhile. When "
    "this is switched off, photos that wait still do."
)
BADGES = (
    "Whether guests have a badge on their phone: the photos that a camera takes after a picture of it are theirs, "
    "without a face. Photos that were processed while this was off are not searched for badges."
)
BADGE_GAP = "At most so many seconds lie between two photos that belong to the same badge."
COVER = "Signed link to the cover photo, for the caller."


BadgeSeconds = Annotated[int, Field(ge=MIN_BADGE_SECONDS, le=MAX_BADGE_SECONDS)]


class CodeValidity(BaseModel):
    valid: bool


class Clearable:
    """Marks a field of an event that null clears. In any other field, null means that nothing changes."""


PHOTOGRAPHERS = {"photographer_id", "photographer_ids"}


class EventFields(BaseModel):
    """The fields of an event that admins set. A new field is declared here, for creation and change."""

    name: Name | None = Field(None, examples=["Mariage de Léa et Tom"])
    event_code: EventCode | None = Field(None, examples=["MARIAGE7"], description="Drawn at random if left out.")
    date: Annotated[MaybeDay, Clearable()] = Field(None, examples=["2026-06-20"])
    timezone: TimeZone | None = None
    expires_at: Moment | None = Field(None, description="From then on, guests can neither join nor send a selfie.")
    guests_see_all_photos: bool | None = Field(None, description=SEES)
    guests_may_share: bool | None = Field(None, description=SHARE)
    keep_capture_details: bool | None = Field(None, description=DETAILS)
    selfie_is_consent: bool | None = Field(None, description=SELFIE_CONSENT)
    photos_until: Annotated[Moment | None, Clearable()] = Field(None, description=PHOTOS_UNTIL)
    faces_until: Annotated[Moment | None, Clearable()] = Field(None, description=FACES_UNTIL)
    photos_need_approval: bool | None = Field(None, description=APPROVAL)
    bystanders: Bystanders | None = Field(None, description=BYSTANDERS)
    bystander_days: Annotated[Days | None, Clearable()] = Field(None, description=BYSTANDER_DAYS)
    badges: bool | None = Field(None, description=BADGES)
    badge_seconds: BadgeSeconds | None = Field(None, description=BADGE_GAP)
    photographer_id: Id | None = None
    photographer_ids: list[Id] | None = Field(None, max_length=100)

    @property
    def photographers(self) -> list[int] | None:
        """The ids from `photographer_id` and `photographer_ids`; None if both are missing."""
        if self.photographer_ids is None and self.photographer_id is None:
            return None
        one = [self.photographer_id] if self.photographer_id is not None else []
        return [*one, *(self.photographer_ids or [])]


class EventCreate(EventFields):
    name: Name = Field(examples=["Mariage de Léa et Tom"])
    timezone: TimeZone = "Europe/Paris"
    guests_see_all_photos: bool = Field(False, description=SEES)
    guests_may_share: bool = Field(True, description=SHARE)
    keep_capture_details: bool = Field(False, description=DETAILS)
    selfie_is_consent: bool = Field(True, description=SELFIE_CONSENT)
    photos_need_approval: bool = Field(False, description=APPROVAL)
    badges: bool = Field(False, description=BADGES)
    badge_seconds: BadgeSeconds = Field(BADGE_SECONDS, description=BADGE_GAP)

    def values(self) -> dict[str, Any]:
        """Return the fields of the new event."""
        return {**self.model_dump(exclude=PHOTOGRAPHERS), "photographer_ids": self.photographers or []}


class EventChange(EventFields):
    def values(self) -> dict[str, Any]:
        """Return the fields to change: those that were sent, except null in a field that it does not clear."""
        sent = self.model_dump(exclude_unset=True, exclude=PHOTOGRAPHERS)
        changes = {name: value for name, value in sent.items() if value is not None or _is_clearable(name)}
        return changes if self.photographers is None else {**changes, "photographer_ids": self.photographers}


def _is_clearable(name: str) -> bool:
    return any(isinstance(each, Clearable) for each in EventFields.model_fields[name].metadata)


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
