"""Storage keys of RAW files: they lie beside the originals, under random names of their own."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from image_headers.preview import KINDS
from photos.keys import storage_key
from photos.raws import queries

ENDINGS = sorted(f".{kind.lower()}" for kind in KINDS)


def _keys(files: Iterable[Sequence[int | str]]) -> list[str]:
    return [storage_key(int(event_id), str(name), "original") for event_id, name in files]


def keys_of(session: Session, photo_ids: Sequence[int]) -> list[str]:
    """Return the keys of the RAW files of these photos."""
    return _keys(queries.files_of(session, photo_ids))


def keys_in(session: Session, event_id: int) -> list[str]:
    """Return the keys of an event's RAW files."""
    return _keys(queries.files_in(session, event_id))


def known(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that belong to a RAW file."""
    names = sorted(
        {key.rsplit("/", 1)[-1] for key in keys if key.startswith("photos/") and key.endswith(tuple(ENDINGS))}
    )
    return set(_keys(queries.named(session, names))) if names else set()
