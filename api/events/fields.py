"""The fields of an event that admins set, and the payloads that create and change it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from api.fields import EventCode, Name
from api.messages import Problem
from keys import (
    BADGE_SECONDS,
    MAX_BADGE_SECONDS,
    MAX_BYSTANDER_DAYS,
    MAX_ID,
    MAX_TIMEZONE,
    MIN_BADGE_SECONDS,
)


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
BadgeSeconds = Annotated[int, Field(ge=MIN_BADGE_SECONDS, le=MAX_BADGE_SECONDS)]
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
