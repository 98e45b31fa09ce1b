"""The pictures of a link's photos as a page shows them: their sizes, before they are loaded."""

from dataclasses import dataclass

from images import THUMB_LONG_SIDE, WEB_LONG_SIDE
from models import DONE, Photo


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo on a page: width and height of the picture of a screen's size in px, the width of the small one.

    `is_ready`: the pictures are made.
    """

    id: int
    width: int
    height: int
    thumb_width: int
    is_ready: bool


def picture_of(photo: Photo) -> Picture:
    """Return the picture of a photo."""
    width, height = _within(photo.width, photo.height, WEB_LONG_SIDE)
    return Picture(
        id=photo.id,
        width=width,
        height=height,
        thumb_width=_within(width, height, THUMB_LONG_SIDE)[0],
        # A photo that waits for Azure has a colour, and renditions, before it is done.
        is_ready=photo.status == DONE or photo.mean_colour is not None,
    )


def _within(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = min(1, long_side / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))
