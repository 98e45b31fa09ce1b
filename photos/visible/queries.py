"""SQL about who may see a photo: the conditions, and single photos by them.

What is withheld (`models.WithheldPhoto`) no guest sees, but the one who asked for it, and, of a photo that shows a
badge, the guests to whom it is given. Every statement that shows, counts or sends photos to guests uses these
conditions.

A photo is a guest's by a match (by similarity; or declared, where all guests see it), or because it is given
(`models.GivenPhoto`). Conditions take `given=False` where nothing is given, in events that never used badges: each
further condition costs 0.3 ms, and most calls of guests are about such events.
"""

from collections.abc import Sequence
from functools import cache, lru_cache

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    Event,
    EventCover,
    EventPhotographer,
    FaceMatch,
    GivenPhoto,
    Photo,
    User,
    UserEvent,
    WithheldPhoto,
)

BADGE = "badge"
# Guests whose conditions are kept: they ask again and again, and building a condition takes longer than its query.
# A condition holds the guest's id, and no data.
GUESTS = 512
# Made once: an alias of a mapped class costs more than the rest of these conditions.
_CHILD = User.__table__.alias("child")


@lru_cache(GUESTS)
def withheld_from(user_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Return the condition that the photo is withheld from this guest, if it is not given to them."""
    # Distinct from NULL too: of staff, or of a guest whose account is erased.
    others = WithheldPhoto.user_id.is_distinct_from(user_id)
    of_no_child = or_(WithheldPhoto.user_id.is_(None), WithheldPhoto.user_id.not_in(_children_of(user_id)))
    return exists().where(WithheldPhoto.photo_id == Photo.id, others, of_no_child).correlate_except(WithheldPhoto)


def _children_of(user_id: int | InstrumentedAttribute[int]) -> Select[int]:
    return select(_CHILD.c.id).where(_CHILD.c.guardian_id == user_id).correlate_except(_CHILD)


@lru_cache(GUESTS)
def shows_child_of(user_id: int) -> ColumnElement[bool]:
    """Return the condition that the photo shows, by similarity, a child whose profile the guest holds."""
    return (
        exists()
        .where(FaceMatch.photo_id == Photo.id, FaceMatch.declared.is_(False))
        .where(FaceMatch.user_id.in_(_children_of(user_id)))
        .correlate(Photo)
    )


@lru_cache(GUESTS)
def given_is_withheld_from(user_id: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Return the condition that the photo is withheld from this guest, to whom it is given: not for its badge."""
    others = WithheldPhoto.user_id.is_distinct_from(user_id)
    counts = (WithheldPhoto.photo_id == Photo.id, others, WithheldPhoto.reason != BADGE)
    return exists().where(*counts).correlate_except(WithheldPhoto)


@cache
def shows_badge() -> ColumnElement[bool]:
    """Return the condition that the photo is a picture of a badge: people without an account never see it."""
    return exists().where(WithheldPhoto.photo_id == Photo.id, WithheldPhoto.reason == BADGE).correlate(Photo)


def withheld() -> ColumnElement[bool]:
    """Return the condition that the photo is withheld from some guest."""
    return exists().where(WithheldPhoto.photo_id == Photo.id).correlate(Photo)


@cache
def shown_to_all() -> ColumnElement[bool]:
    """Return the condition that all guests see the photo: it is for everyone, the cover, or the event shows all.

    The photo may be withheld all the same. Built once: it is part of most lists of guests, and costs 0.1 ms.
    """
    all_shown = exists().where(Event.id == Photo.event_id, Event.guests_see_all_photos)
    cover = exists().where(EventCover.photo_id == Photo.id)
    return or_(Photo.for_everyone, *(each.correlate(Photo) for each in (all_shown, cover)))


@lru_cache(GUESTS)
def is_shown_as_mine(user_id: int) -> ColumnElement[bool]:
    """Return the condition that the match is by similarity, or declared in a photo that all guests see."""
    return and_(or_(FaceMatch.declared.is_(False), shown_to_all()), ~withheld_from(user_id))


@lru_cache(GUESTS)
def is_mine(user_id: int) -> ColumnElement[bool]:
    """Return the condition that the photo is the guest's by a match or given, and that the guest may see it.

    The ids come from the guest's own rows: a planner then looks up these photos alone.
    """
    matched = select(FaceMatch.photo_id).join(Photo, Photo.id == FaceMatch.photo_id)
    given = select(GivenPhoto.photo_id).join(Photo, Photo.id == GivenPhoto.photo_id)
    return Photo.id.in_(
        union_all(
            matched.where(FaceMatch.user_id == user_id, is_shown_as_mine(user_id)),
            given.where(GivenPhoto.user_id == user_id, GivenPhoto.shown, ~given_is_withheld_from(user_id)),
        )
    )


@lru_cache(GUESTS)
def shows(user_id: int, *, given: bool = True) -> ColumnElement[bool]:
    """Return the condition that the photo shows the guest by similarity, or is given to them."""
    matched = exists().where(
        FaceMatch.photo_id == Photo.id, FaceMatch.user_id == user_id, FaceMatch.declared.is_(False)
    )
    return or_(matched.correlate(Photo), is_given(user_id)) if given else matched.correlate(Photo)


@lru_cache(GUESTS)
def is_given(user_id: int) -> ColumnElement[bool]:
    """Return the condition that the photo is given to this guest without a face."""
    there = exists().where(GivenPhoto.photo_id == Photo.id, GivenPhoto.user_id == user_id, GivenPhoto.shown)
    return there.correlate(Photo)


@lru_cache(GUESTS)
def shown_to(user_id: int, *, given: bool = True) -> ColumnElement[bool]:
    """Return the condition that the photo is the guest's or shows their child, or that all guests see it.

    And that it is not withheld from the guest.
    """
    own = or_(shows(user_id, given=False), shown_to_all(), shows_child_of(user_id))
    shown = and_(own, ~withheld_from(user_id))
    return or_(shown, and_(is_given(user_id), ~given_is_withheld_from(user_id))) if given else shown


def _is(photo: int | str) -> ColumnElement[bool]:
    return Photo.id == photo if isinstance(photo, int) else Photo.filename == photo


def visible_to_admin(session: Session, photo: int | str) -> Photo | None:
    """Return a photo by its id or stored name; admins see all photos."""
    return session.scalar(select(Photo).where(_is(photo)))


def visible_to_photographer(session: Session, photo: int | str, user_id: int) -> Photo | None:
    """Return the photo if the photographer uploaded it or is assigned to its event."""
    assigned = exists().where(
        EventPhotographer.event_id == Photo.event_id, EventPhotographer.photographer_id == user_id
    )
    return session.scalar(select(Photo).where(_is(photo), or_(Photo.photographer_id == user_id, assigned)))


def visible_to_guest(session: Session, photo: int | str, user_id: int) -> Photo | None:
    """Return the photo if the guest is a member of its event and may see it."""
    member = exists().where(UserEvent.event_id == Photo.event_id, UserEvent.user_id == user_id)
    found = select(Photo).where(_is(photo), member)
    # Most photos are seen for other reasons: the second statement is for those that are given, and for refusals.
    return session.scalar(found.where(shown_to(user_id, given=False))) or session.scalar(
        found.where(is_given(user_id), ~given_is_withheld_from(user_id))
    )


def visible_among(session: Session, user_id: int, photo_ids: Sequence[int]) -> set[int]:
    """Return those of these photos, of events the guest is a member of, that the guest may see."""
    return set(session.scalars(select(Photo.id).where(Photo.id.in_(photo_ids), shown_to(user_id))))


def is_for_all_guests(session: Session, photo_id: int) -> bool:
    """Return whether all guests of its event see the photo."""
    return session.scalar(select(Photo.id).where(Photo.id == photo_id, shown_to_all(), ~withheld())) is not None


def is_withheld(session: Session, photo_id: int) -> bool:
    """Return whether the photo is withheld from any guest."""
    return (
        session.scalar(select(WithheldPhoto.photo_id).where(WithheldPhoto.photo_id == photo_id).limit(1)) is not None
    )


def may_be_asked_about(session: Session, user_id: int, photo_id: int) -> bool:
    """Return whether the photo is not withheld from this guest."""
    return session.scalar(select(Photo.id).where(Photo.id == photo_id, ~withheld_from(user_id))) is not None
