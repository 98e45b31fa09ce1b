"""The progress of an event in the studio, read again when photos have come or are done."""

from collections.abc import Sequence
from dataclasses import asdict

from fastapi import Request

from api.waiting import Wait, wait_for
from changes.subjects import event
from events.progress import EventProgress, progress_of
from pages.waiting import mark_of

# How often the number of guests is read again: their changes are heard guest by guest.
GUESTS_SECONDS = 6.0


def mark_of_progress(progress: EventProgress) -> str:
    """Return a short text that is another one whenever the counts are; the age of a photo is none."""
    return mark_of({name: value for name, value in asdict(progress).items() if name != "oldest_pending_seconds"})


def _many(event_ids: Sequence[int]) -> dict[int, EventProgress]:
    return {each: progress_of(each) for each in event_ids}


async def progress_changed(
    request: Request, account: int, event_id: int, seconds: int, known: str
) -> tuple[EventProgress, bool]:
    """Return the progress once its mark is not `known`, or after `seconds`; and whether it could not wait."""
    wait = Wait(
        account=account,
        subjects=(event(event_id),),
        seconds=seconds,
        many=_many,
        key=event_id,
        pause=lambda _: GUESTS_SECONDS,
        is_due=lambda progress: mark_of_progress(progress) != known,
    )
    waited = await wait_for(wait, request.scope, request.receive)
    return waited.state, waited.refused
