"""A photo's faces: added to the event's list there, and compared with the portraits to find the guests to match."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from azure_face.problems import NotThere
from azure_face.service import FaceService
from database import reading, transaction
from events import bystanders
from events import queries as event_queries
from events.ending import compares_faces
from faces.providers import AZURE_ENGINE_ID, calibration_of
from matching import queries as matching_queries
from matching.azure import keeping, lists, queries
from matching.azure.candidates import thresholds
from matching.azure.keeping import AttemptTooOld
from matching.azure.lists import PHOTOS, PORTRAITS, EventGone
from matching.azure.pictures import Detected
from matching.azure.searches import queries as search_queries
from matching.changing import queries as changing_queries
from matching.changing import service as changing
from matching.claims import queries as claim_queries
from matching.erased.service import may_be_stored
from models import DONE, Event, Photo, Reembedding, utcnow
from photos.badges import service as badges
from settings import get_settings

StillOurs = Callable[[Photo], bool]
JobIsOurs = Callable[[Reembedding], bool]


class StrangersEnd(Exception):
    """The event lets templates of strangers go before those of guests; lists at Azure would keep them."""

    def __init__(self) -> None:
        super().__init__(
            "this event does not keep faces of strangers, and lists at Azure would: choose to keep them, or another "
            "recogniser"
        )


# Returns whether the attempt still is the current one; called in the transaction that writes.
IsCurrent = Callable[[Session], bool]


def record_photo(
    service: FaceService,
    photo_id: int,
    found: Detected,
    scale: float,
    still_ours: StillOurs,
    seen_badges: Sequence[str] | None = None,
) -> bool:
    """Store a photo's faces there and here, and queue the matching of the guests whom they resemble.

    What follows from the badges it shows is given in the transaction that ends the job.
    `scale` is the photo's width divided by the picture's. Returns False if the photo is deleted or the attempt is no
    longer current.

    Raises:
        RecogniserAway: Azure cannot be used now. TrainingFailed: Azure could not train the list of portraits.
        NotThere: a list is gone there. AttemptTooOld: the faces were not recorded in time (`keeping.record`).
        StrangersEnd: the event lets templates of strangers go.
    """
    with reading() as session:
        photo = session.get(Photo, photo_id)
    if photo is None:
        return False

    def is_current(session: Session) -> bool:
        current = matching_queries.lock_photo(session, photo_id)
        return current is not None and still_ours(current)

    resembling = _kept_and_compared(service, photo, found, scale, is_current)
    return resembling is not None and _finish(photo, resembling, still_ours, seen_badges)


def record_again(
    service: FaceService, job_id: int, photo: Photo, found: Detected, scale: float, still_ours: JobIsOurs
) -> None:
    """Do the same for a photo of an event that changes to Azure: see `matching/changing/`.

    Raises:
        RecogniserAway, TrainingFailed, NotThere, AttemptTooOld, StrangersEnd: see `record_photo`.
    """

    def is_current(session: Session) -> bool:
        job = changing_queries.lock_job(session, job_id)
        return job is not None and still_ours(job)

    resembling = _kept_and_compared(service, photo, found, scale, is_current)
    if resembling is not None:
        changing.finish(job_id, AZURE_ENGINE_ID, partial(queue_guests, resembling=resembling), still_ours)


def _kept_and_compared(
    service: FaceService, photo: Photo, found: Detected, scale: float, is_current: IsCurrent
) -> set[int] | None:
    """Store the faces and return the guests whom they resemble; None if the attempt is no longer current."""
    with reading() as session:
        event = event_queries.by_id(session, photo.event_id)
        faces, there = queries.kept_faces(session, photo.id, AZURE_ENGINE_ID)
    if event is not None and not compares_faces(event):
        return set()
    check_strangers(event)
    try:
        # An earlier attempt may have stored them and ended then.
        if (not faces or faces != there) and not _keep_faces(service, photo, found, scale, is_current):
            return None
        return guests_resembling(service, photo.event_id, found)
    except EventGone:
        return None


def check_strangers(event: Event | None) -> None:
    """Return if faces of strangers may be in lists there.

    Raises:
        StrangersEnd: the event lets their templates go.
    """
    if event is not None and bystanders.ends(event):
        raise StrangersEnd


def _keep_faces(service: FaceService, photo: Photo, found: Detected, scale: float, is_current: IsCurrent) -> bool:
    listed = lists.made(service, photo.event_id, PHOTOS) if found.faces else None
    kept = keeping.add(service, listed, found.picture, found.faces) if listed is not None else []
    with transaction() as session:
        event = event_queries.lock_event(session, photo.event_id)
        ours = event is not None and is_current(session)
        ids: list[int | None] = [None] * len(kept)
        if event is not None and ours and compares_faces(event) and not bystanders.ends(event):
            ids = _stored(session, photo, [face_row(photo, found, each.place, scale) for each in kept])
        if listed is not None and event is not None:
            keeping.record(session, listed, kept, "face_id", ids)
    return ours


def _stored(session: Session, photo: Photo, rows: Sequence[dict[str, Any]]) -> list[int | None]:
    """Store the faces and return their ids; the same faces of a list that is gone stay, and so do their matches.

    The id is None for a face at the place of an erased one: it is then deleted there.
    """
    allowed = may_be_stored(session, photo, [row["box"] for row in rows])
    wanted = [row for row, may in zip(rows, allowed, strict=True) if may]
    ids = iter(_stored_here(session, photo, wanted))
    return [next(ids) if may else None for may in allowed]


def _stored_here(session: Session, photo: Photo, rows: Sequence[dict[str, Any]]) -> list[int]:
    same = queries.faces_gone(session, photo.id, AZURE_ENGINE_ID)
    if same and [each.box for each in same] == [row["box"] for row in rows]:
        return [each.id for each in same]
    replaced = matching_queries.replace_faces(session, photo.id, AZURE_ENGINE_ID, rows)
    if replaced.had_faces:
        matching_queries.increment_version(session, photo.event_id)
    return replaced.face_ids


def face_row(photo: Photo, found: Detected, place: int, scale: float) -> dict[str, Any]:
    """Return the columns of a face that was found in a picture `scale` times smaller than the photo."""
    located = found.faces[place].located
    return {
        "photo_id": photo.id,
        "event_id": photo.event_id,
        "box": [round(value * scale, 1) for value in located.box],
        "landmarks": [[round(float(value) * scale, 1) for value in point] for point in located.landmarks],
        "quality": located.quality,
        "engine_id": AZURE_ENGINE_ID,
        "embedding": b"",
    }


def guests_resembling(service: FaceService, event_id: int, found: Detected) -> set[int]:
    """Return the ids of the guests who have a portrait that resembles one of the faces.

    Raises:
        RecogniserAway, TrainingFailed, NotThere: see `record_photo`.
    """
    row = lists.known(event_id, PORTRAITS)
    if row is None or not found.faces:
        return set()
    near = set[str]()
    try:
        lists.trained(service, row)
        for place in range(len(found.faces)):
            near |= {each for each, value in found.similar(place, row.name).items() if value >= _screened_from()}
    except NotThere:
        lists.forget(row)
        raise
    with reading() as session:
        known = queries.owners(session, row.id, near).values()
        return queries.guests_of(session, {each.embedding_id for each in known if each.embedding_id is not None})


def _screened_from() -> float:
    """Return the similarity from which a guest is searched for again: a decade below the floor.

    The service does not promise the same similarity in both directions: the search with the portrait may find more.
    """
    return thresholds().floor - calibration_of(AZURE_ENGINE_ID).per_decade


def _finish(
    photo: Photo, resembling: Collection[int], still_ours: StillOurs, seen_badges: Sequence[str] | None
) -> bool:
    with transaction() as session:
        event = event_queries.lock_event(session, photo.event_id)
        current = matching_queries.lock_photo(session, photo.id)
        if event is None or current is None or not still_ours(current):
            return False
        queue_guests(session, event, photo, resembling=resembling)
        current.finish(DONE)
        current.engine_id = AZURE_ENGINE_ID
        session.flush()
        badges.note(session, event, current, seen_badges, None)
    return True


def queue_guests(session: Session, event: Event, photo: Photo, *, resembling: Collection[int]) -> None:
    """Queue the matching of the guests whom the photo may show, if Azure is the event's active engine.

    Raises:
        AttemptTooOld: faces of the photo are not in the list there.
    """
    faces, there = queries.kept_faces(session, photo.id, AZURE_ENGINE_ID)
    if faces != there:
        raise AttemptTooOld("the list that the faces were in was given up meanwhile")
    if event.active_engine_id != AZURE_ENGINE_ID:
        return
    concerned = {*resembling, *claim_queries.confirmers(session, photo.id)}
    # Delayed, so that one search covers several photos.
    due_at = utcnow() + timedelta(seconds=get_settings().azure_face_gather_seconds)
    search_queries.want_search(session, event.id, AZURE_ENGINE_ID, concerned)
    queries.queue_matching(session, event.id, concerned, due_at)
