"""The trace that a request id stands for: a job's row holds only that id, which leads the job to the same trace."""

import re
import secrets
from hashlib import blake2b
from typing import NamedTuple

OWN = re.compile(r"[0-9a-f]{32}")
OF_CALLER = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
# https://www.w3.org/TR/trace-context/: version, trace, parent, flags. Later versions may be longer.
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


class Place(NamedTuple):
    """A span: the numbers of its trace and of itself, neither of which is 0."""

    trace: int
    span: int


def place_of(request_id: str) -> Place:
    """Return the span of the request with this id.

    The id is that of the trace if it has 32 hexadecimal digits, as those made here; `trace-span` as `id_within`
    makes it; of any other, the trace is a hash.
    """
    if (parts := OF_CALLER.fullmatch(request_id)) is not None:
        place = Place(int(parts[1], 16), int(parts[2], 16))
        if place.trace and place.span:
            return place
    digest = blake2b(request_id.encode(), digest_size=24).digest()
    hashed = Place(int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:]) or 1)
    if OWN.fullmatch(request_id) and (trace := int(request_id, 16)):
        return Place(trace, hashed.span)
    return hashed


def caller_of(traceparent: str | None) -> Place | None:
    """Return the caller's span that the header `traceparent` names, or None without one or if it is malformed."""
    parts = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if parts is None or (parts[3] and traceparent and traceparent.startswith("00")):
        return None
    place = Place(int(parts[1], 16), int(parts[2], 16))
    return place if place.trace and place.span else None


def id_within(caller: Place) -> str:
    """Return a new request id whose span is in the caller's trace."""
    return f"{caller.trace:032x}-{secrets.randbits(64) or 1:016x}"
