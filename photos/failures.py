"""Why a photo could not be processed, in words for its photographer."""

import errors

# By how the recorded error begins: the class that the job met, or what `jobs/queue.py` says of a process that died.
REASONS: tuple[tuple[str, type[errors.AppError]], ...] = (
    ("UnsupportedImage", errors.InvalidImage),
    ("DamagedImage", errors.ImageDamaged),
    ("MissingObject", errors.PhotoFileMissing),
    ("Overran", errors.ImageTooCostly),
    ("OutOfMemory", errors.ImageTooCostly),
    ("TooManyPixels", errors.ImageTooCostly),
    ("TooManyScans", errors.TooManyScans),
    ("the process died", errors.ImageTooCostly),
)


def reason(error: str | None, language: str) -> str | None:
    """Return a sentence for the error that a photo's job recorded; None if it recorded none."""
    if not error:
        return None
    found = next((kind for beginning, kind in REASONS if error.startswith(beginning)), errors.PhotoNotProcessed)
    return str(found().body(language)["detail"])
