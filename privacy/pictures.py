"""Checks of the pictures made here: they say nothing but what they show."""

from collections.abc import Callable, Iterator

import storage
from database import reading
from privacy import queries
from privacy.files import STORAGE, rendition_keys_of
from privacy.findings import Check, Finding, Scope
from selfies import files as selfie_files
from stripping.copies import plans
from stripping.plan import CannotStrip
from stripping.reader import chunks_of


def metadata(scope: Scope) -> Iterator[Finding]:
    """Yield renditions and selfies with EXIF, XMP, IPTC, comments, or bytes behind the picture."""
    with reading() as session:
        photo_ids, selfies = (
            queries.some_processed(session, scope.pictures, scope.dice),
            queries.some_selfies(session, scope.pictures, scope.dice),
        )
    for photo_id in photo_ids:
        with reading() as session:
            photo = queries.photo(session, photo_id)
        for key in rendition_keys_of(photo) if photo is not None else ():
            if _tells_more(key):
                yield Finding(STORAGE, key)
    for portrait in selfies:
        if portrait is not None and _tells_more(portrait, selfie_files.read):
            yield Finding(STORAGE, portrait)


def _tells_more(key: str, read: Callable[[str], bytes] = storage.get) -> bool:
    """Tell whether a copy for guests would leave out anything of this JPEG."""
    try:
        data = read(key)
    except storage.MissingObject:
        # Of which another check tells.
        return False
    try:
        copy = plans("image/jpeg", chunks_of(data)).plain.chunks(lambda start, end: chunks_of(data[start:end]))
        return b"".join(copy) != data
    except CannotStrip:
        return True


CHECKS = (Check("metadata", "Renditions and selfies hold no metadata.", metadata),)
