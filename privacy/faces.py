"""Check of faces in photos: those of guests who erased their account are not stored again."""

from collections.abc import Iterator

from matching.guest_matches import overlap
from privacy import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import all_rows

# Share of the area of both boxes. Detectors report no two faces that have 0.3 in common: a neighbour has less.
SAME_FACE = 0.5


def stored_again(_: Scope) -> Iterator[Finding]:
    """Yield faces at the places of erased ones."""
    for each in all_rows(queries.faces_and_erased_places):
        place = [share * side for share, side in zip(each.place, (each.width, each.height) * 2, strict=True)]
        if each.face_id is not None and overlap(each.box, place) >= SAME_FACE:
            yield Finding("faces", str(each.face_id))


CHECKS = (Check("erased-face", "No face is stored where the face of an erased guest was.", stored_again),)
