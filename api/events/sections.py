"""Calls about the sections of an event: for its guests to read, for its photographers and admins to replace."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

import errors
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.fields import RowId, UtcTime, shown
from events.sections import service
from events.sections.service import NewSection
from keys import MAX_SECTION_TITLE
from models import EventSection
from photos.service import event_of_guest

router = APIRouter(prefix="/api", tags=["photographer"])
REFUSED = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)
WRONG = (errors.TooManySections, errors.SectionTime, errors.SectionsAtOneTime, errors.SectionsChanged)
VERSION = "The version of these sections. Send it back with new ones: the call fails if they were changed meanwhile."
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SECTION_TITLE), AfterValidator(shown)
]


class SectionIn(BaseModel):
    title: Title = Field(examples=["Cérémonie"])
    starts_at: datetime = Field(
        description="Without an offset, in the time zone of the event.", examples=["2026-06-20T15:00"]
    )


class SectionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    title: str
    starts_at: UtcTime


class SectionsIn(BaseModel):
    sections: list[SectionIn]
    version: str | None = Field(None, max_length=64, description=VERSION)


class SectionsOut(BaseModel):
    sections: list[SectionOut]
    version: str = Field(description=VERSION)

    @classmethod
    def of(cls, sections: Sequence[EventSection]) -> Self:
        """Return the payload of an event's sections."""
        told = [SectionOut.model_validate(each) for each in sections]
        return cls(sections=told, version=service.version_of(sections))


@router.get(
    "/user/events/{event_id}/sections",
    summary="List the sections of one of my events",
    tags=["events"],
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NotInEvent),
)
def sections_of_my_event(event_id: RowId, guest: CurrentGuest) -> list[SectionOut]:
    """Titles for the photos in the order in which they were taken. Each section ends where the next begins."""
    event = event_of_guest(guest, event_id)
    return [SectionOut.model_validate(each) for each in service.sections_of(event.id)]


@router.get(
    "/photographer/events/{event_id}/sections",
    summary="List the sections of my event",
    responses=error_responses(*REFUSED),
)
def event_sections(event: StaffedEvent) -> SectionsOut:
    """In the order in which they begin."""
    return SectionsOut.of(service.sections_of(event.id))


@router.put(
    "/photographer/events/{event_id}/sections",
    summary="Replace the sections of my event",
    responses=error_responses(*WRONG, *REFUSED),
)
def replace_sections(event: StaffedEvent, asked: SectionsIn) -> SectionsOut:
    """All of them at once, in any order. Each begins where the one before ends, so that none overlap."""
    wanted = [NewSection(each.title, each.starts_at) for each in asked.sections]
    return SectionsOut.of(service.replace(event.id, wanted, asked.version))
