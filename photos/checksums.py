"""Which photos an event already has, by checksums of originals and RAW files, so that they are not sent again."""

from collections.abc import Sequence
from dataclasses import dataclass

from database import reading
from photos.rows import queries

# Checksums per statement: few enough that the planner of either database uses the index.
BATCH = 500


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A photo that the event has: SHA-256 of the original in hex, id and status."""

    sha256: str
    id: int
    processing_status: str


def known(event_id: int, sha256: Sequence[str]) -> list[KnownPhoto]:
    """Return the event's photos that have one of these checksums (hex, any case), in the order asked."""
    wanted = list(dict.fromkeys(each.lower() for each in sha256))
    found: dict[str, KnownPhoto] = {}
    for start in range(0, len(wanted), BATCH):
        with reading() as session:
            rows = queries.of_checksums(session, event_id, wanted[start : start + BATCH])
        found.update({row.sha256: KnownPhoto(*row) for row in rows})
    return [found[each] for each in wanted if each in found]
