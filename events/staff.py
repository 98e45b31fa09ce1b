"""What the people who run an event see and do while photos come in: its photographers, and admins for any event."""

from fastapi import APIRouter

import errors
from dependencies import SIGNED_IN, StaffedEvent, refusals
from events import progress
from events.progress import EventProgress
from events.schemas import EventProgressOut
from photos import checksums
from photos.schemas import ChecksumsIn, KnownChecksums, KnownPhoto

router = APIRouter(prefix="/api/photographer/events/{event_id}", tags=["photographer"])
REFUSED = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)


@router.get("/progress", summary="How far my event is", response_model=EventProgressOut, responses=refusals(*REFUSED))
def event_progress(event: StaffedEvent) -> EventProgress:
    """Photos by state, what was found in them, and how many guests have theirs."""
    return progress.progress_of(event.id)


@router.post("/known-checksums", summary="Which of these photos are there already?", responses=refusals(*REFUSED))
def known_checksums(event: StaffedEvent, asked: ChecksumsIn) -> KnownChecksums:
    """By the SHA-256 of their bytes, so that nobody sends them again; one that `failed` is tried again if sent."""
    found = checksums.known(event.id, asked.sha256)
    return KnownChecksums(known=[KnownPhoto.model_validate(each, from_attributes=True) for each in found])
