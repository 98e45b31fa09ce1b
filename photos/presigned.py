"""Which pictures of photos a browser loads from the object store itself, by a signed link."""

import logging

import presigning
import storage
from database import reading
from models import DONE, Photo
from photos.keys import key_of
from photos.visible import queries

log = logging.getLogger("reperio.photos")


def link_to(photo: Photo, key: str, content_type: str, disposition: str) -> presigning.Link | None:
    """Return a link to a file of a photo that its viewer may see; None where the bytes pass through the service.

    They do while the photo is not processed, and if it is withheld from any guest: such a photo is shown to some and
    hidden from others, and a link would say nothing of that. An original was sent by a photographer, so the store
    must be told the type under which it gives it; and only there a name can be given to a download.
    """
    told = disposition.startswith("attachment") or key == key_of(photo, "original")
    try:
        if photo.status != DONE or (told and not presigning.takes_headers()):
            return None
        link = presigning.load_link(key, content_type, disposition)
    except storage.StorageError as error:
        log.warning("no link to the object store: %s", error)
        return None
    if link is None:
        return None
    with reading() as session:
        return None if queries.is_withheld(session, photo.id) else link
