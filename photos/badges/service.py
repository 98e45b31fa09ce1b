"""Guests' badges, and what is given by them: computed anew from the rows whenever a photo or a mark changes.

Every change locks the event's row, as matching does. What is given follows from the marks, the photos' times and the
event's setting alone, so it is the same in whatever order photos arrive, are processed, deleted or restored.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

import errors
from database import reading, transaction
from events import queries as event_queries
from models import Badge, BadgeMark, CameraClock, Event, Photo, utcnow
from photos.badges import codes, queries
from photos.badges.given import queries as given_queries
from photos.badges.given.queries import BADGE
from photos.badges.marks import queries as mark_queries
from photos.badges.marks.queries import Between, Camera
from photos.badges.series import SEEN, Gift, Mark, gifts, guests_at
from photos.clocks.moments import shifted
from photos.withheld.service import withhold_new

# Random numbers of 40 bits: a second one is needed once in a lifetime of events.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class OwnBadge:
    """A guest's badge in an event: its number, and what its QR code holds."""

    event: Event
    number: str
    code: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photo stands in the photos of its camera."""

    camera: Camera
    at: datetime

    @classmethod
    def of(cls, row: Photo | BadgeMark) -> "Place | None":
        """Return the place of a photo or a mark; None where it belongs to no series."""
        camera = Camera.of(row)
        return cls(camera, row.taken_at) if camera is not None and row.taken_at is not None else None


# --- guests ------------------------------------------------------------------------------------------


def own_badge(user_id: int, event: Event) -> OwnBadge:
    """Return the guest's badge in one of their events; it is made when the guest asks first.

    Raises:
        NoBadges: the event does not use badges, or its photos have been erased.
        NotInEvent: the guest has just left the event.
    """
    if not event.badges or event.photos_ended_at is not None:
        raise errors.NoBadges
    with reading() as session:
        known = queries.badge_of(session, user_id, event.id)
    badge = known or _made(user_id, event.id)
    return OwnBadge(event, badge.number, codes.code_of(event.id, badge.number))


def _made(user_id: int, event_id: int) -> Badge:
    with transaction() as session:
        # Two calls at once make one badge.
        if event_queries.lock_membership(session, user_id, event_id) is None:
            raise errors.NotInEvent
        known = queries.badge_of(session, user_id, event_id)
        if known is not None:
            return known
        tried = [codes.new_number() for _ in range(ATTEMPTS)]
        taken = {each.number for each in queries.by_numbers(session, event_id, tried)}
        return queries.add_badge(session, user_id, event_id, next(each for each in tried if each not in taken))


# --- a photo that was looked at ------------------------------------------------------------------------


def note(session: Session, event: Event, photo: Photo, seen: Sequence[str] | None, before: Place | None) -> None:
    """Record the badges that a photo shows, and give what follows from it. The event's row is locked.

    `seen` is what its badges hold, None if none was searched for; `before` is where the photo stood.
    A badge that belongs to no guest of the event (of another event, of an erased guest, or forged) ends a series.
    """
    if seen is None or not event.badges:
        return
    places = [before, *(Place.of(each) for each in mark_queries.marks_of_photo(session, photo.id)), Place.of(photo)]
    numbers = {number for code in seen if (number := codes.number_in(code, event.id)) is not None}
    badge_ids: list[int | None] = [each.id for each in queries.by_numbers(session, event.id, numbers)]
    of_no_guest: list[None] = [None] if len(badge_ids) < len(seen) else []
    mark_queries.replace_marks(session, photo, SEEN, [*badge_ids, *of_no_guest])
    mark_queries.move_marks(session, photo)
    mark_queries.withhold_badge(session, photo)
    refresh(session, event, photo, places)


@contextmanager
def following_failure(session: Session, photo_id: int) -> Iterator[None]:
    """Give what waited for a photo whose processing the block ends for good: it shows no badge that is known.

    In the same transaction, so that a process that dies leaves no series waiting. Locks the event's row.
    """
    known = session.get(Photo, photo_id)
    if known is None or not event_queries.uses_badges(session, known.event_id):
        yield
        return
    event = event_queries.lock_event(session, known.event_id)
    yield
    # The photo may have been deleted before the event was locked.
    photo = session.get(Photo, photo_id, populate_existing=True)
    if event is not None and event.badges and photo is not None:
        refresh(session, event, photo, [Place.of(photo)])


# --- what is given by badges ---------------------------------------------------------------------------


def refresh(session: Session, event: Event, photo: Photo, places: Iterable[Place | None]) -> None:
    """Give by badges what follows from a photo, and from the places it has and had. The event's row is locked."""
    if Place.of(photo) is None:
        own = guests_at(mark_queries.owners_at(session, photo.id))
        _apply(
            session, event, {Gift(photo.id, guest) for guest in own}, given_queries.given_of_photo(session, photo.id)
        )
    for place in {each for each in places if each is not None}:
        start, end = mark_queries.around(session, place.camera, place.at)
        _recompute(session, event, place.camera, Between(start, end))


def refresh_all(session: Session, event: Event, camera_id: int | None = None) -> None:
    """Give by badges anew in the whole event, or for one camera. The event's row is locked."""
    for camera in mark_queries.cameras_with_marks(session, event.id, camera_id):
        _recompute(session, event, camera, Between())


def _recompute(session: Session, event: Event, camera: Camera, when: Between) -> None:
    marks = mark_queries.marks_in(session, camera, when)
    known = given_queries.given_in(session, camera, when)
    if marks or known:
        _apply(session, event, _wanted(session, event, camera, when, marks), known)


def _wanted(session: Session, event: Event, camera: Camera, when: Between, marks: Sequence[Mark]) -> set[Gift]:
    if not marks:
        return set()
    shots = mark_queries.shots_in(session, camera, Between(min(mark.at for mark in marks), when.end))
    return set(gifts(marks, shots, event.badge_seconds))


def _apply(session: Session, event: Event, wanted: set[Gift], known: Sequence[given_queries.GivenRow]) -> None:
    """Let the badges give exactly `wanted` of the photos that `known` is about; what staff decided stays."""
    there = {Gift(row.photo_id, row.user_id): row for row in known}
    gone = {gift: row.id for gift, row in there.items() if row.given_by == BADGE and gift not in wanted}
    fresh = wanted - there.keys()
    given_queries.delete_given(session, [*gone.values()])
    given_queries.unhide(session, [*gone])
    given_queries.add_given(session, event.id, fresh, BADGE)
    withhold_new(session, {each.user_id for each in fresh}, event.id)


def follow_settings(session: Session, event: Event, changed: Collection[str]) -> None:
    """Give by badges anew when an admin has changed what decides it. The event's row is locked."""
    if event.badges and not {"badges", "badge_seconds"}.isdisjoint(changed):
        refresh_all(session, event)


def follow_clock(session: Session, event: Event, camera: CameraClock) -> None:
    """Move the marks of a camera whose clock was shifted, after its photos were. The event's row is locked."""
    now = utcnow()
    for mark in mark_queries.marks_of_camera(session, event.id, camera.id):
        if mark.recorded_at is not None:
            mark.taken_at = shifted(mark.recorded_at, camera.shift_seconds, now)
    session.flush()
    if event.badges:
        refresh_all(session, event, camera.id)


# --- the trash -----------------------------------------------------------------------------------------


def note_deleted(session: Session, photos: Sequence[Photo]) -> None:
    """Keep what series need of photos that are put into the trash, and what staff decided. Their rows are locked."""
    used = queries.have_used_badges(session, {each.event_id for each in photos})
    concerned = [each for each in photos if each.event_id in used]
    if concerned:
        mark_queries.note_gone(session, concerned)
        given_queries.keep_gifts(session, [each.id for each in concerned])


def note_restored(session: Session, photo: Photo, gifts_kept: Sequence[tuple[int, str]]) -> None:
    """Let what staff decided about a photo hold again; what badges give follows when it is processed."""
    mark_queries.forget_gone(session, photo.id)
    for user_id, given_by in gifts_kept:
        given_queries.add_given(session, photo.event_id, [Gift(photo.id, user_id)], given_by)


def hand_over(session: Session, old: int, new: int) -> None:
    """Give the badges and given photos of a guest's second account to the first. The events' rows are locked."""
    queries.hand_over_badges(session, old, new)
    given_queries.hand_over(session, old, new)
