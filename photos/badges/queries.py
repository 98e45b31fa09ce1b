"""SQL about badges, the marks of series, and photos that are given without a face."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from models import (
    PENDING,
    PROCESSING,
    Badge,
    BadgeMark,
    Event,
    FaceMatch,
    GivenPhoto,
    Photo,
    Refusal,
    TrashedGift,
    TrashedPhoto,
    UserEvent,
    WithheldPhoto,
)
from photos.badges.series import GONE, SEEN, SET, Gift, Mark, Shot

BADGE, HAND, TAKEN = "badge", "hand", "taken"
# Photos that are read at a time: most series are shorter.
AT_ONCE = 200
NO_TIME = datetime.min.replace(tzinfo=UTC)
UNSYNCHRONISED = {"synchronize_session": False}


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


class GivenRow(NamedTuple):
    """What is known of a photo and a guest."""

    id: int
    photo_id: int
    user_id: int
    given_by: str


# --- badges ----------------------------------------------------------------------------------------


def badge_of(session: Session, user_id: int, event_id: int) -> Badge | None:
    """Return the guest's first badge in the event."""
    own = select(Badge).where(Badge.user_id == user_id, Badge.event_id == event_id)
    return session.scalar(own.order_by(Badge.id).limit(1))


def add_badge(session: Session, user_id: int, event_id: int, number: str) -> Badge:
    """Insert a badge."""
    badge = Badge(user_id=user_id, event_id=event_id, number=number)
    session.add(badge)
    session.flush()
    return badge


def by_numbers(session: Session, event_id: int, numbers: Collection[str]) -> Sequence[Badge]:
    """Return the event's badges with these numbers."""
    return session.scalars(select(Badge).where(Badge.event_id == event_id, Badge.number.in_(numbers))).all()


def hand_over_badges(session: Session, old: int, new: int) -> None:
    """Give the badges of one account to another one, in the events that the other one is in."""
    joined = select(UserEvent.event_id).where(UserEvent.user_id == new)
    session.execute(
        update(Badge).where(Badge.user_id == old, Badge.event_id.in_(joined)).values(user_id=new),
        execution_options=UNSYNCHRONISED,
    )
    known = select(GivenPhoto.photo_id).where(GivenPhoto.user_id == new)
    session.execute(
        update(GivenPhoto)
        .where(GivenPhoto.user_id == old, GivenPhoto.event_id.in_(joined), GivenPhoto.photo_id.not_in(known))
        .values(user_id=new),
        execution_options=UNSYNCHRONISED,
    )


def has_any(session: Session, event_id: int) -> bool:
    """Return whether the event has a badge or a mark."""
    there = (exists().where(table.event_id == event_id) for table in (Badge, BadgeMark))
    return bool(session.scalar(select(or_(*there))))


def delete_of_event(session: Session, event_id: int) -> None:
    """Delete the badges of an event and what series followed from: its photos are erased."""
    session.execute(delete(BadgeMark).where(BadgeMark.event_id == event_id), execution_options=UNSYNCHRONISED)
    session.execute(delete(Badge).where(Badge.event_id == event_id), execution_options=UNSYNCHRONISED)


# --- marks -----------------------------------------------------------------------------------------


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
        yield from (
            Shot(at, photo_id, status not in (PENDING, PROCESSING)) for at, photo_id, status in rows if at is not None
        )
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
    """Return the marks of a camera, whoever held it."""
    return session.scalars(
        select(BadgeMark).where(BadgeMark.event_id == event_id, BadgeMark.camera_id == camera_id)
    ).all()


def have_used_badges(session: Session, event_ids: Collection[int]) -> set[int]:
    """Return those of these events that use badges, or have used them."""
    return set(session.scalars(select(Event.id).where(Event.id.in_(event_ids), Event.badges_used)))


# --- given photos ----------------------------------------------------------------------------------


def given_in(session: Session, camera: Camera, when: Between) -> list[GivenRow]:
    """Return what is known of guests and the photos of a camera in a time."""
    joined = select(GivenPhoto.id, GivenPhoto.photo_id, GivenPhoto.user_id, GivenPhoto.given_by).join(
        Photo, Photo.id == GivenPhoto.photo_id
    )
    rows = session.execute(joined.where(camera.took(Photo), *when.has(Photo.taken_at)))
    return [GivenRow(*row) for row in rows]


def given_of_photo(session: Session, photo_id: int) -> list[GivenRow]:
    """Return what is known of guests and a photo."""
    columns = (GivenPhoto.id, GivenPhoto.photo_id, GivenPhoto.user_id, GivenPhoto.given_by)
    return [GivenRow(*row) for row in session.execute(select(*columns).where(GivenPhoto.photo_id == photo_id))]


def given(session: Session, user_id: int, photo_id: int) -> GivenPhoto | None:
    """Return what is known of a guest and a photo."""
    return session.scalar(select(GivenPhoto).where(GivenPhoto.user_id == user_id, GivenPhoto.photo_id == photo_id))


def is_given(session: Session, user_id: int, photo_id: int) -> bool:
    """Return whether the photo is given to the guest, and nobody has said no."""
    there = exists().where(GivenPhoto.user_id == user_id, GivenPhoto.photo_id == photo_id, GivenPhoto.shown)
    return bool(session.scalar(select(there)))


def delete_given(session: Session, ids: Sequence[int]) -> None:
    """Delete these rows."""
    if ids:
        session.execute(delete(GivenPhoto).where(GivenPhoto.id.in_(ids)), execution_options=UNSYNCHRONISED)


def add_given(session: Session, event_id: int, wanted: Collection[Gift], given_by: str) -> None:
    """Give these photos to guests who are members of the event; a guest who has refused one does not see it."""
    guests = {each.user_id for each in wanted}
    members = select(UserEvent.user_id).where(UserEvent.event_id == event_id, UserEvent.user_id.in_(guests))
    there = set(session.scalars(members))
    refused = {
        Gift(photo_id, user_id)
        for user_id, photo_id in session.execute(
            select(Refusal.user_id, Refusal.photo_id).where(Refusal.user_id.in_(guests))
        )
    }
    rows = [
        {
            "user_id": each.user_id,
            "event_id": event_id,
            "photo_id": each.photo_id,
            "given_by": given_by,
            "shown": given_by != TAKEN and each not in refused,
        }
        for each in sorted(wanted)
        if each.user_id in there
    ]
    if rows:
        session.execute(insert(GivenPhoto), rows)


def follow_refusal(session: Session, user_id: int, photo_id: int, *, refused: bool) -> None:
    """Show the guest a photo that was given to them no more, or again."""
    mine = (GivenPhoto.user_id == user_id, GivenPhoto.photo_id == photo_id, GivenPhoto.given_by != TAKEN)
    session.execute(update(GivenPhoto).where(*mine).values(shown=not refused), execution_options=UNSYNCHRONISED)


class PhotoGuest(NamedTuple):
    """A guest a photo is given to, by the number of the guest's badge."""

    number: str
    is_by_hand: bool


def guests_of(session: Session, photo_id: int) -> list[PhotoGuest]:
    """Return the badges of the guests to whom a photo is given, of each guest the first one."""
    first = (
        select(func.min(Badge.id))
        .where(Badge.user_id == GivenPhoto.user_id, Badge.event_id == GivenPhoto.event_id)
        .correlate(GivenPhoto)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Badge.number, GivenPhoto.given_by == HAND)
        .join(Badge, Badge.id == first)
        .where(GivenPhoto.photo_id == photo_id, GivenPhoto.shown)
        .order_by(GivenPhoto.id)
    )
    return [PhotoGuest(*row) for row in rows]


def numbers_at(session: Session, photo_id: int, kind: str) -> list[str | None]:
    """Return the numbers of the badges that the marks of a kind at a photo name; None for nobody's."""
    rows = session.execute(
        select(Badge.number)
        .select_from(BadgeMark)
        .outerjoin(Badge, Badge.id == BadgeMark.badge_id)
        .where(BadgeMark.photo_id == photo_id, BadgeMark.kind == kind)
        .order_by(Badge.number)
    )
    return [row[0] for row in rows]


def unhide(session: Session, gifts: Collection[Gift]) -> None:
    """Withdraw the requests to hide of guests who are not in these photos after all, nor by their faces."""
    for each in gifts:
        matched = exists().where(
            FaceMatch.user_id == each.user_id, FaceMatch.photo_id == each.photo_id, FaceMatch.declared.is_(False)
        )
        session.execute(
            delete(WithheldPhoto).where(
                WithheldPhoto.user_id == each.user_id, WithheldPhoto.photo_id == each.photo_id, ~matched
            ),
            execution_options=UNSYNCHRONISED,
        )


# --- pictures of badges, and the trash ---------------------------------------------------------------


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


def keep_gifts(session: Session, photo_ids: Sequence[int]) -> None:
    """Keep what staff decided by hand about photos that are now in the trash."""
    rows = session.execute(
        select(TrashedPhoto.id, GivenPhoto.user_id, GivenPhoto.event_id, GivenPhoto.given_by)
        .join(TrashedPhoto, TrashedPhoto.photo_id == GivenPhoto.photo_id)
        .where(GivenPhoto.photo_id.in_(photo_ids), GivenPhoto.given_by != BADGE)
    )
    kept = [dict(zip(("trashed_id", "user_id", "event_id", "given_by"), row, strict=True)) for row in rows]
    if kept:
        session.execute(insert(TrashedGift), kept)


def kept_gifts(session: Session, trashed_id: int) -> list[tuple[int, str]]:
    """Return the guests, and what staff decided by hand about them and a photo in the trash."""
    rows = session.execute(
        select(TrashedGift.user_id, TrashedGift.given_by).where(TrashedGift.trashed_id == trashed_id)
    )
    return [(user_id, given_by) for user_id, given_by in rows]
