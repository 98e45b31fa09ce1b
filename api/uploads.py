"""Dependencies that read uploaded files, up to a limit."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

from fastapi import Depends, File, Query, UploadFile

from image_headers.preview import may_be
from selfies.service import SelfieFile
from settings import get_settings


def read_at_most(file: UploadFile, limit: int) -> bytes:
    """Return the file's bytes; of a file larger than `limit`, the first `limit` + 1."""
    return file.file.read(limit + 1)


# RAW files that a process holds at a time, of 120 MB and a JPEG each; the others wait in their temporary files.
RAW_AT_ONCE = threading.BoundedSemaphore(2)
HEAD = 16


@contextmanager
def read_photo(file: UploadFile) -> Iterator[bytes]:
    """Give the bytes of a photo; of one that is too large, no more than tell that it is.

    Files that may be RAW, and are larger than other photos, are held a few at a time.
    """
    settings = get_settings()
    with ExitStack() as held:
        data = file.file.read(settings.max_photo_bytes + 1)
        if len(data) > settings.max_photo_bytes and may_be(data[:HEAD]):
            held.enter_context(RAW_AT_ONCE)
            data += file.file.read(settings.max_raw_bytes + 1 - len(data))
        yield data


def selfie_file(file: Annotated[UploadFile, File(description="The picture.")]) -> SelfieFile:
    """Return the part `file` of a selfie upload. Its size and type are not checked yet."""
    data = read_at_most(file, get_settings().max_selfie_bytes)
    return SelfieFile(data, file.content_type or "")


def older_selfie_file(selfie: Annotated[UploadFile, File(description="The picture.")]) -> SelfieFile:
    """Return the part `selfie`, as older clients call it, of a selfie upload."""
    return selfie_file(selfie)


SelfiePart = Annotated[SelfieFile, Depends(selfie_file)]
OlderSelfiePart = Annotated[SelfieFile, Depends(older_selfie_file)]
Strict = Annotated[
    bool,
    Query(description="`false`: accept several faces, and a small one; the largest face counts."),
]
