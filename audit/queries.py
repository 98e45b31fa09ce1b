"""SQL of the audit log. There is no statement that changes or deletes an entry; the database refuses both."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from models import AuditEntry, Pseudonym, User


def pseudonym_of(session: Session, user_id: int, fresh: str) -> str | None:
    """Return the account's pseudonym; `fresh` becomes it where it has none. None if the account is gone."""
    known = select(Pseudonym.pseudonym).where(Pseudonym.user_id == user_id)
    found = session.scalar(known)
    if found is None:
        # Two transactions may do this at once: the second one keeps the first one's.
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        account = select(literal(fresh), User.id).where(User.id == user_id)
        session.execute(insert(Pseudonym).from_select(["pseudonym", "user_id"], account).on_conflict_do_nothing())
        found = session.scalar(known)
    return found


def entries(
    session: Session,
    limit: int,
    beyond: int | None,
    action: str | None,
    about: str | None,
    *,
    oldest_first: bool,
) -> Sequence[Row[AuditEntry, str | None, str | None]]:
    """Return the first entries after the one with the id `beyond`, with the names behind actor and subject."""
    actor, subject = aliased(Pseudonym), aliased(Pseudonym)
    actors, subjects = aliased(User), aliased(User)
    wanted = (
        select(AuditEntry, actors.username, subjects.username)
        .outerjoin(actor, actor.pseudonym == AuditEntry.actor)
        .outerjoin(actors, actors.id == actor.user_id)
        .outerjoin(subject, subject.pseudonym == AuditEntry.subject)
        .outerjoin(subjects, subjects.id == subject.user_id)
        .order_by(AuditEntry.id.asc() if oldest_first else AuditEntry.id.desc())
        .limit(limit)
    )
    if beyond is not None:
        wanted = wanted.where(AuditEntry.id > beyond if oldest_first else AuditEntry.id < beyond)
    return session.execute(wanted.where(*_conditions(action, about))).all()


def count(session: Session, action: str | None, about: str | None) -> int:
    """Return the number of entries that the filters leave."""
    matching = select(func.count()).select_from(AuditEntry).where(*_conditions(action, about))
    return session.scalar(matching) or 0


def _conditions(action: str | None, about: str | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if action is not None:
        kinds = AuditEntry.action.startswith(f"{action}.", autoescape=True)
        found.append(or_(AuditEntry.action == action, kinds))
    if about is not None:
        found.append(or_(AuditEntry.actor == about, AuditEntry.subject == about))
    return found
