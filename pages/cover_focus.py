"""The classes of an event's cover that keep its faces in view where its place cuts it: see `css/base.css`."""

from events.cover import cover_of, focus_of
from models import Photo

# The widest place of a cover on any page, the one of `/join` on a phone. What is in view there is so in all others.
WIDEST = 2.0


def focus_classes(event_id: int) -> str:
    """Return the classes for the event's cover, an empty text without one."""
    photo = cover_of(event_id)
    return "" if photo is None else classes_of(photo)


def classes_of(photo: Photo) -> str:
    """Return the classes for a cover: where to cut it across and down, in tenths."""
    focus = focus_of(photo, WIDEST)
    return f"focus-x{round(focus.x * 10)} focus-y{round(focus.y * 10)}"
