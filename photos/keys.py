"""Storage keys of a photo: one for the original and one for each rendition."""

from collections.abc import Iterable
from typing import NamedTuple

from models import DONE, Photo

MEDIUM = "medium"
RENDITIONS = ("web", MEDIUM, "thumb")
# As large as the picture: only of photos whose original cannot be stripped for guests.
FULL = "full"


class PhotoFiles(NamedTuple):
    """The columns that name a photo's files, and those of its reprocessing job, if there is one."""

    event_id: int
    filename: str
    status: str
    rendition_set: int
    job_id: int | None = None
    replaced: int | None = None
    job_status: str | None = None


def storage_key(event_id: int, filename: str, size: str, rendition_set: int = 0) -> str:
    """Return the storage key of a photo's `original` or a rendition; `key_of` knows those of a row."""
    if size == "original":
        return f"photos/{event_id}/original/{filename}"
    made_anew = f"-{rendition_set}" if rendition_set else ""
    return f"photos/{event_id}/{size}/{filename.rsplit('.', 1)[0]}{made_anew}.jpg"


def key_of(photo: Photo, size: str) -> str:
    """Return the storage key of a photo's `original`, or of the rendition that it has now."""
    return storage_key(photo.event_id, photo.filename, size, photo.rendition_set)


def renditions_to_make(photo: Photo, rendition_set: int, *, full: bool) -> dict[str, str]:
    """Return the storage keys of a set of renditions that is about to be made, by size; `full` only if asked for."""
    sizes = (*RENDITIONS, FULL) if full else RENDITIONS
    return {size: storage_key(photo.event_id, photo.filename, size, rendition_set) for size in sizes}


def rendition_keys(event_id: int, filename: str, rendition_set: int = 0) -> list[str]:
    """Return the storage keys of one set of renditions of a photo; there may be none at that of `full`."""
    return [storage_key(event_id, filename, size, rendition_set) for size in (*RENDITIONS, FULL)]


def stored_keys(photos: Iterable[PhotoFiles]) -> list[str]:
    """Return all storage keys of these photos; a rendition may not exist yet, or not any more."""
    keys = []
    for each in photos:
        keys.append(storage_key(each.event_id, each.filename, "original"))
        for number in {each.rendition_set, each.job_id, each.replaced} - {None}:
            keys += rendition_keys(each.event_id, each.filename, number or 0)
    return keys


def keys_being_written(photos: Iterable[PhotoFiles]) -> list[str]:
    """Return the keys that jobs may be writing: renditions of photos whose own job, or reprocessing, is not done."""
    keys = []
    for each in photos:
        if each.status != DONE:
            keys += rendition_keys(each.event_id, each.filename, each.rendition_set)
        if each.job_id is not None and each.job_status != DONE:
            keys += rendition_keys(each.event_id, each.filename, each.job_id)
    return keys
