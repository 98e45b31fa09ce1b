"""Records what was found again in a photo, in one transaction: columns, renditions, faces, matches.

Until then, the photo has what it had. What guests said stays: refusals, favourites and marks name the photo alone;
confirmations name a face, and are carried over to the new face at its place (`matching/reprocessing/places.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from database import reading, transaction
from encryption.templates import template_of
from events import queries as event_queries
from faces.engine import DetectedFace
from faces.providers import calibration_of
from matching import queries as matching_queries
from matching import service as matching
from matching.erased import service as erased
from matching.loading import locked_event
from matching.reprocessing import queries
from matching.reprocessing.places import SeenFace, Way, place_of, way_between
from models import DONE, Event, Face, Photo, Reprocessing
from photos.badges import service as badges
from photos.clocks.service import follow_clock
from photos.keys import rendition_keys
from stored.erasure import erase, erase_later

StillOurs = Callable[[Reprocessing], bool]


class Subject(NamedTuple):
    """The photo that a job is about, and its event."""

    photo: Photo
    event: Event


@dataclass(frozen=True, slots=True)
class Anew:
    """What was read of a photo again: the columns of its header, its mean colour, and what is wrong with it.

    `full` are the bytes of its rendition `full` and its CRC-32, None if none was made.
    """

    columns: dict[str, Any]
    mean_colour: str | None
    warning: str | None
    full: tuple[int, int] | None = None
    # What guests' badges in it hold; None if none was searched for.
    badges: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """The rows of a job that is recorded, locked."""

    event: Event
    photo: Photo
    job: Reprocessing


def subject_of(job_id: int) -> Subject | None:
    """Return what a job is about; None if the job, the photo or the event is deleted."""
    with reading() as session:
        job = queries.job(session, job_id)
        if job is None:
            return None
        photo, event = session.get(Photo, job.photo_id), event_queries.by_id(session, job.event_id)
    return Subject(photo, event) if photo is not None and event is not None else None


@contextmanager
def locked(job_id: int, still_ours: StillOurs) -> Iterator[tuple[Session, Locked | None]]:
    """Open a transaction with the rows of a job locked; None if one is deleted, or the attempt not current."""
    with reading() as session:
        known = queries.job(session, job_id)
    # No event has the id 0.
    with locked_event(known.event_id if known is not None else 0) as (session, event):
        photo = matching_queries.lock_photo(session, known.photo_id) if known is not None else None
        job = queries.lock_job(session, job_id)
        ours = event is not None and photo is not None and job is not None and still_ours(job)
        yield session, Locked(event, photo, job) if event and photo and job and ours else None


def record(job_id: int, engine_id: str, anew: Anew, faces: Sequence[DetectedFace], still_ours: StillOurs) -> bool:
    """Replace what the photo has by what was found, match its guests, and end the job.

    Returns False, without any change, if the job or the photo is deleted or the attempt is no longer current.
    """
    with locked(job_id, still_ours) as (session, rows):
        if rows is None:
            return False
        before = badges.Place.of(rows.photo)
        seen = [SeenFace(matching.stored_box(each), each.embedding) for each in faces]
        renew(session, rows, engine_id, anew, seen)
        matching.store_faces(session, rows.event, rows.photo, engine_id, faces)
        settle(rows, engine_id)
        session.flush()
        badges.note(session, rows.event, rows.photo, anew.badges, before)
        rows.job.finish(DONE)
    return True


def renew(session: Session, rows: Locked, engine_id: str, anew: Anew, seen: Sequence[SeenFace]) -> Way:
    """Give the photo its new columns and renditions, and move what depends on places; return the way they moved.

    `seen` are the new faces by `engine_id`, which the caller stores afterwards.
    """
    photo, job = rows.photo, rows.job
    old_faces = queries.faces_in(session, photo.id)
    old_size = photo.width, photo.height
    for name, value in anew.columns.items():
        setattr(photo, name, value)
    photo.note_renditions(anew.mean_colour, anew.warning, anew.full)
    if photo.rendition_set != job.id:
        erase_later(session, rendition_keys(photo.event_id, photo.filename, photo.rendition_set))
        job.replaced, photo.rendition_set = photo.rendition_set, job.id
    own = [each for each in old_faces if each.engine_id == engine_id]
    known = [seen_face(session, each, engine_id) for each in own or old_faces]
    known += [SeenFace(box, None) for box in erased.places_in(session, photo.id, old_size)]
    way = way_between(old_size, (photo.width, photo.height), known, seen)
    for face in old_faces:
        if face.engine_id != engine_id and not way.changes_nothing:
            # By the engine that the event changes from, or to: it stays until it is made again by that engine.
            face.box, face.landmarks = way.box(face.box), [way.point(each) for each in face.landmarks]
    erased.carry(session, photo, way)
    _carry_confirmations(session, rows, engine_id, way, {each.id: each for each in own}, seen)
    session.flush()
    follow_clock(session, photo)
    return way


def seen_face(session: Session, face: Face, engine_id: str) -> SeenFace:
    """Return a stored face as one that `engine_id` can compare: without embedding if another engine made it."""
    template = template_of(session, face) if face.engine_id == engine_id else None
    return SeenFace(face.box, np.frombuffer(template, np.float32) if template else None)


def _carry_confirmations(
    session: Session, rows: Locked, engine_id: str, way: Way, own: dict[int, Face], seen: Sequence[SeenFace]
) -> None:
    """Move what guests have confirmed in the photo to the new faces; matching then finds them by their places."""
    active, calibration = engine_id == rows.event.active_engine_id, calibration_of(engine_id)
    for each in queries.confirmations_in(session, rows.photo.id):
        face = own.get(each.face_id) if each.face_id is not None else None
        embedding = seen_face(session, face, engine_id).embedding if face is not None else None
        if active:
            each.box = place_of(SeenFace(each.box, embedding), way, seen, calibration)
            each.face_id = None
        elif not way.changes_nothing:
            each.box = way.box(each.box)


def settle(rows: Locked, engine_id: str) -> None:
    """Note that the engine has looked at the photo; a photo whose own job had failed is done with it."""
    photo = rows.photo
    if photo.status != DONE:
        photo.finish(DONE)
        photo.engine_id = engine_id
    elif rows.event.active_engine_id == engine_id:
        # Else `photos.engine_id` changes with the event: see `matching/changing/`.
        photo.engine_id = engine_id


def erase_unused(job_id: int, photo: Photo) -> None:
    """Erase the renditions that a job wrote after it, or its photo, was deleted."""
    with transaction() as session:
        if queries.job(session, job_id) is not None:
            return
        current = session.get(Photo, photo.id)
        if current is None or current.rendition_set != job_id:
            erase(session, rendition_keys(photo.event_id, photo.filename, job_id))
