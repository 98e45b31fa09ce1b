"""SQL about photos as guests see them: lists, counts, favourites and originals to download."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from models import (
    DONE,
    FAILED,
    Event,
    Face,
    FaceMatch,
    Favourite,
    GuestCopy,
    Photo,
)
from photos.copies.queries import is_of
from photos.ordering import Page as Page
from photos.ordering import parts
from photos.visible.queries import is_given, is_mine, is_shown_as_mine, shown_to, shows, withheld_from


class PhotoRow(NamedTuple):
    """A photo in a list: for a guest with score and box, for a photographer with the number of faces.

    `confidence_score` is the cosine similarity times 100; `face_box` is (x, y, width, height) in px of the photo.
    Both are None where the photo does not show the guest.
    """

    photo: Photo
    confidence_score: float | None
    face_box: list[float] | None
    face_count: int | None
    is_favourite: bool
    event_name: str
    # Given to the guest, who is not in it by a match.
    is_given: bool


class Original(NamedTuple):
    """A photo whose original a guest downloads, and its copy; None if that is not planned yet."""

    photo: Photo
    copy: GuestCopy | None


def rows_of(session: Session, statement: Select[*tuple[Any, ...]], page: Page) -> list[PhotoRow]:
    """Return one page of the photos that a statement selects, with what belongs to each."""
    rows: list[PhotoRow] = []
    for part in parts(statement, page):
        left = page.limit - len(rows) if page.limit is not None else None
        if left == 0:
            break
        rows += [PhotoRow(*row) for row in session.execute(part.limit(left))]
    return rows


def _gives(session: Session, event_id: int) -> bool:
    """Return whether photos may be given to guests of the event; the event is mostly in the session already."""
    event = session.get(Event, event_id)
    return event is not None and event.badges_used


def _for_guest(user_id: int, event_id: int, *, given: bool, mine_only: bool = False) -> Select[*tuple[Any, ...]]:
    """Select the event's photos with the guest's score and face box where the guest is in them.

    `given`: photos may be given to guests of the event.
    """
    # "+ 0" keeps the planner from the event's index: by it, one page would read all photos of the event.
    in_event = Photo.event_id + 0 == event_id if mine_only else Photo.event_id == event_id
    # Does not depend on the photo, so it is looked up once for the whole list.
    name = select(Event.name).where(Event.id == event_id).scalar_subquery()
    is_match = and_(FaceMatch.photo_id == Photo.id, FaceMatch.user_id == user_id)
    statement = (
        select(
            Photo,
            FaceMatch.confidence_score,
            Face.box,
            literal(None),
            Favourite.photo_id.is_not(None),
            name,
            and_(FaceMatch.photo_id.is_(None), is_given(user_id)) if given else false(),
        )
        .join(FaceMatch, is_match, isouter=given or not mine_only)
        .outerjoin(Face, Face.id == FaceMatch.face_id)
        .outerjoin(Favourite, and_(Favourite.photo_id == Photo.id, Favourite.user_id == user_id))
        .where(in_event)
    )
    if not mine_only:
        return statement
    return statement.where(is_mine(user_id) if given else is_shown_as_mine(user_id))


def with_guest(session: Session, user_id: int, event_id: int, page: Page) -> Sequence[PhotoRow]:
    """Return the event's photos that are the guest's."""
    given = _gives(session, event_id)
    return rows_of(session, _for_guest(user_id, event_id, given=given, mine_only=True), page)


def _count_with_guest(user_id: int, event_id: int, *, given: bool) -> Select[int]:
    if given:
        return select(func.count()).select_from(Photo).where(Photo.event_id + 0 == event_id, is_mine(user_id))
    return (
        select(func.count())
        .select_from(FaceMatch)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .where(FaceMatch.user_id == user_id, Photo.event_id == event_id, is_shown_as_mine(user_id))
    )


def count_with_guest(session: Session, user_id: int, event_id: int) -> int:
    """Return how many photos of the event are the guest's."""
    return session.scalar(_count_with_guest(user_id, event_id, given=_gives(session, event_id))) or 0


def _with_others(others: Sequence[int], *, given: bool) -> list[ColumnElement[bool]]:
    """Return the conditions that these guests are in the photo: by similarity, or as it is given to them."""
    return [shows(each, given=given) for each in others]


def with_all(session: Session, user_id: int, others: Sequence[int], event_id: int, page: Page) -> Sequence[PhotoRow]:
    """Return the event's photos that show the guest and all the others."""
    given = _gives(session, event_id)
    statement = _for_guest(user_id, event_id, given=given, mine_only=True).where(*_with_others(others, given=given))
    return rows_of(session, statement, page)


def count_with_all(session: Session, user_id: int, others: Sequence[int], event_id: int) -> int:
    """Return how many photos of the event show the guest and all the others."""
    given = _gives(session, event_id)
    wanted = _count_with_guest(user_id, event_id, given=given).where(*_with_others(others, given=given))
    return session.scalar(wanted) or 0


def _with_child(guardian_id: int, child_id: int) -> list[ColumnElement[bool]]:
    return [shows(child_id, given=False), ~withheld_from(guardian_id)]


def with_child(session: Session, guardian_id: int, child_id: int, event_id: int, page: Page) -> Sequence[PhotoRow]:
    """Return the event's photos that show a child, as the guest sees them who holds its profile."""
    statement = _for_guest(guardian_id, event_id, given=_gives(session, event_id))
    return rows_of(session, statement.where(*_with_child(guardian_id, child_id)), page)


def count_with_child(session: Session, guardian_id: int, child_id: int, event_id: int) -> int:
    """Return how many photos of the event show a child."""
    found = select(func.count()).select_from(Photo).where(Photo.event_id == event_id)
    return session.scalar(found.where(*_with_child(guardian_id, child_id))) or 0


def _for_all_guests(user_id: int, event: Event) -> ColumnElement[bool]:
    """Return the condition that the event shows the photo to this guest as to all: every photo, or those marked."""
    in_event = and_(Photo.event_id == event.id, ~withheld_from(user_id))
    return in_event if event.guests_see_all_photos else and_(in_event, Photo.for_everyone)


def for_all_guests(session: Session, user_id: int, event: Event, page: Page) -> Sequence[PhotoRow]:
    """Return the photos that the event shows to all its guests, with this guest's score and face box where found."""
    return rows_of(
        session, _for_guest(user_id, event.id, given=event.badges_used).where(_for_all_guests(user_id, event)), page
    )


def _count_for_all_guests(user_id: int, event: Event) -> Select[int]:
    return select(func.count()).select_from(Photo).where(_for_all_guests(user_id, event))


def count_for_all_guests(session: Session, user_id: int, event: Event) -> int:
    """Return how many photos the event shows to all its guests."""
    return session.scalar(_count_for_all_guests(user_id, event)) or 0


def count_for_guest(session: Session, user_id: int, event_id: int) -> int:
    """Return how many photos the event has, without those withheld from this guest."""
    wanted = select(func.count()).select_from(Photo).where(Photo.event_id == event_id, ~withheld_from(user_id))
    return session.scalar(wanted) or 0


def taken_between(session: Session, event_id: int) -> tuple[datetime, datetime] | None:
    """Return when the first and the last photo of the event were taken; None if no photo says so."""
    dated = select(Photo.taken_at).where(Photo.event_id == event_id, Photo.taken_at.is_not(None))
    orders = (Photo.taken_at.asc(), Photo.taken_at.desc())
    first, last = (dated.order_by(each).limit(1).scalar_subquery() for each in orders)
    found = session.execute(select(first, last)).one()
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def seen_of_event(session: Session, user_id: int, event_id: int, photo_ids: Sequence[int]) -> Sequence[PhotoRow]:
    """Return those of these photos of the event that the guest may see, newest first."""
    given = _gives(session, event_id)
    seen = (Photo.id.in_(photo_ids), shown_to(user_id, given=given))
    statement = _for_guest(user_id, event_id, given=given).where(*seen)
    return rows_of(session, statement, Page())


# --- favourites and progress -----------------------------------------------------------------------


def favourites(session: Session, user_id: int, event_id: int, page: Page) -> Sequence[PhotoRow]:
    """Return the guest's favourites in the event that the guest may still see."""
    given = _gives(session, event_id)
    seen = (Favourite.photo_id.is_not(None), shown_to(user_id, given=given))
    statement = _for_guest(user_id, event_id, given=given).where(*seen)
    return rows_of(session, statement, page)


def _count_favourites(user_id: int, event_id: int, *, given: bool) -> Select[int]:
    return (
        select(func.count())
        .select_from(Favourite)
        .join(Photo, Photo.id == Favourite.photo_id)
        .where(Favourite.user_id == user_id, Photo.event_id == event_id, shown_to(user_id, given=given))
    )


def count_favourites(session: Session, user_id: int, event_id: int) -> int:
    """Return how many of the guest's favourites in the event the guest may still see."""
    return session.scalar(_count_favourites(user_id, event_id, given=_gives(session, event_id))) or 0


def add_favourite(session: Session, user_id: int, photo_id: int) -> None:
    """Make the photo a favourite of the guest's, if it is not one yet."""
    if session.get(Favourite, (user_id, photo_id)) is None:
        session.add(Favourite(user_id=user_id, photo_id=photo_id))
        session.flush()


def delete_favourite(session: Session, user_id: int, photo_id: int) -> None:
    """Remove the photo from the guest's favourites."""
    session.execute(delete(Favourite).where(Favourite.user_id == user_id, Favourite.photo_id == photo_id))


Which = Literal["mine", "favourites", "all"]


def originals(session: Session, user_id: int, event: Event, which: Which) -> Sequence[Original]:
    """Return the originals that a guest downloads from an event, oldest first.

    `mine`: the guest's own; `favourites`: those that the guest may still see; `all`: those that the event
    shows to all its guests.
    """
    statement = _originals(event)
    if which == "mine":
        statement = statement.where(is_mine(user_id))
    elif which == "favourites":
        statement = statement.join(Favourite, Favourite.photo_id == Photo.id).where(
            Favourite.user_id == user_id, shown_to(user_id)
        )
    else:
        statement = statement.where(_for_all_guests(user_id, event))
    return [Original(*row) for row in session.execute(statement)]


def originals_among(session: Session, user_id: int, event: Event, photo_ids: Sequence[int]) -> Sequence[Original]:
    """Return the originals of those of these photos of the event that the guest may see, oldest first."""
    statement = _originals(event).where(Photo.id.in_(photo_ids), shown_to(user_id))
    return [Original(*row) for row in session.execute(statement)]


def _originals(event: Event) -> Select[*tuple[Any, ...]]:
    statement = select(Photo, GuestCopy).outerjoin(GuestCopy, is_of(event.keep_capture_details))
    return statement.where(Photo.event_id == event.id).order_by(Photo.uploaded_at, Photo.id)


def standing(session: Session, user_id: int, event: Event) -> Row[int, int, int, int, int, datetime | None]:
    """Return, in one statement, the fields of `photos.progress.Standing` in their order."""
    in_event = and_(Photo.event_id == event.id, ~withheld_from(user_id))
    photos = select(func.count()).select_from(Photo).where(in_event)
    last = select(Photo.uploaded_at).where(in_event).order_by(Photo.uploaded_at.desc()).limit(1)
    return session.execute(
        select(
            photos.scalar_subquery(),
            photos.where(Photo.status.in_((DONE, FAILED))).scalar_subquery(),
            _count_with_guest(user_id, event.id, given=event.badges_used).scalar_subquery(),
            _count_favourites(user_id, event.id, given=event.badges_used).scalar_subquery(),
            _count_for_all_guests(user_id, event).scalar_subquery(),
            last.scalar_subquery(),
        )
    ).one()
