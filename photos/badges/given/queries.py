"""SQL about photos that are given to guests without a face."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from models import Badge, FaceMatch, GivenPhoto, Photo, Refusal, TrashedGift, TrashedPhoto, UserEvent, WithheldPhoto
from photos.badges.marks.queries import Between, Camera
from photos.badges.queries import UNSYNCHRONISED
from photos.badges.series import Gift

BADGE, HAND, TAKEN = "badge", "hand", "taken"


class GivenRow(NamedTuple):
    """What is known of a photo and a guest."""

    id: int
    photo_id: int
    user_id: int
    given_by: str


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


def hand_over(session: Session, old: int, new: int) -> None:
    """Give the photos that are given to one account to another one, in the events that the other one is in."""
    joined = select(UserEvent.event_id).where(UserEvent.user_id == new)
    known = select(GivenPhoto.photo_id).where(GivenPhoto.user_id == new)
    session.execute(
        update(GivenPhoto)
        .where(GivenPhoto.user_id == old, GivenPhoto.event_id.in_(joined), GivenPhoto.photo_id.not_in(known))
        .values(user_id=new),
        execution_options=UNSYNCHRONISED,
    )


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
