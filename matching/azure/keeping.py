"""Adds faces to lists there, and leaves none there that no row knows.

A row of `remote_doubts` is committed first, then the face is added, then its row is committed and the doubt ends.
"""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from azure_face.problems import NotThere, PictureRefused
from azure_face.service import FaceService, RemoteFace
from database import transaction
from matching.azure import lists, queries
from matching.azure.lists import MadeList
from models import utcnow

# A process that has not said within this time what came of its faces has died.
LATEST = timedelta(minutes=15)


class AttemptTooOld(Exception):
    """The attempt took so long that its faces may be deleted there already; it is to be made again."""


class Kept(NamedTuple):
    """A face of a picture, by its place, that is in a list now: its id there, and the note it was added with."""

    place: int
    persisted_id: str
    note: str
    maybe_twice: bool


def add(service: FaceService, listed: MadeList, picture: bytes, faces: Sequence[RemoteFace]) -> list[Kept]:
    """Add faces of a picture to a list; return those that it took. `record` must follow.

    Raises:
        RecogniserAway: see `azure_face.problems`. NotThere: the list is gone.
    """
    notes = [uuid.uuid4().hex for _ in faces]
    if not notes:
        return []
    with transaction() as session:
        queries.add_doubts(session, listed.id, notes, utcnow() + LATEST)
    kept = list[Kept]()
    try:
        for place, (face, note) in enumerate(zip(faces, notes, strict=True)):
            # A face that is found but not taken is too unclear to compare.
            with suppress(PictureRefused):
                added = service.add_face(listed.name, picture, face, note)
                kept.append(Kept(place, added.persisted_face_id, note, added.maybe_twice))
    except BaseException as error:
        # Also what was added before the error: the next attempt adds all of them again.
        _doubt(notes)
        if isinstance(error, NotThere):
            lists.forget(listed)
        raise
    _doubt(sorted(set(notes) - {each.note for each in kept}))
    return kept


def _doubt(notes: Sequence[str]) -> None:
    with suppress(SQLAlchemyError), transaction() as session:
        queries.hasten_doubts(session, notes, utcnow())


def record(session: Session, listed: MadeList, kept: Sequence[Kept], owner: str, ids: Sequence[int | None]) -> None:
    """Write the rows of faces that were added, in the open transaction. `owner` is the column that `ids` are for.

    Without an id, the face is to be deleted there.

    Raises:
        AttemptTooOld: see there.
    """
    certain = [each.note for each in kept if not each.maybe_twice]
    twice = [each.note for each in kept if each.maybe_twice]
    if queries.end_doubts(session, certain) != len(certain):
        raise AttemptTooOld("the faces were at Azure for too long without being recorded")
    queries.hasten_doubts(session, twice, utcnow())
    queries.add_faces(
        session,
        [
            {"list_id": listed.id, "persisted_id": each.persisted_id, "face_id": None, "embedding_id": None}
            | {owner: owner_id}
            for each, owner_id in zip(kept, ids, strict=True)
        ],
    )
    if kept:
        queries.increment_changed(session, listed.id)
