"""SQL about the profiles of children."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import User


def _held_by(guardian_id: int) -> Select[User]:
    return select(User).where(User.guardian_id == guardian_id).order_by(User.id)


def children_of(session: Session, guardian_id: int) -> Sequence[User]:
    """Return the children whose profiles this guest holds, oldest profile first."""
    return session.scalars(_held_by(guardian_id)).all()


def lock_children(session: Session, guardian_id: int) -> Sequence[User]:
    """Return the same, with their rows locked; the guardian's row is locked before."""
    return session.scalars(_held_by(guardian_id).with_for_update()).all()


def child_of(session: Session, guardian_id: int, child_id: int) -> User | None:
    """Return one of the children whose profiles this guest holds."""
    return session.scalar(_held_by(guardian_id).where(User.id == child_id))


def count(session: Session, guardian_id: int) -> int:
    """Return how many profiles this guest holds."""
    held = select(func.count()).select_from(User).where(User.guardian_id == guardian_id)
    return session.scalar(held) or 0
