"""SQL about marks: which badges a camera's photos show, when, and which photos lie between two marks."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from models import PENDING, PROCESSING, Badge, BadgeMark, Photo, WithheldPhoto
from photos.badges.queries import UNSYNCHRONISED
from photos.badges.series import GONE, SEEN, SET, Mark, Shot
from photos.visible.queries import BADGE

# Photos that are read at a time: most series are shorter.
AT_ONCE = 200
NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera in the hands of one photographer of an event: whose photos make series."""

    event_id: int
    photographer_id: int
    camera_id: int

    @classmethod
    def of(cls, row: Photo | BadgeMark) -> Self | None:
        """Return the camera of a photo or a mark; None if it, the photographer or the time is not known."""
        if row.photographer_id is None or row.camera_id is None or row.taken_at is None:
            return None
        return cls(row.event_id, row.photographer_id, row.camera_id)

    def took(self, table: type[Photo | BadgeMark]) -> ColumnElement[bool]:
        """Return the condition that a photo or mark is this camera's."""
        return and_(
            table.event_id == self.event_id,
            table.photographer_id == self.photographer_id,
            table.camera_id == self.camera_id,
            table.taken_at.is_not(None),
        )


class Between(NamedTuple):
    """From a time on, and before another one; None: from the beginning, or to the end."""

    start: datetime | None = None
    end: datetime | None = None

    def has(self, column: Any) -> list[ColumnElement[bool]]:
        """Return the conditions that the time in the column lies there."""
        return [
            *([column >= self.start] if self.start is not None else []),
            *([column < self.end] if self.end is not None else []),
        ]


def marks_of_photo(session: Session, photo_id: int) -> Sequence[BadgeMark]:
    """Return the marks at a photo."""
    return session.scalars(select(BadgeMark).where(BadgeMark.photo_id == photo_id).order_by(BadgeMark.id)).all()


def owners_at(session: Session, photo_id: int) -> list[Mark]:
    """Return the marks at a photo with the guests whose badges they name; the time does not matter."""
    rows = session.execute(
        select(BadgeMark.photo_id, BadgeMark.kind, Badge.user_id)
        .outerjoin(Badge, Badge.id == BadgeMark.badge_id)
        .where(BadgeMark.photo_id == photo_id, BadgeMark.kind != GONE)
    )
    return [Mark(NO_TIME, *row) for row in rows]


def numbers_at(session: Session, photo_id: int, kind: str) -> list[str | None]:
    """Return the numbers of the badges that a photo's marks of one kind name; None for a badge of no guest here."""
    rows = session.execute(
        select(Badge.number)
        .select_from(BadgeMark)
        .outerjoin(Badge, Badge.id == BadgeMark.badge_id)
        .where(BadgeMark.photo_id == photo_id, BadgeMark.kind == kind)
        .order_by(Badge.number)
    )
    return [row[0] for row in rows]


def replace_marks(session: Session, photo: Photo, kind: str, badge_ids: Collection[int | None]) -> None:
    """Replace the marks of a kind at a photo, at the time of the photo."""
    session.execute(
        delete(BadgeMark).where(BadgeMark.photo_id == photo.id, BadgeMark.kind == kind),
        execution_options=UNSYNCHRONISED,
    )
    rows = [{**_place(photo), "kind": kind, "badge_id": badge_id} for badge_id in badge_ids]
    if rows:
        session.execute(insert(BadgeMark), rows)


def _place(photo: Photo) -> dict[str, Any]:
    names = ("event_id", "photographer_id", "camera_id", "recorded_at", "taken_at")
    return {"photo_id": photo.id, **{name: getattr(photo, name) for name in names}}


def move_marks(session: Session, photo: Photo) -> None:
    """Give the marks at a photo its time and camera."""
    here = update(BadgeMark).where(BadgeMark.photo_id == photo.id)
    session.execute(here.values(**_place(photo)), execution_options=UNSYNCHRONISED)


def around(session: Session, camera: Camera, at: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the times of the last mark before a time and of the first one after it."""
    marked = (camera.took(BadgeMark), BadgeMark.kind != GONE)
    before = select(func.max(BadgeMark.taken_at)).where(*marked, BadgeMark.taken_at < at).scalar_subquery()
    after = select(func.min(BadgeMark.taken_at)).where(*marked, BadgeMark.taken_at > at).scalar_subquery()
    found = session.execute(select(before, after)).one()
    return found[0], found[1]


def marks_in(session: Session, camera: Camera, when: Between) -> list[Mark]:
    """Return the marks of a camera in a time, with the guests whose badges they name."""
    rows = session.execute(
        select(BadgeMark.taken_at, BadgeMark.photo_id, BadgeMark.kind, Badge.user_id)
        .outerjoin(Badge, Badge.id == BadgeMark.badge_id)
        .where(camera.took(BadgeMark), BadgeMark.kind != GONE, *when.has(BadgeMark.taken_at))
    )
    return [Mark(at, photo_id, kind, user_id) for at, photo_id, kind, user_id in rows if at is not None]


def shots_in(session: Session, camera: Camera, when: Between) -> Iterator[Shot]:
    """Yield the photos of a camera in a time, rising, with those that are deleted; read a few at a time."""
    gone = session.execute(
        select(BadgeMark.taken_at)
        .where(camera.took(BadgeMark), BadgeMark.kind == GONE, *when.has(BadgeMark.taken_at))
        .order_by(BadgeMark.taken_at)
    ).scalars()
    deleted = [Shot(at, None, is_read=True) for at in gone if at is not None]
    yield from heapq.merge(_photos_in(session, camera, when), deleted, key=lambda shot: shot.at)


def _photos_in(session: Session, camera: Camera, when: Between) -> Iterator[Shot]:
    wanted = select(Photo.taken_at, Photo.id, Photo.status).where(camera.took(Photo), *when.has(Photo.taken_at))
    ordered, after = wanted.order_by(Photo.taken_at, Photo.id).limit(AT_ONCE), and_(True)
    while rows := session.execute(ordered.where(after)).all():
        for at, photo_id, status in rows:
            if at is not None:
                yield Shot(at, photo_id, status not in (PENDING, PROCESSING))
        last, last_id = rows[-1][0], rows[-1][1]
        after = or_(Photo.taken_at > last, and_(Photo.taken_at == last, Photo.id > last_id))


def cameras_with_marks(session: Session, event_id: int, camera_id: int | None = None) -> list[Camera]:
    """Return the cameras of an event, or of one number, that have marks."""
    columns = (BadgeMark.event_id, BadgeMark.photographer_id, BadgeMark.camera_id)
    known = (BadgeMark.photographer_id.is_not(None), BadgeMark.camera_id.is_not(None))
    found = select(*columns).where(BadgeMark.event_id == event_id, *known).distinct().order_by(*columns)
    if camera_id is not None:
        found = found.where(BadgeMark.camera_id == camera_id)
    return [
        Camera(event, photographer, camera)
        for event, photographer, camera in session.execute(found)
        if photographer is not None and camera is not None
    ]


def marks_of_camera(session: Session, event_id: int, camera_id: int) -> Sequence[BadgeMark]:
    """Return the marks of a camera, of all photographers who used it."""
    return session.scalars(
        select(BadgeMark).where(BadgeMark.event_id == event_id, BadgeMark.camera_id == camera_id)
    ).all()


def withhold_badge(session: Session, photo: Photo) -> None:
    """Withhold a photo that shows a badge from guests, unless staff set what it stands for; or show it again."""
    kinds = {each.kind for each in marks_of_photo(session, photo.id)}
    wanted = SEEN in kinds and SET not in kinds
    here = (WithheldPhoto.photo_id == photo.id, WithheldPhoto.reason == BADGE)
    held = bool(session.scalar(select(exists().where(*here))))
    if wanted and not held:
        session.add(WithheldPhoto(photo_id=photo.id, event_id=photo.event_id, reason=BADGE))
        session.flush()
    elif held and not wanted:
        session.execute(delete(WithheldPhoto).where(*here), execution_options=UNSYNCHRONISED)


def note_gone(session: Session, photos: Sequence[Photo]) -> None:
    """Let photos that are about to be deleted count between their neighbours."""
    rows = [{**_place(each), "kind": GONE, "badge_id": None} for each in photos if Camera.of(each) is not None]
    if rows:
        session.execute(insert(BadgeMark), rows)


def forget_gone(session: Session, photo_id: int) -> None:
    """Note that a photo is back."""
    gone = delete(BadgeMark).where(BadgeMark.photo_id == photo_id, BadgeMark.kind == GONE)
    session.execute(gone, execution_options=UNSYNCHRONISED)
