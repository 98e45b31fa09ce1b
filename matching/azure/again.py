"""A photo whose faces Azure finds again: added to the list there, and put in the place of those that it had.

Guests keep their matches until their own matching, for which a search there is needed: matches are handed over to the
new faces at the same places, and where no new face is, they stay without a face until then.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from azure_face.service import FaceService
from database import reading
from events.ending import compares_faces
from faces.providers import AZURE_ENGINE_ID
from matching import queries as matching_queries
from matching.azure import keeping, lists, queries
from matching.azure.lists import PHOTOS, EventGone
from matching.azure.photos import face_row, guests_resembling, queue_guests
from matching.azure.pictures import Detected
from matching.claims import queries as claim_queries
from matching.erased.service import may_be_stored
from matching.reprocessing import queries as again_queries
from matching.reprocessing.places import SeenFace, Way, pairs
from matching.reprocessing.service import Anew, Locked, StillOurs, locked, renew, settle
from models import DONE, Face, Photo
from photos.badges import service as badges


def record(
    service: FaceService,
    job_id: int,
    photo: Photo,
    anew: Anew,
    found: Detected,
    scale: float,
    still_ours: StillOurs,
) -> bool:
    """Replace what the photo has, here and there, queue the matching of the guests it may show, and end the job.

    `photo` has the new columns; `scale` is its width divided by the picture's. Returns False if the job or the photo
    is deleted, or the attempt no longer current.

    Raises:
        RecogniserAway, TrainingFailed, NotThere, AttemptTooOld: see `matching.azure.photos.record_photo`.
    """
    try:
        if not _is_replaced(job_id, photo) and not _replace(service, job_id, photo, anew, found, scale, still_ours):
            return False
        guests = guests_resembling(service, photo.event_id, found)
    except EventGone:
        return False
    with locked(job_id, still_ours) as (session, rows):
        if rows is None:
            return False
        queue_guests(session, rows.event, rows.photo, resembling=guests)
        rows.job.finish(DONE)
    return True


def _is_replaced(job_id: int, photo: Photo) -> bool:
    """Return whether an earlier attempt has replaced the faces, and they are still there."""
    with reading() as session:
        current = matching_queries.photo(session, photo.id)
        faces, there = queries.kept_faces(session, photo.id, AZURE_ENGINE_ID)
    return current is not None and current.rendition_set == job_id and faces == there


def _replace(
    service: FaceService,
    job_id: int,
    photo: Photo,
    anew: Anew,
    found: Detected,
    scale: float,
    still_ours: StillOurs,
) -> bool:
    listed = lists.made(service, photo.event_id, PHOTOS) if found.faces else None
    kept = keeping.add(service, listed, found.picture, found.faces) if listed is not None else []
    with locked(job_id, still_ours) as (session, rows):
        ids: Sequence[int | None] = [None] * len(kept)
        shown = list[int]()
        if rows is not None:
            before = badges.Place.of(rows.photo)
            shown += claim_queries.guests_with_candidates(session, photo.id)
            if compares_faces(rows.event):
                ids = _stored(session, rows, anew, [face_row(photo, found, each.place, scale) for each in kept])
            else:
                # Ended meanwhile: the faces that were added there have no owner, and are deleted.
                _stored(session, rows, anew, [])
        if listed is not None and (rows is not None or queries.is_in_use(session, listed.id)):
            keeping.record(session, listed, kept, "face_id", ids)
        if rows is not None:
            settle(rows, AZURE_ENGINE_ID)
            session.flush()
            badges.note(session, rows.event, rows.photo, anew.badges, before)
            # Those whom the old faces resembled; those whom the new ones resemble follow.
            queue_guests(session, rows.event, rows.photo, resembling=shown)
    return rows is not None


def _stored(session: Session, rows: Locked, anew: Anew, new: Sequence[dict[str, Any]]) -> list[int | None]:
    """Store the new faces, let matches and candidates refer to them, and delete the old ones; return the ids.

    The id is None for a face at the place of an erased one: it is then deleted there.
    """
    way = renew(session, rows, AZURE_ENGINE_ID, anew, [SeenFace(each["box"], None) for each in new])
    old = [each for each in again_queries.faces_in(session, rows.photo.id) if each.engine_id == AZURE_ENGINE_ID]
    allowed = may_be_stored(session, rows.photo, [each["box"] for each in new])
    faces = [Face(**each) for each, may in zip(new, allowed, strict=True) if may]
    again_queries.add_faces(session, faces)
    if old:
        _hand_over(session, old, faces, way)
        again_queries.delete_faces(session, [each.id for each in old])
        matching_queries.increment_version(session, rows.event.id)
    ids = iter([each.id for each in faces])
    return [next(ids) if may else None for may in allowed]


def _hand_over(session: Session, old: Sequence[Face], new: Sequence[Face], way: Way) -> None:
    same = dict(pairs([each.box for each in old], [each.box for each in new], way))
    for place, face in enumerate(old):
        again_queries.hand_over(session, face.id, new[same[place]].id if place in same else None)
