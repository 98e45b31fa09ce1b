"""Which form of a photo an account gets: guests the JPEG, photographers and admins also the RAW file."""

from typing import Literal

import errors
from database import reading
from models import GUEST, Photo, User
from photos.keys import MEDIUM
from photos.raws import queries

Size = Literal["thumb", "medium", "web", "original", "raw"]
THUMB: Size = "thumb"
ORIGINAL: Size = "original"
RAW: Size = "raw"


def form_for(user: User, photo: Photo, size: Size) -> tuple[Photo, Size]:
    """Return what stands for the photo at that size, and the size of it that is meant.

    A RAW file stands in the place of the photo's original where `raw` is asked for; also where the original is, if
    the RAW file came alone. The photo returned for it has the columns of the RAW file, and is no row.
    Photos that earlier releases have processed have no `medium`: the thumbnail stands for it.

    Raises:
        NoSuchPhoto: the photo has no RAW file, or the account may not have it.
    """
    if size == MEDIUM and not photo.has_medium:
        return photo, THUMB
    if size not in (ORIGINAL, RAW):
        return photo, size
    raw = None
    if user.user_type != GUEST:
        with reading() as session:
            raw = queries.of_photo(session, photo.id)
    if raw is None and size == RAW:
        raise errors.NoSuchPhoto
    if raw is None or (size == ORIGINAL and not raw.alone):
        return photo, ORIGINAL
    return Photo(
        id=photo.id,
        event_id=raw.event_id,
        photographer_id=photo.photographer_id,
        original_filename=raw.original_filename,
        filename=raw.filename,
        content_type=raw.content_type,
        sha256=raw.sha256,
        size=raw.size,
        width=photo.width,
        height=photo.height,
        status=photo.status,
        uploaded_at=raw.uploaded_at,
    ), ORIGINAL
