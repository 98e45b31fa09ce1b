"""Calls about reports of photos: guests make them, the event's photographers and admins decide."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

import errors
from api.accounts.schemas import Message
from api.callers import CurrentAdmin, CurrentGuest, PhotographerOrAdmin
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.fields import RowId, UtcTime, shown
from api.language import Language
from api.links import link
from api.messages import Success
from keys import MAX_REPORT
from models import PhotoReport, User
from photos.reports import service
from photos.reports.service import Decision, Open, Reason
from throttling import rules

router = APIRouter(prefix="/api", tags=["reports"])
STAFF = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REPORT), AfterValidator(shown)
]


class ReportIn(BaseModel):
    reason: Reason = Field(
        description="`me`: I am in it and do not want it; `child`: it shows a child; `private`, `offensive`, `other`."
    )
    text: Words | None = Field(None, description="More about it, for the photographer.")


class ReportOut(BaseModel):
    id: int
    photo_id: int | None = Field(description="Null once the photo is deleted.")
    event_id: int
    reason: str
    text: str | None
    status: str = Field(description="`open`, `kept`, `hidden` or `deleted`.")
    created_at: UtcTime
    decided_at: UtcTime | None

    @classmethod
    def of(cls, row: PhotoReport) -> Self:
        """Return the payload of a report, for the guest or visitor who made it."""
        return cls.model_validate(row, from_attributes=True)


class OpenReport(BaseModel):
    id: int
    photo_id: int
    original_filename: str
    thumbnail_url: str
    reason: str
    text: str | None
    by_link: bool = Field(description="It was sent by a visitor of a link to photos, not by a guest.")
    created_at: UtcTime

    @classmethod
    def of(cls, found: Open, viewer: User) -> Self:
        """Return the payload of a report for staff; it does not say whose it is."""
        row, photo = found.report, found.photo
        return cls(
            id=row.id,
            photo_id=photo.id,
            original_filename=photo.original_filename,
            thumbnail_url=link(photo.id, "thumb", viewer, rendition_set=photo.rendition_set),
            reason=row.reason,
            text=row.text,
            by_link=row.link_id is not None,
            created_at=row.created_at,
        )


class DecisionIn(BaseModel):
    decision: Decision = Field(description="`hide` hides the photo from all guests; `delete` puts it into the trash.")


class EventReports(BaseModel):
    event_id: int
    event_name: str
    open: int


@router.post(
    "/photos/{photo_id}/report",
    summary="Report a photo",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchPhoto, errors.TooManyRequests),
)
def report_photo(photo_id: RowId, asked: ReportIn, guest: CurrentGuest) -> ReportOut:
    """Asks the event's photographers to look at a photo that I see. They are not told who asks.

    A second report of the same photo replaces the first one, until that is decided.
    """
    rules.count(rules.REPORTS, f"account {guest.id}")
    return ReportOut.of(service.report(guest, photo_id, asked.reason, asked.text))


@router.get("/my-reports", summary="List my reports", responses=error_responses(*SIGNED_IN, errors.GuestsOnly))
def my_reports(guest: CurrentGuest) -> list[ReportOut]:
    """Newest first, with what was decided."""
    return [ReportOut.of(each) for each in service.reports_of(guest.id)]


@router.get(
    "/photographer/events/{event_id}/reports",
    summary="List an event's open reports",
    responses=error_responses(*STAFF),
)
def open_reports(event: StaffedEvent, staff: PhotographerOrAdmin) -> list[OpenReport]:
    """Oldest first, 200 at most."""
    return [OpenReport.of(each, staff) for each in service.open_in(event.id)]


@router.put(
    "/photographer/events/{event_id}/reports/{report_id}",
    summary="Decide a report",
    responses=error_responses(*STAFF, errors.NoSuchReport, errors.ReportDecided, errors.NotYourPhotos),
)
def decide_report(
    event: StaffedEvent, report_id: RowId, asked: DecisionIn, staff: PhotographerOrAdmin, language: Language
) -> Message:
    """Ends all open reports of the photo. Photographers delete photos that they have uploaded, admins any."""
    service.decide(staff, event.id, report_id, asked.decision)
    return Message(message=Success.REPORT_DECIDED.text(language))


@router.get(
    "/admin/reports",
    summary="List the events with open reports",
    responses=error_responses(*SIGNED_IN, errors.AdminsOnly),
)
def events_with_reports(_: CurrentAdmin) -> list[EventReports]:
    """The event whose report has waited longest comes first."""
    return [
        EventReports(event_id=event.id, event_name=event.name, open=number)
        for event, number in service.events_with_open()
    ]
