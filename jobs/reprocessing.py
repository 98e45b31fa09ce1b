"""The work on a photo whose renditions and faces are made again: the steps before anything is recorded.

The new renditions are stored beside those that the photo has. Recording gives them to the photo
(`matching/reprocessing/`), so that a list, a picture and its faces are always of one look.
"""

from dataclasses import dataclass

import storage
from decoding.decoder import Decoder
from faces.engine import DetectedFace
from jobs.outcomes import read_photo, warning_of
from matching.reprocessing.service import Anew, Subject
from models import Photo
from photos.copies.service import renditions_for
from photos.keys import storage_key
from photos.receiving import described, header_of


@dataclass(frozen=True, slots=True)
class ReadAnew:
    """What was read: the photo with its new columns (not in a session), its faces, and the keys of its renditions."""

    photo: Photo
    anew: Anew
    faces: list[DetectedFace]
    keys: dict[str, str]


def read_anew(job_id: int, subject: Subject, decoder: Decoder) -> ReadAnew:
    """Read a photo's header, and have its renditions made and its faces found.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone.
    """
    photo, event = subject
    columns = described(header_of(storage.get(storage_key(photo.event_id, photo.filename, "original"))), event)
    for name, value in columns.items():
        setattr(photo, name, value)
    keys = renditions_for(photo, job_id)
    read = read_photo(photo, keys, decoder, badges=event.badges)
    anew = Anew(columns, read.mean_colour, warning_of(read), read.full, read.badges)
    return ReadAnew(photo, anew, read.faces, keys)
