"""Calls of staff about photos that guests do not see: hidden ones, and those that wait for an approval."""

from typing import Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

import errors
from api.callers import PhotographerOrAdmin
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.fields import PhotoIds, UtcTime
from api.links import link
from models import User
from photos.withheld import service
from photos.withheld.queries import BY_GUEST, BY_STAFF, UNAPPROVED
from photos.withheld.service import Listed

router = APIRouter(prefix="/api/photographer/events/{event_id}", tags=["photos"])
STAFF = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)


class HeldPhoto(BaseModel):
    id: int
    original_filename: str
    thumbnail_url: str
    since: UtcTime


class HeldList(BaseModel):
    total: int
    photos: list[HeldPhoto] = Field(description="200 at most, those held longest first.")

    @classmethod
    def of(cls, found: Listed, viewer: User) -> Self:
        """Return the payload of a list for staff."""
        return cls(
            total=found.total,
            photos=[
                HeldPhoto(
                    id=each.photo.id,
                    original_filename=each.photo.original_filename,
                    thumbnail_url=link(each.photo.id, "thumb", viewer, rendition_set=each.photo.rendition_set),
                    since=each.since,
                )
                for each in found.photos
            ],
        )


class HeldPhotos(BaseModel):
    approval: HeldList = Field(description="Those that no photographer has approved yet.")
    guest: HeldList = Field(description="Those that a guest who is in them asked to hide.")
    staff: HeldList = Field(description="Those that staff have hidden.")


class HeldIn(BaseModel):
    action: Literal["approve", "hide", "show"] = Field(
        description="`show` undoes `hide`; what a guest asked for stays hidden."
    )
    photo_ids: PhotoIds | None = Field(None, description="Left out, with `approve`: all that wait.")

    @model_validator(mode="after")
    def _names_photos(self) -> Self:
        if self.photo_ids is None and self.action != "approve":
            raise ValueError("photo_ids is missing")
        return self


class HeldChanged(BaseModel):
    changed: int = Field(description="How many photos were changed.")


@router.get("/held-photos", summary="List the photos that guests do not see", responses=error_responses(*STAFF))
def held_photos(event: StaffedEvent, staff: PhotographerOrAdmin) -> HeldPhotos:
    """By the reason; a photo may be in several lists. The guest who asked to hide one is not named."""
    found = service.withheld_of(event.id)
    lists = {reason: HeldList.of(found[reason], staff) for reason in (UNAPPROVED, BY_GUEST, BY_STAFF)}
    return HeldPhotos(approval=lists[UNAPPROVED], guest=lists[BY_GUEST], staff=lists[BY_STAFF])


@router.put(
    "/held-photos",
    summary="Approve, hide or show photos",
    responses=error_responses(*STAFF, errors.NoSuchPhoto),
)
def hold_photos(event: StaffedEvent, asked: HeldIn) -> HeldChanged:
    """All of them or none. Guests are told of photos that they now see as of new ones. Idempotent."""
    if asked.action == "approve":
        return HeldChanged(changed=service.approve(event.id, asked.photo_ids))
    act = service.hide if asked.action == "hide" else service.show
    return HeldChanged(changed=act(event.id, asked.photo_ids or []))
