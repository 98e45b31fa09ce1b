"""SQL of the audit about data that is past its date. Each statement returns the keys of at most `LIMIT` rows."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models import (
    DONE,
    FAILED,
    Badge,
    BadgeMark,
    Base,
    Consent,
    ErasureReceipt,
    Evaluation,
    Event,
    Face,
    LoginLink,
    Mail,
    PasswordReset,
    Photo,
    PhotoChoice,
    PhotoLink,
    Sample,
    SelfieEmbedding,
    Subscription,
    TrashedPhoto,
    UserSession,
)
from privacy.queries import keys_of


def expired_sessions(session: Session, before: datetime) -> list[str]:
    """Return how many sessions expired before a time, as text; their ids open nothing, but are kept secret."""
    return _counted(session, UserSession.expires_at < before, UserSession)


def expired_resets(session: Session, before: datetime) -> list[str]:
    """Return the ids of links that reset passwords and expired before a time."""
    return keys_of(session, select(PasswordReset.id).where(PasswordReset.expires_at < before))


def expired_login_links(session: Session, before: datetime, but: str) -> list[str]:
    """Return the ids of links that log in and expired before a time, those of the kind `but` left out."""
    over = (LoginLink.expires_at < before, LoginLink.purpose != but)
    return keys_of(session, select(LoginLink.id).where(*over))


def failed_mails(session: Session, before: datetime) -> list[str]:
    """Return the ids of mails that failed before a time."""
    return keys_of(session, select(Mail.id).where(Mail.status == FAILED, Mail.finished_at < before))


def old_evaluations(session: Session, before: datetime) -> list[str]:
    """Return the ids of evaluations that ended before a time."""
    over = (Evaluation.status.in_((DONE, FAILED)), Evaluation.finished_at < before)
    return keys_of(session, select(Evaluation.id).where(*over))


def expired_photo_links(session: Session, before: datetime) -> list[str]:
    """Return the ids of links to photos that expired before a time."""
    return keys_of(session, select(PhotoLink.id).where(PhotoLink.expires_at < before))


def faces_after_the_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of faces of events that compare faces no longer since before a time."""
    over = select(Event.id).where(Event.faces_ended_at < before)
    return keys_of(session, select(Face.id).where(Face.event_id.in_(over)))


def embeddings_after_the_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of selfies' embeddings in events that compare faces no longer since before a time."""
    over = select(Event.id).where(Event.faces_ended_at < before)
    return keys_of(session, select(SelfieEmbedding.id).where(SelfieEmbedding.event_id.in_(over)))


def photos_after_the_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of photos of events whose photos have been erased since before a time."""
    over = select(Event.id).where(Event.photos_ended_at < before)
    return keys_of(session, select(Photo.id).where(Photo.event_id.in_(over)))


def badges_after_the_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of badges of events whose photos have been erased since before a time."""
    over = select(Event.id).where(Event.photos_ended_at < before)
    return keys_of(session, select(Badge.id).where(Badge.event_id.in_(over)))


def marks_after_the_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of marks of badges of events whose photos have been erased since before a time."""
    over = select(Event.id).where(Event.photos_ended_at < before)
    return keys_of(session, select(BadgeMark.id).where(BadgeMark.event_id.in_(over)))


def old_trash(session: Session, before: datetime) -> list[str]:
    """Return the ids of what was put into the trash before a time."""
    return keys_of(session, select(TrashedPhoto.id).where(TrashedPhoto.trashed_at < before))


def consents_after_their_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of consents in force whose announced end was before a time."""
    over = Consent.withdrawn_at.is_(None), Consent.ends_at.is_not(None), Consent.ends_at < before
    return keys_of(session, select(Consent.id).where(*over))


def old_choices(session: Session, before: datetime) -> list[str]:
    """Return the ids of choices of photos that were made before a time."""
    return keys_of(session, select(PhotoChoice.id).where(PhotoChoice.created_at < before))


def old_samples(session: Session, minute: int) -> list[str]:
    """Return the minutes of the samples before a minute."""
    return keys_of(session, select(Sample.minute).where(Sample.minute < minute))


def subscriptions_after_the_end(session: Session, before: datetime) -> list[str]:
    """Return the ids of wishes to be told of photos, in events that expired before a time."""
    joined = select(Subscription.id).join(Event, Event.id == Subscription.event_id)
    return keys_of(session, joined.where(Event.expires_at < before))


def _counted(session: Session, condition: ColumnElement[bool], table: type[Base]) -> list[str]:
    number = session.scalar(select(func.count()).select_from(table).where(condition)) or 0
    return [f"{number} rows"] if number else []


def receipts_before(session: Session, before: datetime) -> list[str]:
    """Return the numbers of receipts of before a time whose line in the log of erasures may be missing."""
    waiting = (ErasureReceipt.digests.is_not(None), ErasureReceipt.erased_at < before)
    return keys_of(session, select(ErasureReceipt.number).where(*waiting))
