"""Compare what Azure keeps of this installation with the rows here: `python -m jobs.remote`.

Needed after a backup was restored: Azure keeps what was added since, without a row here. `--erase` deletes it there.
Run it while no job is under way.
"""

import argparse
import sys
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from azure_face.problems import CallRefused
from azure_face.service import FaceService
from azure_face.shared import face_service
from database import reading
from faces.engine import RecogniserAway
from matching.azure import lists, queries
from settings import UnsafeSettings


@dataclass(slots=True)
class Comparison:
    """Counts of this installation's lists and faces there; those without a row here, faces as (list, face) ids."""

    lists: int = 0
    faces: int = 0
    unknown_lists: list[str] = field(default_factory=list)
    unknown_faces: list[tuple[str, str]] = field(default_factory=list)


def compare(service: FaceService) -> Comparison:
    """Return what Azure keeps under the names of this installation, and what of it has no row here.

    Raises:
        RecogniserAway, CallRefused: Azure does not answer, or refuses. SQLAlchemyError: the database does not answer.
    """
    found = Comparison()
    with reading() as session:
        prefix = lists.prefix(session)
    for name in [each for each in service.lists() if each.startswith(prefix)]:
        found.lists += 1
        with reading() as session:
            row = queries.list_named(session, name)
        if row is None:
            found.unknown_lists.append(name)
            continue
        there = [each.persisted_face_id for each in service.faces_of(name)]
        with reading() as session:
            known = queries.known_faces(session, row.id, there)
        found.faces += len(there)
        found.unknown_faces += [(name, each) for each in there if each not in known]
    return found


def erase(service: FaceService, found: Comparison) -> None:
    """Delete there what has no row here."""
    for name in found.unknown_lists:
        service.delete_list(name)
    for name, persisted_id in found.unknown_faces:
        service.delete_face(name, persisted_id)


def main() -> None:
    """Compare, erase if asked for, and print the numbers."""
    parser = argparse.ArgumentParser(prog="python -m jobs.remote", description=(__doc__ or "").partition(": `")[0])
    parser.add_argument("--erase", action="store_true", help="delete at Azure what has no row here")
    asked = parser.parse_args()
    try:
        service = face_service()
        if service is None:
            sys.exit("AZURE_FACE_KEY is not set: there is nothing to compare with.")
        found = compare(service)
        print(f"Azure keeps {found.lists} lists of this installation with {found.faces} faces.")
        print(f"{len(found.unknown_lists)} lists and {len(found.unknown_faces)} faces have no row here.")
        if asked.erase:
            erase(service, found)
            print("They are deleted there.")
    except (RecogniserAway, CallRefused, SQLAlchemyError, UnsafeSettings) as problem:
        sys.exit(f"Not compared: {str(getattr(problem, 'orig', None) or problem).strip().splitlines()[0]}")


if __name__ == "__main__":
    main()
