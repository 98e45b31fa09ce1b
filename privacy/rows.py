"""Checks of rows that refer to what is gone, also where the database should have prevented it.

A database that was imported, restored in parts, or changed by hand may hold what its constraints forbid.
"""

from collections.abc import Iterator

from database import reading
from privacy import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import listed


def orphans(_: Scope) -> Iterator[Finding]:
    """Yield rows that name a row which is not there."""
    for table, constraint in queries.references():
        with reading() as session:
            found = queries.dangling(session, table, constraint)
        yield from (Finding(f"{table.name}.{','.join(constraint.column_keys)}", key) for key in found)
    yield from listed(("photos.camera_id", queries.cameras_missing), ("users.guardian_id", queries.guardians_missing))


def strangers(_: Scope) -> Iterator[Finding]:
    """Yield faces, matches and given photos that join what does not belong together."""
    return listed(
        ("face_matches", queries.matches_of_others),
        ("face_candidates", queries.candidates_of_others),
        ("faces", queries.faces_elsewhere),
        ("given_photos", queries.given_elsewhere),
        ("badge_marks", queries.marks_elsewhere),
    )


CHECKS = (
    Check(
        "orphan-row", "Each row that names an account, an event, a photo or a face names one that is there.", orphans
    ),
    Check(
        "stranger",
        "Each match is of one guest's selfie, and each match and given photo in an event of that guest.",
        strangers,
    ),
)
