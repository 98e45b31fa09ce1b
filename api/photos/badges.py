"""Calls about badges: a guest's own badge, and the corrections by staff of what badges give."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest, PhotographerOrAdmin
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from models import User
from photos import service as photos
from photos.badges import codes, corrections, service
from photos.badges.service import OwnBadge
from throttling import rules

router = APIRouter(prefix="/api", tags=["photos"])
STAFF = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchPhoto, errors.TooManyRequests)
TYPED = "As the guest's phone shows it, or as a scanner reads the code; case, spaces and hyphens do not matter."
# Of one photo: as many as are read in a picture.
MOST = 24
TypedBadge = Annotated[str, Field(min_length=1, max_length=64, description=TYPED, examples=["K7QF-2M9D"])]


class BadgeOut(BaseModel):
    event_id: int
    event_name: str
    number: str = Field(description="As people read it.", examples=["K7QF-2M9D"])
    code: str = Field(description="What the QR code holds: event, number and a signature, nothing of the guest.")
    svg: str = Field(description="The QR code as an SVG element. Show it large, on a bright screen.")

    @classmethod
    def of(cls, badge: OwnBadge) -> Self:
        """Return the payload of a guest's badge."""
        return cls(
            event_id=badge.event.id,
            event_name=badge.event.name,
            number=codes.shown_number(badge.number),
            code=badge.code,
            svg=codes.svg_of(badge.code),
        )


class PhotoGuestOut(BaseModel):
    badge: str
    given_by: Literal["badge", "hand"] = Field(
        description="`badge`: by a series that began with a badge. `hand`: by staff."
    )


class PhotoGuestsOut(BaseModel):
    guests: list[PhotoGuestOut] = Field(
        description="The guests to whom the photo is given, named by their badges only."
    )
    seen: list[str] = Field(description="The badges that the photo shows.")
    series: list[str] | None = Field(
        description="The badges to which staff give the camera's photos from this one on. "
        "Empty: staff ended the series here. Null: staff have not corrected the series here."
    )


class BadgeIn(BaseModel):
    badge: TypedBadge


class SeriesIn(BaseModel):
    badges: list[TypedBadge] = Field(max_length=MOST, description="Empty: the series ends before this photo.")


@router.get(
    "/my-badge",
    summary="My badge in an event",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NotInEvent, errors.NoSuchEvent, errors.NoBadges),
)
def my_badge(
    guest: CurrentGuest,
    event_id: Annotated[RowId | None, Query(description="One of my events; by default the first.")] = None,
) -> BadgeOut:
    """Photographers take a picture of it: the photos that follow are then among the guest's, without a face.

    No consent is needed. The badge stays the same until the guest leaves the event.
    """
    return BadgeOut.of(service.own_badge(guest.id, photos.event_of_guest(guest, event_id)))


@router.get(
    "/photos/{photo_id}/guests",
    summary="The guests to whom a photo is given",
    responses=error_responses(*STAFF),
)
def photo_guests(photo_id: RowId, staff: PhotographerOrAdmin) -> PhotoGuestsOut:
    """For photographers of the event and admins. Guests who are in the photo by their face are not listed."""
    found = corrections.as_read(corrections.badges_of(staff, photo_id))
    return PhotoGuestsOut(
        guests=[
            PhotoGuestOut(badge=each.number, given_by="hand" if each.is_by_hand else "badge") for each in found.guests
        ],
        seen=[*found.seen],
        series=[*found.series] if found.is_series_set else None,
    )


@router.post(
    "/photos/{photo_id}/guests",
    summary="Give a photo to a guest",
    responses=error_responses(*STAFF, errors.NoSuchBadge, errors.NoBadges),
)
def give_photo(photo_id: RowId, asked: BadgeIn, staff: PhotographerOrAdmin, language: Language) -> Message:
    """By hand, to the guest whose phone shows this badge, until staff take it away or the guest says "not me".

    Idempotent. 409 where the event does not use badges any more: what was given stays, and can be taken away.
    """
    _count(staff)
    corrections.give(staff, photo_id, asked.badge)
    return Message(message=Success.PHOTO_GIVEN.text(language))


@router.delete(
    "/photos/{photo_id}/guests/{badge}",
    summary="Take a photo from a guest",
    responses=error_responses(*STAFF, errors.NoSuchBadge),
)
def take_photo(
    photo_id: RowId,
    badge: Annotated[str, Path(min_length=1, max_length=64, description=TYPED)],
    staff: PhotographerOrAdmin,
    language: Language,
) -> Message:
    """No series gives it again. A match by the guest's face stays. Idempotent."""
    _count(staff)
    corrections.take(staff, photo_id, badge)
    return Message(message=Success.PHOTO_TAKEN.text(language))


@router.put(
    "/photos/{photo_id}/badges",
    summary="Correct a series from a photo on",
    responses=error_responses(*STAFF, errors.NoSuchBadge, errors.NoBadges),
)
def set_series(photo_id: RowId, asked: SeriesIn, staff: PhotographerOrAdmin, language: Language) -> Message:
    """Gives this photo and the following ones of its camera to exactly these guests, until the next badge."""
    _count(staff)
    corrections.set_series(staff, photo_id, asked.badges)
    return Message(message=Success.SERIES_SET.text(language))


@router.delete(
    "/photos/{photo_id}/badges",
    summary="Remove the correction of a series",
    responses=error_responses(*STAFF, errors.NoBadges),
)
def unset_series(photo_id: RowId, staff: PhotographerOrAdmin, language: Language) -> Message:
    """The badges that the photo shows count again. Idempotent."""
    corrections.unset_series(staff, photo_id)
    return Message(message=Success.SERIES_SET.text(language))


def _count(staff: User) -> None:
    # Numbers of 40 bits cannot be guessed at this rate.
    rules.count(rules.NOT_ME, f"account {staff.id}")
