"""Finds the other form of a photo that comes as RAW and as JPEG, in either order, and makes one photo of both.

Same event, same photographer, same name but for its ending, and the same time of capture where both have one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from events import queries as event_queries
from image_headers.preview import ENDINGS
from models import Photo, PhotoRaw
from photos.keys import keys_being_written, storage_key, stored_keys
from photos.raws import queries
from photos.rows import queries as row_queries
from stored.erasure import erase

# What cameras write beside a RAW file.
PICTURE_KINDS = ("image/jpeg", "image/heic")
PICTURE_ENDINGS = ("jpg", "jpeg", "jpe", "heic", "heif", "hif")
# One of the two may have fractions of a second, or be rounded.
SAME_TIME = timedelta(seconds=2)


def join(session: Session, photo: Photo, raw: PhotoRaw | None) -> Photo | None:
    """Make a photo that is about to be inserted, or its RAW file, a form of one that is there; return that one.

    Returns None where there is none. `raw` is the RAW file that was sent; the photo is then what lies in it. Of two
    forms that arrive at the same moment the second one sees the first: a RAW file locks the event's row against the
    others. A picture waits for no matching, unless a RAW file of its name is there.
    """
    if photo.photographer_id is None or (raw is None and photo.content_type not in PICTURE_KINDS):
        return None
    whose = photo.event_id, photo.photographer_id
    if raw is not None:
        if event_queries.lock_event_alone(session, photo.event_id) is None:
            return None
        names = other_names(raw.original_filename, PICTURE_ENDINGS)
        found = _of_same_time(queries.lock_without_raw(session, *whose, names, PICTURE_KINDS), photo)
        return None if found is None else _add_raw(session, found, photo, raw)
    names = other_names(photo.original_filename, tuple(ENDINGS))
    if not event_queries.is_kept(session, photo.event_id) or not queries.has_alone(session, *whose, names):
        return None
    event_queries.lock_event(session, photo.event_id)
    found = _of_same_time(queries.lock_alone(session, *whose, names), photo)
    return None if found is None else _replace_preview(session, found, photo)


def has_raw_name(name: str | None) -> bool:
    """Return whether a file's name ends like that of a RAW file."""
    return (name or "").rpartition(".")[2].lower() in ENDINGS


def other_names(name: str, endings: tuple[str, ...]) -> list[str]:
    """Return how a file of this name may be called in its other form: cameras write endings in capitals."""
    stem = name.rpartition(".")[0] or name
    stems = {stem, stem.lower(), stem.upper()}
    written = {form for ending in endings for form in (ending, ending.upper(), ending.capitalize())}
    return sorted(f"{each}.{ending}" for each in stems for ending in written)


def _of_same_time(photos: Sequence[Photo], photo: Photo) -> Photo | None:
    """Return the photo taken at the time of another; if there is none, the first where one of both has no time."""
    at = _recorded(photo)
    if at is None:
        return next(iter(photos), None)
    times = [(each, _recorded(each)) for each in photos]
    timed = (each for each, time in times if time is not None and abs(time - at) <= SAME_TIME)
    return next(timed, next((each for each, time in times if time is None), None))


def _recorded(photo: Photo) -> datetime | None:
    """Return what the camera's clock said, which no shift changes; else when the photo was taken."""
    return photo.recorded_at or photo.taken_at


def _add_raw(session: Session, found: Photo, photo: Photo, raw: PhotoRaw) -> Photo:
    """Keep the RAW file with a photo that is there; the preview that lies in it is not needed."""
    raw.photo_id, raw.alone = found.id, False
    session.add(raw)
    erase(session, [storage_key(photo.event_id, photo.filename, "original")])
    session.flush()
    return found


def _replace_preview(session: Session, found: Photo, photo: Photo) -> Photo:
    """Put a JPEG in the place of the preview of a RAW file that came alone; the photo is processed again.

    Its matches stay until then. The attempts are not reset: a job under way must find that it is not current.
    """
    files = row_queries.files_of(session, [found.id])
    erase(session, stored_keys(files), late=keys_being_written(files))
    queries.drop_reprocessing(session, found.id)
    for name, value in vars(photo).items():
        if not name.startswith("_") and value is not None:
            setattr(found, name, value)
    found.requeue(
        attempts=found.attempts, finished_at=None, rendition_set=0, warning=None, full_size=None, full_crc32=None
    )
    raw = queries.of_photo(session, found.id)
    if raw is not None:
        raw.alone = False
    session.flush()
    return found
