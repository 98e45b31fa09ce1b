"""How long an event keeps the templates of faces that are no guest's: a calculation from its row and the photo's.

A face is a guest's if it is a guest's candidate, a guest has confirmed it, or a match refers to it. Of all other
faces an event keeps the templates as long as those of its guests (`keep`), until its expiry or some days after the
upload of the photo (`until_expiry`), or never stores them (`none`). The days count from the upload: the time of
capture is what a camera says, and clocks are corrected later.
"""

from datetime import UTC, datetime, timedelta

from models import KEEP, NEVER, Event


def ends(event: Event) -> bool:
    """Return whether templates of faces that are no guest's go before those of the guests."""
    return event.bystanders != KEEP


def due_before(event: Event, now: datetime) -> datetime | None:
    """Return the time: photos uploaded up to then must have no stored faces that are no guest's.

    None if this holds for no photo; the latest time there is if it holds for all.
    """
    if event.bystanders == KEEP:
        return None
    if event.bystanders == NEVER or now >= event.expires_at:
        return datetime.max.replace(tzinfo=UTC)
    return now - timedelta(days=event.bystander_days) if event.bystander_days is not None else None


def are_stored(event: Event, uploaded_at: datetime, now: datetime) -> bool:
    """Return whether faces that are no guest's may be stored now, of a photo that was uploaded then."""
    due = due_before(event, now)
    return due is None or uploaded_at > due
