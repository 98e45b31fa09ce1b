"""Erases the faces of a guest, and keeps them from being stored again by whatever looks at their photos later.

A photo processed again, or by another engine, is looked at as a whole; a face whose centre lies in the place of an
erased one, or the other way round, is then left out. Engines draw boxes of different sizes around the same face.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from matching import queries as matching_queries
from matching.erased import queries
from matching.reprocessing.places import Way
from models import ErasedFace, Face, Photo

Box = Sequence[float]


def erase_faces_of(session: Session, user_id: int) -> int:
    """Delete the faces that similarity shows to be the guest's, by every engine; return how many.

    A face that is another account's too stays: it is that person's. The caller has locked the events' rows.
    """
    own = queries.own_faces(session, user_id)
    photos = {photo.id: photo for photo in queries.photos(session, sorted({each.photo_id for each in own}))}
    places = defaultdict[int, list[list[float]]](list)
    for face in own:
        places[face.photo_id].append(face.box)
    own_ids = {each.id for each in own}
    others = [each for each in queries.faces_in(session, sorted(photos)) if each.id not in own_ids]
    active = {each.engine_id for each in own}
    # The same faces by the engine that the event changes from, or to.
    twins = [each for each in others if each.engine_id not in active and _is_at(each.box, places[each.photo_id])]
    session.add_all(
        ErasedFace(photo_id=number, box=_fractions(box, photos[number]))
        for number, boxes in places.items()
        for box in boxes
    )
    session.flush()
    gone: list[Face] = [*own, *twins]
    queries.delete_faces(session, [each.id for each in gone])
    for event_id in sorted({each.event_id for each in gone}):
        matching_queries.increment_version(session, event_id)
    return len(gone)


def may_be_stored(session: Session, photo: Photo, boxes: Sequence[Box]) -> list[bool]:
    """Return for each face found in a photo, by its box in px, whether it is at no erased face's place."""
    erased = places_in(session, photo.id, (photo.width, photo.height))
    return [not _is_at(box, erased) for box in boxes]


def places_in(session: Session, photo_id: int, size: tuple[int, int]) -> list[list[float]]:
    """Return the places of a photo's erased faces in px, given the size of its picture."""
    return [_scaled(each.box, *size) for each in queries.places(session, photo_id)]


def carry(session: Session, photo: Photo, way: Way) -> None:
    """Move the places of a photo's erased faces to where they are in its new picture."""
    for each in queries.places(session, photo.id):
        each.box = _fractions(way.box(_scaled(each.box, *way.old)), photo)


def _is_at(box: Box, places: Sequence[Box]) -> bool:
    return any(_covers_centre(box, each) or _covers_centre(each, box) for each in places)


def _covers_centre(box: Box, other: Box) -> bool:
    x, y = other[0] + other[2] / 2, other[1] + other[3] / 2
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


def _fractions(box: Box, photo: Photo) -> list[float]:
    size = (photo.width, photo.height) * 2
    return [round(float(value) / side, 5) for value, side in zip(box, size, strict=True)]


def _scaled(box: Box, width: int, height: int) -> list[float]:
    return [value * side for value, side in zip(box, (width, height) * 2, strict=True)]
