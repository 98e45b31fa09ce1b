"""Deletes at Azure what is deleted here: faces and lists that no row owns any more, and faces that no row knows."""

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from azure_face.problems import CallRefused, NotThere
from azure_face.service import FaceService
from database import reading, transaction
from faces.engine import RecogniserAway
from matching.azure import queries
from models import utcnow

log = logging.getLogger("reperio.azure")
# Seconds between two erasures, and the most calls of one: jobs wait meanwhile.
EVERY, MOST_CALLS = 2.0, 20
# For this long after the deletion of an event, a job under way may make its list again.
MADE_AGAIN_WITHIN = timedelta(minutes=15)
# For this long, what Azure has refused to delete is left out, so that it does not hold up what comes after it.
REFUSED_FOR = timedelta(hours=1)


class Refused:
    """The ids of the rows whose deletion Azure has refused within the last hour, as far as this process knows."""

    def __init__(self, what: str) -> None:
        """`what` the rows are, for the log."""
        self._what, self._until = what, dict[int, datetime]()

    def add(self, row_id: int, error: CallRefused) -> None:
        """Log the refusal and leave the row out for an hour."""
        log.warning("%s %d is not erased at Azure, tried again in an hour: %s", self._what, row_id, error)
        self._until[row_id] = utcnow() + REFUSED_FOR

    def now(self) -> list[int]:
        """Return the ids of the rows to leave out now."""
        self._until = {row_id: until for row_id, until in self._until.items() if until > utcnow()}
        return list(self._until)


_refused_lists, _refused_faces = Refused("list"), Refused("face")


def erase(service: FaceService, most: int = MOST_CALLS) -> int:
    """Delete there the lists and faces without an owner; return how many. Makes about `most` calls at most.

    What Azure refuses to delete is logged and left out for an hour; the rest is deleted meanwhile.

    Raises:
        RecogniserAway: Azure cannot be used now. The rest stays recorded.
    """
    erased = _erase_lists(service, most)
    erased += _erase_faces(service, most - erased)
    if erased < most:
        erased += _resolve_doubts(service)
    return erased


def _erase_lists(service: FaceService, most: int) -> int:
    now, erased = utcnow(), 0
    with reading() as session:
        left = [
            (each.id, each.name, each.erased_at)
            for each in queries.left_lists(session, now - MADE_AGAIN_WITHIN, most, _refused_lists.now())
        ]
    for list_id, name, erased_at in left:
        try:
            service.delete_list(name)
        except CallRefused as error:
            _refused_lists.add(list_id, error)
            continue
        erased += 1
        with transaction() as session:
            if erased_at is None:
                queries.note_erased(session, list_id, now)
            else:
                queries.delete_list(session, list_id)
    return erased


def _erase_faces(service: FaceService, most: int) -> int:
    erased = 0
    with reading() as session:
        left = queries.left_faces(session, max(0, most), _refused_faces.now())
    for each in left:
        try:
            service.delete_face(each.list_name, each.persisted_id)
        except CallRefused as error:
            _refused_faces.add(each.id, error)
            continue
        erased += 1
        with transaction() as session:
            queries.delete_face(session, each.id)
            queries.increment_changed(session, each.list_id)
    return erased


def _resolve_doubts(service: FaceService) -> int:
    """Search the lists for faces with the notes that are due, and delete those that no row has; return how many."""
    erased = 0
    with reading() as session:
        due = queries.due_doubts(session, utcnow())
    for (list_id, name), notes in due.items():
        try:
            unknown = _erase_unknown(service, list_id, name, notes)
        except CallRefused as error:
            log.warning("doubts about the list %s are looked into in an hour: %s", name, error)
            with transaction() as session:
                queries.reschedule_doubts(session, notes, utcnow() + REFUSED_FOR)
            continue
        erased += unknown
        with transaction() as session:
            queries.end_doubts(session, notes)
            if unknown:
                queries.increment_changed(session, list_id)
    return erased


def _erase_unknown(service: FaceService, list_id: int, name: str, notes: Collection[str]) -> int:
    try:
        there = [each.persisted_face_id for each in service.faces_of(name) if each.user_data in notes]
    except NotThere:
        return 0
    with reading() as session:
        unknown = set(there) - queries.known_faces(session, list_id, there)
    for persisted_id in sorted(unknown):
        service.delete_face(name, persisted_id)
    return len(unknown)


class PeriodicErasure:
    """Calls `erase` every two seconds; each time at most 20 calls to Azure."""

    def __init__(self, service: Callable[[], FaceService | None]) -> None:
        """`service` returns the client, or None if none is configured."""
        self._service, self._next = service, 0.0

    def tick(self) -> None:
        """Erase if two seconds have passed. Errors are logged; the next tick tries again."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        try:
            service = self._service()
            if service is not None and self._is_anything_left():
                service.check_not_suspended()
                erase(service)
        except (RecogniserAway, CallRefused, SQLAlchemyError) as error:
            log.warning("faces at Azure are erased later: %s", str(error).splitlines()[0])

    @staticmethod
    def _is_anything_left() -> bool:
        now = utcnow()
        with reading() as session:
            return bool(
                queries.left_lists(session, now - MADE_AGAIN_WITHIN, 1, _refused_lists.now())
                or queries.left_faces(session, 1, _refused_faces.now())
                or queries.due_doubts(session, now)
            )
