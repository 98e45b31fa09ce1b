"""Dependencies that read uploaded files, up to a limit."""

from typing import Annotated

from fastapi import Depends, File, Query, UploadFile

from selfies.service import SelfieFile
from settings import get_settings


def read_at_most(file: UploadFile, limit: int) -> bytes:
    """Return the file's bytes; of a file larger than `limit`, the first `limit` + 1."""
    return file.file.read(limit + 1)


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
