"""Storage keys of a photo: one for the original and one for each rendition."""

RENDITIONS = ("web", "thumb")


def storage_key(event_id: int, filename: str, size: str) -> str:
    """Return the storage key of a photo's `original`, `web` or `thumb` file."""
    if size == "original":
        return f"photos/{event_id}/original/{filename}"
    return f"photos/{event_id}/{size}/{filename.rsplit('.', 1)[0]}.jpg"


def stored_keys(event_id: int, filename: str) -> list[str]:
    """Return all storage keys of a photo; a rendition may not exist yet."""
    return [storage_key(event_id, filename, size) for size in ("original", *RENDITIONS)]
