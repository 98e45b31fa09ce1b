"""The event's cover photo as a poster needs it: cut to its place, with as many pixels as the paper asks for."""

import images
import storage
from database import reading
from decoding.decoder import ChildDied, Decoder, OutOfMemory, Overran, TaskFailed
from errors import CoverTooSmall, NoCover
from events.cover import focus_of
from events.cover_focus import Focus
from images import NormalisedImage
from models import Event, Photo
from photos.keys import key_of
from photos.visible import queries as visible_photos
from selfies.service import told_in_words

# Print shops ask for 300 dots per inch of what is held in the hand; what has fewer than 150 is seen to be soft.
FULL_DPI, LEAST_DPI, SCREEN_DPI = 300, 150, 110
MM_PER_INCH = 25.4
# What a child says of a picture that it cannot read in the time and memory of a request.
_UNREADABLE = (images.ImageError, Overran, OutOfMemory, ChildDied, TaskFailed)


def cover_for(event: Event, decoder: Decoder, width: float, height: float, *, printed: bool) -> bytes:
    """Return the event's cover as a JPEG for a place of `width` x `height` mm, with the faces on it if they fit.

    For the screen it is made from the rendition `web`; to be printed, from the original, if that can be read in time.

    Raises:
        NoCover: the event has none, or its file is gone. CoverTooSmall: it has fewer than 150 pixels per inch there.
        InvalidImage, ImageTooCostly, TooBusy, ServiceUnavailable: see `selfies.service.told_in_words`.
    """
    photo = _photo(event)
    dpi = FULL_DPI if printed else SCREEN_DPI
    pixels = (round(width / MM_PER_INCH * dpi), round(height / MM_PER_INCH * dpi))
    focus = focus_of(photo, width / height)
    with told_in_words():
        picture = _read(photo, decoder, pixels, focus, ("original", "web") if printed else ("web", "original"))
    if printed and picture.width < width / MM_PER_INCH * LEAST_DPI:
        raise CoverTooSmall
    return picture.jpeg


def _photo(event: Event) -> Photo:
    if event.cover is None:
        raise NoCover
    with reading() as session:
        photo = visible_photos.visible_to_admin(session, event.cover.photo_id)
    if photo is None:
        raise NoCover
    return photo


def _read(
    photo: Photo, decoder: Decoder, pixels: tuple[int, int], focus: Focus, sizes: tuple[str, str]
) -> NormalisedImage:
    """Return the picture from the first of the two files; from the second if the first is gone or cannot be read."""
    first, second = sizes
    try:
        return _read_one(photo, decoder, pixels, focus, first)
    except (storage.MissingObject, *_UNREADABLE):
        try:
            return _read_one(photo, decoder, pixels, focus, second)
        except storage.MissingObject as error:
            raise NoCover from error


def _read_one(photo: Photo, decoder: Decoder, pixels: tuple[int, int], focus: Focus, size: str) -> NormalisedImage:
    area = photo.width * photo.height if size == "original" else images.WEB_LONG_SIDE**2
    return decoder.print_picture(key_of(photo, size), area, *pixels, (focus.x, focus.y))
