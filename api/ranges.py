"""Parts of a file that a client asks for (RFC 9110, 14), so that a broken download resumes.

One part is answered. Several at once are answered with the whole file, as the standard allows: no browser and no
download program asks for them, and each would cost another look into the storage.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request

import errors

ACCEPT = {"Accept-Ranges": "bytes"}
# Numbers of more digits are larger than any file.
_RANGE = re.compile(r"bytes\s*=\s*(\d{0,100})\s*-\s*(\d{0,100})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a file from `start` up to before `end`; `whole`: they were not asked for, but all of them are."""

    start: int
    end: int
    length: int
    whole: bool

    @property
    def status(self) -> int:
        """The status of the answer."""
        return 200 if self.whole else 206

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell which part it is, of how much."""
        told = {} if self.whole else {"Content-Range": f"bytes {self.start}-{self.end - 1}/{self.length}"}
        return {**ACCEPT, "Content-Length": str(self.end - self.start), **told}


def asks_for_part(request: Request) -> bool:
    """Tell whether the caller asks for a part and is answered one; a HEAD request is about the whole."""
    return "range" in request.headers and not request.scope.get("head_only")


def part_of(
    request: Request,
    length: int,
    etag: str,
    modified: datetime | None = None,
    knows_beginning: Callable[[], bool] = lambda: True,
) -> Part:
    """Return the part of a file of `length` bytes that is to be sent: all of it if the caller has another file.

    `knows_beginning` tells whether a caller without `If-Range` can only have the beginning of this very file. If not,
    the answer is an error: given the whole file, wget would keep the beginning that it has and append the rest.

    Raises:
        DownloadChanged: the caller may have the beginning of another file and does not say of which.
        RangeNotSatisfiable: the file has no byte of the part.
    """
    whole = Part(0, length, length, whole=True)
    asked = _asked(request.headers["range"], length) if asks_for_part(request) else None
    if asked is None:
        return whole
    start, end = asked
    condition = request.headers.get("if-range")
    if condition is not None and not _is_same(condition.strip(), etag, modified):
        return whole
    if condition is None and start > 0 and not knows_beginning():
        raise errors.DownloadChanged
    if start >= end:
        raise errors.RangeNotSatisfiable(length)
    return Part(start, end, length, whole=False)


def _asked(header: str, length: int) -> tuple[int, int] | None:
    """Return the part that a `Range` header asks for, empty if the file ends before it; None if it is malformed."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(length - int(found[2]), 0), length if int(found[2]) else 0
    start, last = int(found[1]), int(found[2]) if found[2] else length - 1
    if found[2] and last < start:
        return None
    return start, min(last + 1, length)


def last_modified(at: datetime) -> dict[str, str]:
    """Return the header that tells when a file got its content."""
    return {"Last-Modified": format_datetime(at.astimezone(UTC).replace(microsecond=0), usegmt=True)}


def _is_same(condition: str, etag: str, modified: datetime | None) -> bool:
    """Tell whether `If-Range` names this file, by ETag or by date to the second.

    A weak ETag (`W/`) never does (RFC 9110, 13.1.5).
    """
    if condition.startswith(('"', "W/")):
        return condition == etag
    try:
        return modified is not None and parsedate_to_datetime(condition) == modified.replace(microsecond=0)
    except (TypeError, ValueError):
        return False
