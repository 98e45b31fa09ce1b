"""The ZIP of a link's photos, as the page shows them: in the size of a screen, without what cameras note in files."""

import errors
import storage
from audit.log import Action
from models import Event, Photo
from photos import names
from photos.copies.service import Source
from photos.download import Archive, File, made_at, name_for
from photos.keys import key_of
from photos.links.service import Shared
from photos.zip_layout import Entry

SIZE = "web"


def archive(shared: Shared) -> Archive:
    """Return a ZIP of the photos that a link shows. Those whose picture is not made yet are left out.

    Raises:
        NoPhotosToDownload: there is no picture yet.
    """
    own = names.unique([(photo.original_filename, ".jpg") for photo in shared.photos])
    found = [_file(shared.event, photo, name) for photo, name in zip(shared.photos, own, strict=True)]
    files = [each for each in found if each is not None]
    if not files:
        raise errors.NoPhotosToDownload
    return Archive(shared.event.id, name_for(shared.event), files, Action.PHOTOS_EXPORTED_BY_LINK)


def _file(event: Event, photo: Photo, name: str) -> File | None:
    key = key_of(photo, SIZE)
    try:
        source = Source(key, storage.size(key))
    except storage.MissingObject:
        return None
    return File(source, Entry(name, source.size, made_at(photo, event)), photo_id=photo.id)
