"""Payloads about events."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from api.accounts.schemas import EventCodeIn
from api.fields import CONSENT, ConsentVersion, EventCode, Name, UtcTime
from api.links import cover_link
from api.messages import Problem
from keys import MAX_ID, MAX_TIMEZONE
from models import Event, User


def _day(value: Any) -> Any:
    """Accept a moment where a day is meant: apps send both."""
    if isinstance(value, str) and len(value) > 10:
        try:
            return datetime.fromisoformat(value).date()
        except ValueError:
            return value
    return value


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
Moment = Annotated[AwareDatetime, AfterValidator(_sane_year)]
TimeZone = Annotated[str, Field(max_length=MAX_TIMEZONE), AfterValidator(_zone)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
SEES = "Else each guest sees only photos they are in."
COVER = "The event's cover photo: a link that is signed for the caller."


class CodeValidity(BaseModel):
    valid: bool


class Clearable:
    """Marks a field of an event that null clears. For any other field, null is as if it were left out."""


PHOTOGRAPHERS = {"photographer_id", "photographer_ids"}


class EventFields(BaseModel):
    """What admins say of an event, at its creation and later: a further field is declared here, once."""

    name: Name | None = Field(None, examples=["Mariage de Léa et Tom"])
    event_code: EventCode | None = Field(None, examples=["MARIAGE7"], description="Drawn at random if left out.")
    date: Annotated[Day | None, Clearable()] = Field(None, examples=["2026-06-20"])
    timezone: TimeZone | None = None
    expires_at: Moment | None = Field(None, description="After it, guests neither join nor send a selfie.")
    guests_see_all_photos: bool | None = Field(None, description=SEES)
    photographer_id: Id | None = None
    photographer_ids: list[Id] | None = Field(None, max_length=100)

    @property
    def photographers(self) -> list[int] | None:
        """The ids of the event's photographers, from either field; None if neither is given."""
        if self.photographer_ids is None and self.photographer_id is None:
            return None
        one = [self.photographer_id] if self.photographer_id is not None else []
        return [*one, *(self.photographer_ids or [])]


class EventCreate(EventFields):
    name: Name = Field(examples=["Mariage de Léa et Tom"])
    timezone: TimeZone = "Europe/Paris"
    guests_see_all_photos: bool = Field(False, description=SEES)

    def values(self) -> dict[str, Any]:
        """Return the fields of the new event."""
        return {**self.model_dump(exclude=PHOTOGRAPHERS), "photographer_ids": self.photographers or []}


class EventChange(EventFields):
    def values(self) -> dict[str, Any]:
        """Return the fields to change: those that were sent, without a null that clears nothing."""
        sent = self.model_dump(exclude_unset=True, exclude=PHOTOGRAPHERS)
        changes = {name: value for name, value in sent.items() if value is not None or _is_clearable(name)}
        return changes if self.photographers is None else {**changes, "photographer_ids": self.photographers}


def _is_clearable(name: str) -> bool:
    return any(isinstance(each, Clearable) for each in EventFields.model_fields[name].metadata)


class EventCreated(BaseModel):
    message: str
    event_id: int
    event_code: str


class EventIdIn(BaseModel):
    event_id: Id


class SetCodeIn(EventIdIn):
    event_code: EventCode


class PhotographerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    email: str


class EventBrief(BaseModel):
    """What every list of events tells of one."""

    id: int
    name: str
    event_code: str
    date: date | None
    cover_url: str | None = Field(description=COVER)

    @classmethod
    def of(cls, event: Event, viewer: User, **others: Any) -> Self:
        """Return an event as `viewer` sees it; `others` are the fields that it does not have itself."""
        given = {**others, "cover_url": cover_link(event, viewer)}
        own = {name: getattr(event, name) for name in cls.model_fields.keys() - given.keys()}
        return cls.model_validate({**own, **given})


class EventOut(EventBrief):
    timezone: str
    expires_at: UtcTime
    guests_see_all_photos: bool
    created_at: UtcTime


class AdminEventOut(EventOut):
    photographers: list[PhotographerOut]


class EventProgressOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    received: int
    pending: int
    processing: int
    done: int
    failed: int
    faces: int
    guests: int
    guests_with_selfie: int
    guests_matched: int
    matches: int
    bytes: int = Field(description="Of the originals.")
    oldest_pending_seconds: float | None = Field(description="Age of the oldest photo that is not through.")


class EventDetailOut(AdminEventOut, EventProgressOut):
    """An event with everything that is counted of it."""


class CountedEventOut(AdminEventOut):
    guests: int
    photos: int


class JoinedEventOut(EventBrief):
    joined_at: UtcTime
    matching: bool = Field(description="False once the guest has withdrawn the consent to be looked for.")


class JoinIn(EventCodeIn):
    consent: ConsentVersion | None = Field(None, description=CONSENT, examples=["2026-11"])


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
    email: str
    joined_at: UtcTime
    has_selfie: bool = Field(description="One that was not rejected.")
    selfie_status: str | None = Field(
        description="Of the newest: `pending`, `processing`, `done`, `failed` or `rejected`."
    )
    matched: int = Field(description="Photos of this event that show the guest.")


class EventJoined(BaseModel):
    message: str
    event_id: int
    event_name: str


class ExpirationOut(BaseModel):
    event_id: int
    expires_at: UtcTime
    days_left: int
    expired: bool


class RematchQueued(BaseModel):
    message: str
    queued: int = Field(description="Guests who will be matched again.")
