"""The answer that is a ZIP: all of it, or the part from which a broken download resumes."""

from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

import errors
from api.photos.routes import disposition
from api.ranges import Part, part_of
from api.throttling import SlotResponse
from photos.download import Archive
from throttling import resumable
from throttling.slots import Slot

_BYTES = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "content": _BYTES,
        "description": "A ZIP file with the pictures, stored without compression. `Content-Length` is exact.",
    },
    206: {"content": _BYTES, "description": "The part that `Range` asks for."},
}
ZIP_ERRORS = (
    errors.NoPhotosToDownload,
    errors.DownloadChanged,
    errors.RangeNotSatisfiable,
    errors.TooManyRequests,
)


def zip_response(request: Request, found: Archive, asked: tuple[int, int, str], take: Callable[[], Slot]) -> Response:
    """Return the answer. `asked` says whose ZIP of what it is, to resume without an ETag; `take` takes its slot.

    Raises:
        RangeNotSatisfiable, DownloadChanged: see `part_of`. TooManyRequests: there is no slot.
    """
    part = _part(request, found, asked)
    headers = {
        **part.headers,
        "ETag": f'"{found.tag}"',
        "Content-Disposition": disposition("attachment", found.name),
        "Cache-Control": "private, no-store",
    }
    slot, chunks = take(), found.chunks(part.start, part.end)
    return SlotResponse(slot, chunks, status_code=part.status, media_type="application/zip", headers=headers)


def _part(request: Request, found: Archive, asked: tuple[int, int, str]) -> Part:
    part = part_of(
        request, found.length, f'"{found.tag}"', knows_beginning=lambda: resumable.is_same(*asked, found.tag)
    )
    if part.start == 0:
        resumable.begin(*asked, found.tag)
    return part
