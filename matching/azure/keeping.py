"""Adds faces to lists there so that none stays there without a row here.

A row of `remote_doubts` is committed first. Then the face is added. Then its row of `remote_faces` is committed, and
the row of `remote_doubts` deleted, in one transaction.
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

# A process that has not recorded its faces within this time counts as dead.
LATEST = timedelta(minutes=15)


class AttemptTooOld(Exception):
    """The attempt took so long that its faces may be deleted there already. It must be repeated."""


class Kept(NamedTuple):
    """A face that is in a list now: its place among the picture's faces, its id there, and the note sent with it."""

    place: int
    persisted_id: str
    note: str
    maybe_twice: bool


def add(service: FaceService, listed: MadeList, picture: bytes, faces: Sequence[RemoteFace]) -> list[Kept]:
    """Add faces of a picture to a list; return those that Azure accepted. The caller then calls `record`.

    Raises:
        RecogniserAway: Azure cannot be used now. NotThere: the list is gone; it is filled again (`lists.forget`).
    """
    notes = [uuid.uuid4().hex for _ in faces]
    if not notes:
        return []
    with transaction() as session:
        queries.add_doubts(session, listed.id, notes, utcnow() + LATEST)
    kept = list[Kept]()
    try:
        for place, (face, note) in enumerate(zip(faces, notes, strict=True)):
            # Azure refuses a face that it detected but cannot compare.
            with suppress(PictureRefused):
                added = service.add_face(listed.name, picture, face, note)
                kept.append(Kept(place, added.persisted_face_id, note, added.maybe_twice))
    except BaseException as error:
        # Also for faces that were added before the error: the next attempt adds all of them again.
        _doubt(notes)
        if isinstance(error, NotThere):
            lists.forget(listed)
        raise
    _doubt(sorted(set(notes) - {each.note for each in kept}))
    return kept


def _doubt(notes: Sequence[str]) -> None:
    with suppress(SQLAlchemyError), transaction() as session:
        queries.reschedule_doubts(session, notes, utcnow())


def record(session: Session, listed: MadeList, kept: Sequence[Kept], owner: str, ids: Sequence[int | None]) -> None:
    """Write the rows of faces that were added, in the open transaction. `owner` is the column that holds the `ids`.

    A face whose id is None has no owner: it is deleted there.

    Raises:
        AttemptTooOld: the faces were added more than 15 minutes ago and may be deleted there already, or their list.
    """
    if not queries.is_in_use(session, listed.id):
        raise AttemptTooOld("the list was given up meanwhile")
    certain = [each.note for each in kept if not each.maybe_twice]
    twice = [each.note for each in kept if each.maybe_twice]
    if queries.end_doubts(session, certain) != len(certain):
        raise AttemptTooOld("the faces were at Azure for too long without being recorded")
    queries.reschedule_doubts(session, twice, utcnow())
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
