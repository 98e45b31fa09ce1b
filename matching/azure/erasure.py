"""Deletes at Azure what is deleted here: faces and lists that no row owns any more, and faces that no row knows."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

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


def erase(service: FaceService, most: int = MOST_CALLS) -> int:
    """Delete there the lists and faces without an owner; return how many. Makes about `most` calls at most.

    Raises:
        RecogniserAway: Azure cannot be used now. The rest stays recorded.
    """
    erased = _erase_lists(service, most)
    erased += _erase_faces(service, most - erased)
    if erased < most:
        erased += _resolve_doubts(service)
    return erased


def _erase_lists(service: FaceService, most: int) -> int:
    now = utcnow()
    with reading() as session:
        left = [
            (each.id, each.name, each.erased_at)
            for each in queries.left_lists(session, now - MADE_AGAIN_WITHIN, most)
        ]
    for list_id, name, erased_at in left:
        service.delete_list(name)
        with transaction() as session:
            if erased_at is None:
                queries.note_erased(session, list_id, now)
            else:
                queries.delete_list(session, list_id)
    return len(left)


def _erase_faces(service: FaceService, most: int) -> int:
    with reading() as session:
        left = queries.left_faces(session, max(0, most))
    for each in left:
        service.delete_face(each.list_name, each.persisted_id)
        with transaction() as session:
            queries.delete_face(session, each.id)
            queries.increment_changed(session, each.list_id)
    return len(left)


def _resolve_doubts(service: FaceService) -> int:
    """Search the lists for faces with the notes that are due, and delete those that no row has; return how many."""
    erased = 0
    with reading() as session:
        due = queries.due_doubts(session, utcnow())
    for (list_id, name), notes in due.items():
        try:
            there = [each.persisted_face_id for each in service.faces_of(name) if each.user_data in notes]
        except NotThere:
            there = []
        with reading() as session:
            unknown = set(there) - queries.known_faces(session, list_id, there)
        for persisted_id in sorted(unknown):
            service.delete_face(name, persisted_id)
            erased += 1
        with transaction() as session:
            queries.end_doubts(session, notes)
            if unknown:
                queries.increment_changed(session, list_id)
    return erased


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
                queries.left_lists(session, now - MADE_AGAIN_WITHIN, 1)
                or queries.left_faces(session, 1)
                or queries.due_doubts(session, now)
            )
