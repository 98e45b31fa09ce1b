"""Storage keys of a photo: one for the original and one for each rendition."""

from collections.abc import Iterable

from models import DONE

RENDITIONS = ("web", "thumb")


def storage_key(event_id: int, filename: str, size: str) -> str:
    """Return the storage key of a photo's `original`, `web` or `thumb` file."""
    if size == "original":
        return f"photos/{event_id}/original/{filename}"
    return f"photos/{event_id}/{size}/{filename.rsplit('.', 1)[0]}.jpg"


def stored_keys(event_id: int, filename: str) -> list[str]:
    """Return all storage keys of a photo; a rendition may not exist yet."""
    return [storage_key(event_id, filename, size) for size in ("original", *RENDITIONS)]


def rendition_keys(event_id: int, filename: str) -> list[str]:
    """Return the storage keys of a photo's renditions."""
    return [storage_key(event_id, filename, size) for size in RENDITIONS]


def keys_being_written(event_id: int, photos: Iterable[tuple[str, str]]) -> list[str]:
    """Return the keys that jobs may be writing: the renditions of those photos (stored name, status) not done yet."""
    return [key for name, status in photos if status != DONE for key in rendition_keys(event_id, name)]
