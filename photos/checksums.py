"""Which photos an event has already, told by the checksums of their bytes: nobody needs to send those again."""

from collections.abc import Sequence
from dataclasses import dataclass

from database import reading
from photos import queries

# Looked up in one statement: so few that every planner takes the index.
BATCH = 500


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A photo that the event has: its SHA-256 in hex, its id and how its processing stands."""

    sha256: str
    id: int
    processing_status: str


def known(event_id: int, sha256: Sequence[str]) -> list[KnownPhoto]:
    """Return the event's photos among those with these checksums, in the order asked; upper case is lower case."""
    wanted = list(dict.fromkeys(each.lower() for each in sha256))
    found: dict[str, KnownPhoto] = {}
    for start in range(0, len(wanted), BATCH):
        with reading() as session:
            rows = queries.of_checksums(session, event_id, wanted[start : start + BATCH])
        found.update({row[0]: KnownPhoto(*row) for row in rows})
    return [found[each] for each in wanted if each in found]
