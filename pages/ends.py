"""Until when an event's photos stay and faces are compared, as pages say it."""

from dataclasses import dataclass
from datetime import timedelta

from events import ending
from models import Event, utcnow
from pages import formatting

# Pages with the ZIP say that the end is near from the first notice on.
NEAR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Ends:
    """The last days of the event's faces and photos in words; whether each is over, or near."""

    faces: str
    photos: str
    faces_are_over: bool
    photos_are_over: bool
    faces_are_near: bool
    photos_are_near: bool


def ends_of(event: Event, language: str) -> Ends:
    """Return when faces and photos of an event end, for a reader of this language."""
    faces, photos, now = ending.faces_until(event), ending.photos_until(event), utcnow()
    return Ends(
        faces=formatting.last_day(language, faces, event.timezone),
        photos=formatting.last_day(language, photos, event.timezone),
        faces_are_over=event.faces_ended_at is not None,
        photos_are_over=event.photos_ended_at is not None,
        faces_are_near=faces - NEAR <= now,
        photos_are_near=photos - NEAR <= now,
    )
