"""Storage keys of uploads under way. They are no photos: `storage.PREFIXES` does not name them."""

from models import Upload

PREFIX = "uploads/"
# As the store took the file; and how copies of it are called that its sender cannot replace any more.
WHOLE, KEPT = "whole", "kept"


def key_of(upload: Upload, name: int | str) -> str:
    """Return the storage key of a part, by its number, or of another file of the upload."""
    return f"{PREFIX}{upload.token}.{name}"


def token_of(key: str) -> str:
    """Return the token of the upload that a storage key belongs to."""
    return key.removeprefix(PREFIX).partition(".")[0]


def number_of_parts(upload: Upload) -> int:
    """Return how many parts the file has."""
    return -(-upload.size // upload.part_size)


def size_of_part(upload: Upload, number: int) -> int:
    """Return the size of a part in bytes: all but the last have `part_size`."""
    return min(upload.part_size, upload.size - (number - 1) * upload.part_size)


def stored_keys(upload: Upload) -> list[str]:
    """Return the storage keys that the upload may have; copies that are being judged are of the call that judges."""
    if upload.way == "through":
        return [key_of(upload, number) for number in range(1, number_of_parts(upload) + 1)]
    return [key_of(upload, WHOLE)]
