"""The files that come with a call, read up to their limit."""

from typing import Annotated

from fastapi import Depends, File, Query, UploadFile

from selfies.service import SelfieFile
from settings import get_settings


def read_at_most(file: UploadFile, limit: int) -> bytes:
    """Return the file's bytes, or one byte more than `limit` of a larger one."""
    return file.file.read(limit + 1)


def selfie_file(file: Annotated[UploadFile, File(description="The picture.")]) -> SelfieFile:
    """Return the `file` part of a selfie upload."""
    data = read_at_most(file, get_settings().max_selfie_bytes)
    return SelfieFile(data, file.content_type or "")


SelfiePart = Annotated[SelfieFile, Depends(selfie_file)]
Strict = Annotated[
    bool,
    Query(description="`false`: the largest face is taken, whatever stands beside it and however small."),
]
