"""SQL about photos that are withheld from guests."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from models import (
    Event,
    FaceMatch,
    GivenPhoto,
    Photo,
    PhotoReport,
    Subscription,
    TrashedPhoto,
    TrashedWish,
    UserEvent,
    WithheldPhoto,
)

BY_GUEST, BY_STAFF, UNAPPROVED = "guest", "staff", "approval"
REPORTED = "reported"


class Withheld(NamedTuple):
    """A photo that is withheld, and since when; of several requests the first."""

    photo: Photo
    since: datetime


def set_wish(session: Session, user_id: int, event_id: int, *, hides: bool) -> None:
    """Note on the guest's membership whether others are to see the photos of them."""
    mine = update(UserEvent).where(UserEvent.user_id == user_id, UserEvent.event_id == event_id)
    session.execute(mine.values(hides_photos=hides))


def hides_in(session: Session, user_id: int) -> set[int]:
    """Return the events in which the guest hides the photos of them."""
    return set(
        session.scalars(select(UserEvent.event_id).where(UserEvent.user_id == user_id, UserEvent.hides_photos))
    )


def hides_any(session: Session, user_ids: Collection[int]) -> bool:
    """Return whether one of these guests hides the photos of them in some event."""
    wished = exists().where(UserEvent.user_id.in_(user_ids), UserEvent.hides_photos)
    return bool(session.scalar(select(wished)))


def withhold_photos_of(session: Session, user_ids: Collection[int], event_id: int) -> int:
    """Withhold from others the event's photos that show these guests, of those who wish so.

    Those that show them by similarity, or that are given to them.

    Returns how many were not withheld for them before.
    """
    found = {
        (photo, user)
        for table, counts in ((FaceMatch, FaceMatch.declared.is_(False)), (GivenPhoto, GivenPhoto.shown))
        for photo, user in session.execute(_to_withhold(table, user_ids, event_id).where(counts))
    }
    rows = [
        {"photo_id": photo, "event_id": event_id, "user_id": user, "reason": BY_GUEST}
        for photo, user in sorted(found)
    ]
    if rows:
        session.execute(insert(WithheldPhoto), rows)
    return len(rows)


def _to_withhold(
    table: type[FaceMatch | GivenPhoto], user_ids: Collection[int], event_id: int
) -> Select[*tuple[Any, ...]]:
    """Select photo and guest of a table's rows about guests who hide them and have not hidden this photo."""
    there = exists().where(WithheldPhoto.photo_id == Photo.id, WithheldPhoto.user_id == table.user_id)
    wished = and_(UserEvent.user_id == table.user_id, UserEvent.event_id == event_id, UserEvent.hides_photos)
    return (
        select(Photo.id, table.user_id)
        .select_from(table)
        .join(Photo, Photo.id == table.photo_id)
        .join(UserEvent, wished)
        .where(table.user_id.in_(user_ids), Photo.event_id == event_id, ~there.correlate(Photo, table))
    )


def show_photos_of(session: Session, user_id: int, event_id: int) -> None:
    """Withdraw the guest's request for all photos of an event, also for those in the trash."""
    mine = WithheldPhoto.user_id == user_id
    session.execute(delete(WithheldPhoto).where(mine, WithheldPhoto.event_id == event_id))
    there = select(TrashedPhoto.id).where(TrashedPhoto.event_id == event_id)
    wished = TrashedWish.user_id == user_id, TrashedWish.trashed_id.in_(there)
    session.execute(delete(TrashedWish).where(*wished))


def show_photo_of(session: Session, user_id: int, photo_id: int) -> None:
    """Withdraw the guest's request for one photo."""
    mine = WithheldPhoto.user_id == user_id
    session.execute(delete(WithheldPhoto).where(mine, WithheldPhoto.photo_id == photo_id))


def withhold(session: Session, photo_ids: Collection[int], event_id: int, reason: str) -> int:
    """Withhold photos of an event from guests for this reason of staff; return how many were not before."""
    there = exists().where(WithheldPhoto.photo_id == Photo.id, WithheldPhoto.reason == reason).correlate(Photo)
    wanted = select(Photo.id).where(Photo.id.in_(photo_ids), Photo.event_id == event_id, ~there)
    rows = [{"photo_id": each, "event_id": event_id, "reason": reason} for each in session.scalars(wanted)]
    if rows:
        session.execute(insert(WithheldPhoto), rows)
    return len(rows)


def release(session: Session, event_id: int, reason: str, photo_ids: Collection[int] | None = None) -> int:
    """Undo what staff withheld for this reason, of these photos or of all; return how many."""
    gone = delete(WithheldPhoto).where(WithheldPhoto.event_id == event_id, WithheldPhoto.reason == reason)
    if photo_ids is not None:
        gone = gone.where(WithheldPhoto.photo_id.in_(photo_ids))
    return len(session.scalars(gone.returning(WithheldPhoto.id)).all())


def withhold_until_approved(session: Session, photo: Photo) -> None:
    """Withhold a photo that has just been stored, where its event's photos need an approval."""
    if session.scalar(select(Event.photos_need_approval).where(Event.id == photo.event_id)):
        session.add(WithheldPhoto(photo_id=photo.id, event_id=photo.event_id, reason=UNAPPROVED))
        session.flush()


def look_for_news(session: Session, event_id: int) -> None:
    """Have the event's subscriptions compare all matches again: photos that were withheld may be news now."""
    session.execute(
        update(Subscription).where(Subscription.event_id == event_id).values(seen_match_id=0, seen_given_id=0)
    )


def withheld_in(session: Session, event_id: int, reason: str, limit: int) -> list[Withheld]:
    """Return photos of the event that are withheld for this reason, the oldest request first."""
    since = func.min(WithheldPhoto.created_at).label("since")
    requests = (
        select(WithheldPhoto.photo_id, since)
        .where(WithheldPhoto.event_id == event_id, WithheldPhoto.reason == reason)
        .group_by(WithheldPhoto.photo_id)
        .order_by(since, WithheldPhoto.photo_id)
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(Photo, requests.c.since)
        .join(requests, requests.c.photo_id == Photo.id)
        .order_by(requests.c.since, Photo.id)
    )
    return [Withheld(*row) for row in rows]


def counts(session: Session, event_id: int) -> dict[str, int]:
    """Return how many photos of the event are withheld, by reason."""
    rows = session.execute(
        select(WithheldPhoto.reason, func.count(WithheldPhoto.photo_id.distinct()))
        .where(WithheldPhoto.event_id == event_id)
        .group_by(WithheldPhoto.reason)
    )
    return dict(iter(rows.all()))


def marks_of(session: Session, photo_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the reasons for which each of these photos is withheld, and `reported` where a report is open."""
    held = select(WithheldPhoto.photo_id, WithheldPhoto.reason).where(WithheldPhoto.photo_id.in_(photo_ids))
    reported = select(PhotoReport.photo_id, literal(REPORTED)).where(
        PhotoReport.photo_id.in_(photo_ids), PhotoReport.status == "open"
    )
    found = defaultdict[int, list[str]](list)
    for photo_id, mark in sorted(session.execute(held.union(reported)).all()):
        found[photo_id].append(mark)
    return dict(found)
