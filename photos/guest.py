"""What a guest does with the photos of an event: wait for them."""

from fastapi import APIRouter

import errors
from dependencies import SIGNED_IN, CurrentGuest, refusals
from fields import RowId
from photos import progress
from photos.progress import Standing
from photos.schemas import GuestProgress

router = APIRouter(prefix="/api", tags=["photos"])
MEMBERS = (*SIGNED_IN, errors.GuestsOnly, errors.NotInEvent)


@router.get(
    "/user/events/{event_id}/progress",
    summary="How far the photos of one of my events are",
    response_model=GuestProgress,
    responses=refusals(*MEMBERS),
)
def event_progress(event_id: RowId, guest: CurrentGuest) -> Standing:
    """For a guest who waits, and to mark what is new."""
    return progress.standing_for(guest, event_id)
