"""SQL about reports of photos."""

from collections.abc import Sequence

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from models import Event, Photo, PhotoReport, utcnow

OPEN, KEPT, HIDDEN, DELETED = "open", "kept", "hidden", "deleted"


def forget_reporter(session: Session, user_id: int) -> None:
    """Delete what the guest wrote in reports; what was reported stays."""
    session.execute(update(PhotoReport).where(PhotoReport.user_id == user_id).values(text=None))


def open_of(session: Session, user_id: int, photo_id: int) -> PhotoReport | None:
    """Return the guest's report of a photo that is not decided yet."""
    mine = select(PhotoReport).where(PhotoReport.user_id == user_id, PhotoReport.photo_id == photo_id)
    return session.scalar(mine.where(PhotoReport.status == OPEN))


def of_guest(session: Session, user_id: int) -> Sequence[PhotoReport]:
    """Return the guest's reports, newest first."""
    return session.scalars(
        select(PhotoReport).where(PhotoReport.user_id == user_id).order_by(PhotoReport.id.desc())
    ).all()


def with_photos_of(session: Session, user_id: int) -> Sequence[Row[PhotoReport, Event, Photo | None]]:
    """Return the guest's reports with event and photo, newest first."""
    return session.execute(
        select(PhotoReport, Event, Photo)
        .join(Event, Event.id == PhotoReport.event_id)
        .outerjoin(Photo, Photo.id == PhotoReport.photo_id)
        .where(PhotoReport.user_id == user_id)
        .order_by(PhotoReport.id.desc())
    ).all()


def open_in(session: Session, event_id: int, limit: int) -> Sequence[Row[PhotoReport, Photo]]:
    """Return the event's open reports with their photos, oldest first."""
    return session.execute(
        select(PhotoReport, Photo)
        .join(Photo, Photo.id == PhotoReport.photo_id)
        .where(PhotoReport.event_id == event_id, PhotoReport.status == OPEN)
        .order_by(PhotoReport.id)
        .limit(limit)
    ).all()


def count_open(session: Session, event_id: int) -> int:
    """Return how many reports of the event are open."""
    return (
        session.scalar(
            select(func.count())
            .select_from(PhotoReport)
            .where(PhotoReport.event_id == event_id, PhotoReport.status == OPEN)
        )
        or 0
    )


def events_with_open(session: Session) -> Sequence[Row[Event, int]]:
    """Return the events with open reports, and how many each has, those with the oldest report first."""
    return session.execute(
        select(Event, func.count())
        .join(PhotoReport, PhotoReport.event_id == Event.id)
        .where(PhotoReport.status == OPEN)
        .group_by(Event.id)
        .order_by(func.min(PhotoReport.id))
    ).all()


def report(session: Session, event_id: int, report_id: int) -> PhotoReport | None:
    """Return a report of the event."""
    return session.scalar(select(PhotoReport).where(PhotoReport.id == report_id, PhotoReport.event_id == event_id))


def lock_report(session: Session, event_id: int, report_id: int) -> PhotoReport | None:
    """Return a report of the event, locked."""
    wanted = select(PhotoReport).where(PhotoReport.id == report_id, PhotoReport.event_id == event_id)
    return session.scalar(wanted.with_for_update())


def decide(session: Session, photo_ids: Sequence[int], status: str) -> None:
    """End all open reports of these photos with this decision."""
    about = update(PhotoReport).where(PhotoReport.photo_id.in_(photo_ids), PhotoReport.status == OPEN)
    session.execute(about.values(status=status, decided_at=utcnow()))
