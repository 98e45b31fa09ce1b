"""Calls of photographers and admins about the cameras of an event, and their clocks."""

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, StrictInt

import errors
from api.callers import PhotographerOrAdmin
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.fields import RowId, UtcTime
from photos.clocks import service
from photos.clocks.service import EventCamera

router = APIRouter(prefix="/api", tags=["photographer"])
REFUSED = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)


class CameraOut(BaseModel):
    id: int
    name: str = Field(
        description="Make and model; of several of one model, numbered. Empty if only its number is known."
    )
    photos: int
    first_taken_at: UtcTime | None = Field(description="As shown, with the shift.")
    last_taken_at: UtcTime | None
    shift_seconds: int
    clock_first: UtcTime | None = Field(
        description="What its clock said at the first photo, if its photos have no time: it is more than a day ahead."
    )
    clock_last: UtcTime | None

    @classmethod
    def of(cls, camera: EventCamera) -> Self:
        """Return the payload of a camera."""
        return cls(
            id=camera.id,
            name=camera.name,
            photos=camera.photos,
            first_taken_at=camera.first,
            last_taken_at=camera.last,
            shift_seconds=camera.shift_seconds,
            clock_first=camera.clock_first,
            clock_last=camera.clock_last,
        )


class ClockShift(BaseModel):
    shift_seconds: StrictInt = Field(
        description="Added to what the clock said: 2820 for one that was 47 minutes late. 0 takes the shift away.",
        examples=[2820],
    )


@router.get(
    "/photographer/events/{event_id}/cameras",
    summary="List the cameras of my event",
    responses=error_responses(*REFUSED),
)
def event_cameras(event: StaffedEvent) -> list[CameraOut]:
    """Those whose photos name them, with the times of their first and last photo."""
    return [CameraOut.of(each) for each in service.cameras_of(event.id)]


@router.put(
    "/photographer/events/{event_id}/cameras/{camera_id}",
    summary="Shift the clock of a camera of my event",
    responses=error_responses(errors.ShiftTooLarge, *REFUSED, errors.NoSuchCamera),
)
def shift_camera(event: StaffedEvent, camera_id: RowId, asked: ClockShift, staff: PhotographerOrAdmin) -> CameraOut:
    """For all photos of the event by that camera, also those still to come. Replaces the shift set before."""
    return CameraOut.of(service.shift_clock(staff, event.id, camera_id, asked.shift_seconds))
