"""SQL about second factors."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models import RecoveryCode, SecondFactor, utcnow


def second_factor(session: Session, user_id: int) -> SecondFactor | None:
    """Return the account's second factor, confirmed or not."""
    return session.get(SecondFactor, user_id)


def use_step(session: Session, user_id: int, step: int) -> bool:
    """Record a time step whose code was accepted; return false if that one or a later one was before."""
    newer = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    return session.scalar(newer.values(last_step=step).returning(SecondFactor.user_id)) is not None


def recovery_codes_left(session: Session, user_id: int) -> int:
    """Return how many recovery codes of the account are unused."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def use_recovery_code(session: Session, user_id: int, code_hash: str) -> bool:
    """Mark an unused recovery code as used; return whether there was one."""
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(unused.values(used_at=utcnow()).returning(RecoveryCode.id)) is not None


def remove_recovery_codes(session: Session, user_id: int) -> None:
    """Delete the account's recovery codes."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def remove_second_factor(session: Session, user_id: int) -> None:
    """Delete the account's second factor and its recovery codes."""
    remove_recovery_codes(session, user_id)
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
