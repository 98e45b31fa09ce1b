"""Calls of an event's photographers, and of admins for any event: progress, failed photos, cover."""

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
    "/progress", summary="Progress of my event", response_model=EventProgressOut, responses=error_responses(*REFUSED)
)
def event_progress(event: StaffedEvent) -> EventProgress:
    """Numbers of photos by state, of faces, guests and matches."""
    return progress.progress_of(event.id)


@router.post(
    "/known-checksums", summary="Find photos that the event already has", responses=error_responses(*REFUSED)
)
def known_checksums(event: StaffedEvent, asked: ChecksumsIn) -> KnownChecksums:
    """Compares SHA-256 sums of whole files. A photo that `failed` is processed again when it is sent again."""
    found = checksums.known(event.id, asked.sha256)
    return KnownChecksums(known=[KnownPhoto.model_validate(each, from_attributes=True) for each in found])


@router.post("/retry-failed", summary="Retry my event's failed photos", responses=error_responses(*REFUSED))
def retry_failed(event: StaffedEvent, wake_jobs: WakeJobs) -> Retried:
    """Queues every photo of the event whose processing failed."""
    number = job_control.retry_photos(event.id)
    wake_jobs()
    return Retried(retried=number)


@router.put(
    "/cover",
    summary="Set the cover photo of my event",
    responses=error_responses(*REFUSED, errors.NoSuchPhoto),
)
def choose_cover(event: StaffedEvent, asked: CoverIn, staff: PhotographerOrAdmin, language: Language) -> CoverOut:
    """Every guest of the event may see it, even if guests see only the photos they are in."""
    cover.choose(event.id, asked.photo_id)
    return CoverOut(message=Success.COVER_CHOSEN.text(language), cover_url=link(asked.photo_id, "web", staff))


@router.delete("/cover", summary="Remove the cover photo of my event", responses=error_responses(*REFUSED))
def clear_cover(event: StaffedEvent, language: Language) -> CoverOut:
    """From then on, the photo is seen like any other. Idempotent."""
    cover.clear(event.id)
    return CoverOut(message=Success.COVER_REMOVED.text(language), cover_url=None)
