"""The files of photos in the trash: the original, the RAW file, and two renditions to show what it was."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from models import DONE, Photo, TrashedPhoto
from photos.keys import key_of, storage_key
from photos.trash import queries

# Also those of a photo that was never processed: the files may not exist.
KEPT_RENDITIONS = ("thumb", "web")


def keys_of(trashed: TrashedPhoto) -> list[str]:
    """Return the storage keys of a photo in the trash."""
    keys = [storage_key(trashed.event_id, trashed.filename, "original")]
    keys += [key_in(trashed, size) for size in KEPT_RENDITIONS]
    if trashed.raw_filename is not None:
        keys.append(storage_key(trashed.event_id, trashed.raw_filename, "original"))
    return keys


def key_in(trashed: TrashedPhoto, size: str) -> str:
    """Return the storage key of the original or of a rendition of a photo in the trash."""
    return storage_key(trashed.event_id, trashed.filename, size, trashed.rendition_set)


def kept_of(photos: Iterable[Photo]) -> set[str]:
    """Return the keys, but those of RAW files, that stay when these photos are put into the trash."""
    kept = set[str]()
    for photo in photos:
        kept.add(key_of(photo, "original"))
        if photo.status == DONE:
            kept.update(key_of(photo, size) for size in KEPT_RENDITIONS)
    return kept


def known(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that belong to a photo in the trash."""
    names = {key.rsplit("/", 1)[-1] for key in keys if key.startswith("photos/")}
    stems = {name.rsplit(".", 1)[0].partition("-")[0] for name in names}
    found = queries.named(session, sorted(stems), sorted(names))
    return set(keys) & {key for each in found for key in keys_of(each)}
