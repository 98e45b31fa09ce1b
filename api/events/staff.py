"""What the people who run an event see and do while photos come in: its photographers, and admins for any event."""

from fastapi import APIRouter

import errors
from api.callers import PhotographerOrAdmin
from api.dependencies import WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.events.access import StaffedEvent
from api.events.schemas import CoverIn, CoverOut, EventProgressOut
from api.language import Language
from api.links import link
from api.messages import Success
from api.operations.schemas import Retried
from api.photos.schemas import ChecksumsIn, KnownChecksums, KnownPhoto
from events import cover, progress
from events.progress import EventProgress
from jobs import control as job_control
from photos import checksums

router = APIRouter(prefix="/api/photographer/events/{event_id}", tags=["photographer"])
REFUSED = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)


@router.get(
    "/progress", summary="How far my event is", response_model=EventProgressOut, responses=error_responses(*REFUSED)
)
def event_progress(event: StaffedEvent) -> EventProgress:
    """Photos by state, what was found in them, and how many guests have theirs."""
    return progress.progress_of(event.id)


@router.post(
    "/known-checksums", summary="Which of these photos are there already?", responses=error_responses(*REFUSED)
)
def known_checksums(event: StaffedEvent, asked: ChecksumsIn) -> KnownChecksums:
    """By the SHA-256 of their bytes, so that nobody sends them again; one that `failed` is tried again if sent."""
    found = checksums.known(event.id, asked.sha256)
    return KnownChecksums(known=[KnownPhoto.model_validate(each, from_attributes=True) for each in found])


@router.post("/retry-failed", summary="Try my event's failed photos again", responses=error_responses(*REFUSED))
def retry_failed(event: StaffedEvent, wake_jobs: WakeJobs) -> Retried:
    """Every photo of the event whose processing failed waits for it again."""
    number = job_control.retry_photos(event.id)
    wake_jobs()
    return Retried(retried=number)


@router.put(
    "/cover",
    summary="Choose the photo that stands for my event",
    responses=error_responses(*REFUSED, errors.NoSuchPhoto),
)
def choose_cover(event: StaffedEvent, asked: CoverIn, staff: PhotographerOrAdmin, language: Language) -> CoverOut:
    """Every member of the event may see it, even where guests see only the photos they are in."""
    cover.choose(event.id, asked.photo_id)
    return CoverOut(message=Success.COVER_CHOSEN.text(language), cover_url=link(asked.photo_id, "web", staff))


@router.delete("/cover", summary="Let no photo stand for my event", responses=error_responses(*REFUSED))
def clear_cover(event: StaffedEvent, language: Language) -> CoverOut:
    """Who sees the photo is as for any other from now on; again, it changes nothing."""
    cover.clear(event.id)
    return CoverOut(message=Success.COVER_REMOVED.text(language), cover_url=None)
