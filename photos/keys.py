"""Where a photo's bytes lie in the storage: one key for the original and one for each rendition."""

RENDITIONS = ("web", "thumb")


def storage_key(event_id: int, filename: str, size: str) -> str:
    """Return the key of a photo's `original`, `web` or `thumb` bytes."""
    if size == "original":
        return f"photos/{event_id}/original/{filename}"
    return f"photos/{event_id}/{size}/{filename.rsplit('.', 1)[0]}.jpg"


def stored_keys(event_id: int, filename: str) -> list[str]:
    """Return every key under which a photo may have bytes."""
    return [storage_key(event_id, filename, size) for size in ("original", *RENDITIONS)]
