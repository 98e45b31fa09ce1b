"""SQL about photos as their photographers and admins list them."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, select, true
from sqlalchemy.orm import Session, joinedload

from events.queries import counts_in_event
from models import FAILED, PENDING, PROCESSING, Event, Face, Photo, UnstoredFaces
from photos.ordering import Page
from photos.queries import PhotoRow, rows_of

PhotoState = Literal["waiting", "failed", "incomplete"]
_IN_STATE: dict[PhotoState | None, ColumnElement[bool]] = {
    None: true(),
    "waiting": Photo.status.in_((PENDING, PROCESSING)),
    "failed": Photo.status == FAILED,
    "incomplete": Photo.warning.is_not(None),
}


def count_of_event(session: Session, event_id: int, state: PhotoState | None = None) -> int:
    """Return how many photos the event has, in all or in a state."""
    wanted = select(func.count()).select_from(Photo).where(Photo.event_id == event_id, _IN_STATE[state])
    return session.scalar(wanted) or 0


def _with_face_count(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    faces = (
        select(func.count())
        .select_from(Face)
        .where(Face.photo_id == Photo.id, counts_in_event(Face.event_id, Face.engine_id))
        .scalar_subquery()
    )
    unstored = (
        select(UnstoredFaces.number)
        .where(UnstoredFaces.photo_id == Photo.id, counts_in_event(UnstoredFaces.event_id, UnstoredFaces.engine_id))
        .scalar_subquery()
    )
    found = faces + func.coalesce(unstored, 0)
    name = select(Event.name).where(Event.id == Photo.event_id).scalar_subquery()
    shown = select(Photo, literal(None), literal(None), found, false(), name, false()).where(where)
    return shown.options(joinedload(Photo.raw))


def of_event(session: Session, event_id: int, page: Page, state: PhotoState | None = None) -> Sequence[PhotoRow]:
    """Return the event's photos, all or those in a state, with the number of faces in each."""
    return rows_of(session, _with_face_count(and_(Photo.event_id == event_id, _IN_STATE[state])), page)


def chosen_of_event(session: Session, event_id: int, photo_ids: Sequence[int]) -> Sequence[PhotoRow]:
    """Return those of these photos that the event has, newest first."""
    return rows_of(session, _with_face_count(and_(Photo.event_id == event_id, Photo.id.in_(photo_ids))), Page())


def of_photographer(session: Session, photographer_id: int, page: Page) -> Sequence[PhotoRow]:
    """Return the photographer's own photos with the number of faces in each."""
    return rows_of(session, _with_face_count(Photo.photographer_id == photographer_id), page)


def count_of_photographer(session: Session, photographer_id: int) -> int:
    """Return how many photos the photographer has uploaded."""
    return (
        session.scalar(select(func.count()).select_from(Photo).where(Photo.photographer_id == photographer_id)) or 0
    )
