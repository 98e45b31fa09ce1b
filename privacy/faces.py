"""Checks of faces in photos: of erased guests, which do not come back, and of strangers, which go in time."""

from collections.abc import Iterator
from datetime import timedelta

from database import reading
from ending.bystanders import without_twins
from events.bystanders import due_before
from matching.bystanders import queries as bystander_queries
from matching.guest_matches import overlap
from models import utcnow
from privacy import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import BATCH, all_rows

# Share of the area of both boxes. Detectors report no two faces that have 0.3 in common: a neighbour has less.
SAME_FACE = 0.5
# What is due is erased within minutes by a running service: one that was stopped overnight is no finding.
SLACK = timedelta(days=1)


def stored_again(_: Scope) -> Iterator[Finding]:
    """Yield faces at the places of erased ones."""
    for each in all_rows(queries.faces_and_erased_places):
        place = [share * side for share, side in zip(each.place, (each.width, each.height) * 2, strict=True)]
        if each.face_id is not None and overlap(each.box, place) >= SAME_FACE:
            yield Finding("faces", str(each.face_id))


def strangers(_: Scope) -> Iterator[Finding]:
    """Yield faces that are no guest's, in events that never store them, or a day after they were due."""
    due = utcnow() - SLACK
    with reading() as session:
        ends = [(event.id, due_before(event, due)) for event in bystander_queries.events_with_end(session)]
    for event_id, before in ends:
        after = 0
        while before is not None:
            with reading() as session:
                found = bystander_queries.faces_of_strangers(session, event_id, before, BATCH, after)
                left = without_twins(session, found)
            yield from (Finding("faces", str(each.id)) for each in left)
            if len(found) < BATCH:
                break
            after = found[-1].id


CHECKS = (
    Check("erased-face", "No face is stored where the face of an erased guest was.", stored_again),
    Check("bystander", "No face of a stranger is stored where events do not keep them, or for longer.", strangers),
)
