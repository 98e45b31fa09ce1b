"""Write the audit log, in the transaction of what it tells, and read it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from audit import queries
from audit.actor import current_actor
from database import reading
from models import AuditEntry
from tracing import current_request_id

# 72 bits: two accounts never get the same one.
PSEUDONYM_BYTES = 9


class Action(StrEnum):
    """What an entry tells. The values are part of the API and of old entries: they never change."""

    STAFF_LOGGED_IN = "staff.logged_in"
    STAFF_CREATED = "staff.created"
    STAFF_CHANGED = "staff.changed"
    STAFF_DELETED = "staff.deleted"
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - the name of an action
    SECOND_FACTOR_ON = "account.second_factor_on"
    SECOND_FACTOR_OFF = "account.second_factor_off"
    SESSIONS_ENDED = "account.sessions_ended"
    RESET_LINK_MADE = "account.reset_link_made"
    LOGIN_LINK_MADE = "account.login_link_made"
    LOGIN_LINK_REFUSED = "account.login_link_refused"
    LOGGED_IN_BY_LINK = "account.logged_in_by_link"
    ACCOUNT_ERASED = "account.erased"
    ACCOUNT_EXPORTED = "account.exported"
    SELFIE_VIEWED = "selfie.viewed"
    SELFIE_DELETED = "selfie.deleted"
    SELFIE_EVALUATED = "selfie.evaluated"
    PHOTOS_DELETED = "photos.deleted"
    PHOTOS_RESTORED = "photos.restored"
    PHOTOS_ERASED = "photos.erased"
    PHOTOS_EXPORTED = "photos.exported"
    PHOTOS_SHARED = "photos.shared"
    PHOTOS_UNSHARED = "photos.unshared"
    PHOTOS_HIDDEN = "photos.hidden"
    PHOTOS_UNHIDDEN = "photos.unhidden"
    PHOTOS_APPROVED = "photos.approved"
    PHOTO_REPORTED = "photos.reported"
    PHOTO_REPORT_DECIDED = "photos.report_decided"
    PHOTOS_LINKED = "photos.linked"
    PHOTO_LINK_REVOKED = "photos.link_revoked"
    PHOTOS_EXPORTED_BY_LINK = "photos.exported_by_link"
    PHOTO_GIVEN = "photos.given"
    PHOTO_TAKEN = "photos.taken"
    BADGE_SERIES_SET = "photos.badge_series_set"
    CAMERA_SHIFTED = "photos.camera_shifted"
    EVENT_CREATED = "event.created"
    EVENT_CHANGED = "event.changed"
    EVENT_CODE_CHANGED = "event.code_changed"
    EVENT_PHOTOGRAPHERS_CHANGED = "event.photographers_changed"
    EVENT_DELETED = "event.deleted"


@dataclass(frozen=True, slots=True)
class Person:
    """A pseudonym, and the name of the account behind it; None once the account is erased."""

    pseudonym: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when it happened, who did what to whom, and in which event.

    `actor_type` is the type of an account, or "shell" or "service", which have no account.
    """

    id: int
    at: datetime
    actor: Person | None
    actor_type: str
    action: str
    subject: Person | None
    event_id: int | None
    details: dict[str, Any]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of entries, newest first, the number of all, and the cursor of the next page."""

    entries: Sequence[Entry]
    total: int
    next_cursor: str | None


def record(
    session: Session,
    action: Action,
    *,
    subject_id: int | None = None,
    event_id: int | None = None,
    actor: tuple[int, str] | None = None,
    **details: int | str | list[str],
) -> None:
    """Add an entry in the open transaction: both are committed, or neither.

    `details` hold numbers and names of fields, nothing that identifies a person. `actor` is the account's id and
    type where the request does not know it yet, as in a login.
    """
    now = current_actor()
    actor_id, kind = actor or (now.user_id, now.kind)
    session.add(
        AuditEntry(
            actor=_pseudonym_of(session, actor_id),
            actor_type=kind,
            action=action.value,
            subject=_pseudonym_of(session, subject_id),
            event_id=event_id,
            details=dict(details),
            request_id=current_request_id(),
        )
    )


def _pseudonym_of(session: Session, user_id: int | None) -> str | None:
    if user_id is None:
        return None
    return queries.pseudonym_of(session, user_id, secrets.token_urlsafe(PSEUDONYM_BYTES))


def entries(
    limit: int,
    before: int | None = None,
    action: str | None = None,
    about: str | None = None,
    *,
    oldest_first: bool = False,
) -> AuditPage:
    """Return the newest entries with an id below `before`; with `oldest_first`, the oldest with an id above it.

    `action` limits them to one kind, or to all kinds that begin with it and a dot; `about` to one pseudonym, as actor
    or as subject.
    """
    with reading() as session:
        rows = queries.entries(session, limit, before, action, about, oldest_first=oldest_first)
        total = queries.count(session, action, about)
    found = [_entry(*row) for row in rows]
    return AuditPage(found, total, str(found[-1].id) if len(found) == limit else None)


def _entry(row: AuditEntry, actor_name: str | None, subject_name: str | None) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        actor=Person(row.actor, actor_name) if row.actor else None,
        actor_type=row.actor_type,
        action=row.action,
        subject=Person(row.subject, subject_name) if row.subject else None,
        event_id=row.event_id,
        details=row.details,
        request_id=row.request_id,
    )
