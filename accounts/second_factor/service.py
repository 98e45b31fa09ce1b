"""The second factor of staff accounts: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

The secret is stored encrypted with a key derived from `SECRET_KEY`, recovery codes as keyed hashes: a copy of the
database alone gives neither.
"""

import base64
import secrets
from dataclasses import dataclass

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from accounts import sessions, tokens
from accounts.passwords import verify_password
from accounts.second_factor import queries
from audit.log import Action, record
from database import reading, transaction
from models import ADMIN, RecoveryCode, SecondFactor, User, utcnow
from settings import get_settings
from signing import hash_for, keyed_hash, same

ISSUER = "Reperio"
STEP_SECONDS = 30
# Steps before and after the present one whose codes are accepted: clocks of phones differ (RFC 6238, 5.2).
DRIFT_STEPS = 1
RECOVERY_CODES = 10
# Without look-alikes: 10 characters of 31 are 49 bits.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
RECOVERY_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret for an authenticator app, in base32, and the address (otpauth:) that its QR code holds."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class FactorState:
    """Whether an account has a second factor, whether it must have one, and how many recovery codes are left."""

    enabled: bool
    required: bool
    recovery_codes_left: int


def is_required(user: User) -> bool:
    """Return whether the settings ask this account for a second factor."""
    return user.user_type == ADMIN and get_settings().admin_second_factor == "required"


def is_missing(user: User) -> bool:
    """Return whether this account must have a second factor and has none."""
    return user.second_factor_at is None and is_required(user)


def check_present(user: User) -> None:
    """Check that an account that must have a second factor has one.

    Raises:
        SecondFactorMissing: it has none.
    """
    if is_missing(user):
        raise errors.SecondFactorMissing


def state(user: User) -> FactorState:
    """Return what the account's owner may know of the second factor."""
    with reading() as session:
        left = queries.recovery_codes_left(session, user.id)
    enabled = user.second_factor_at is not None
    return FactorState(enabled, is_required(user), left if enabled else 0)


def begin(user: User, password: str) -> Enrolment:
    """Store a new secret for the account, which counts from `confirm` on, and return it.

    Raises:
        BadCredentials: the password is wrong. SecondFactorEnabled: the account has a second factor already.
    """
    if not verify_password(password, user.hashed_password):
        raise errors.BadCredentials
    secret = pyotp.random_base32()
    with transaction() as session:
        found = account_queries.lock_user(session, user.id)
        if found is None or found.second_factor_at is not None:
            raise errors.SecondFactorEnabled
        queries.remove_second_factor(session, user.id)
        session.add(SecondFactor(user_id=user.id, secret=_cipher().encrypt(secret.encode()).decode()))
    return _enrolment(user, secret)


def _enrolment(user: User, secret: str) -> Enrolment:
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER))


def pending(user: User) -> Enrolment | None:
    """Return the secret that waits for its first code, to show it again."""
    with reading() as session:
        factor = queries.second_factor(session, user.id)
    if factor is None or user.second_factor_at is not None:
        return None
    return _enrolment(user, _secret(factor))


def confirm(user: User, otp: str) -> list[str]:
    """Switch the second factor on with the first code of the app; return the recovery codes, shown only now.

    Every other session of the account ends: it was begun with the password alone.

    Raises:
        NoSecondFactor: `begin` was not called. WrongSecondFactor: the code is wrong or was used before.
        InvalidToken: meanwhile the sessions of the account ended.
    """
    with transaction() as session:
        found = _locked(session, user)
        factor = queries.second_factor(session, user.id)
        if factor is None or found.second_factor_at is not None:
            raise errors.NoSecondFactor
        if not _accept_code(session, factor, otp):
            raise errors.WrongSecondFactor
        found.second_factor_at = utcnow()
        record(session, Action.SECOND_FACTOR_ON, subject_id=user.id)
        sessions.end_in(session, found, but=user.session_id)
        return _new_recovery_codes(session, user.id)


def _locked(session: Session, user: User) -> User:
    """Return the account of the request, locked.

    Raises:
        InvalidToken: since it was read it was deleted, or its sessions ended.
    """
    found = account_queries.lock_user(session, user.id)
    if found is None or found.token_version != user.token_version:
        raise errors.InvalidToken
    return found


def renew_recovery_codes(user: User, otp: str) -> list[str]:
    """Replace the recovery codes and return the new ones. Every other session ends: a lost code may have begun it.

    Raises:
        NoSecondFactor: the account has none. WrongSecondFactor: the code is wrong or was used before.
        InvalidToken: meanwhile the sessions of the account ended.
    """
    with transaction() as session:
        found = _locked(session, user)
        _check(session, found, otp)
        sessions.end_in(session, found, but=user.session_id)
        return _new_recovery_codes(session, user.id)


def switch_off(user: User, password: str, otp: str) -> None:
    """Remove the account's second factor and its recovery codes; every other session ends.

    Raises:
        BadCredentials: the password is wrong. NoSecondFactor: the account has none.
        WrongSecondFactor: the code is wrong or was used before.
        InvalidToken: meanwhile the sessions of the account ended.
    """
    if not verify_password(password, user.hashed_password):
        raise errors.BadCredentials
    with transaction() as session:
        found = _locked(session, user)
        _check(session, found, otp)
        remove(session, found, keep=user.session_id)


def remove(session: Session, account: User, *, keep: str | None = None) -> None:
    """Remove the second factor of a locked account without a code, and end its sessions except `keep`.

    Alone it serves the operator's shell: the phone with the codes may be in other hands.
    """
    record(session, Action.SECOND_FACTOR_OFF, subject_id=account.id)
    queries.remove_second_factor(session, account.id)
    account.second_factor_at = None
    sessions.end_in(session, account, but=keep)


def check_login(user: User, otp: str | None) -> None:
    """Check the second factor of an account whose password was right. A code is accepted once.

    Raises:
        SecondFactorRequired: the account has one and no code was given.
        WrongSecondFactor: the code is wrong or was used before.
    """
    if user.second_factor_at is None:
        return
    if not otp or not otp.strip():
        raise errors.SecondFactorRequired(tokens.issue_choice(user.id, user.token_version))
    with transaction() as session:
        _check(session, user, otp)


def _check(session: Session, user: User, otp: str) -> None:
    factor = queries.second_factor(session, user.id)
    if factor is None or user.second_factor_at is None:
        raise errors.NoSecondFactor
    given = "".join(otp.split()).replace("-", "").lower()
    if not _accept_code(session, factor, given) and not queries.use_recovery_code(session, user.id, _digest(given)):
        raise errors.WrongSecondFactor


def _accept_code(session: Session, factor: SecondFactor, otp: str) -> bool:
    """Return whether a code of the app is right and newer than the last one accepted, which it then becomes."""
    digits = "".join(otp.split())
    now, totp = int(utcnow().timestamp()), pyotp.TOTP(_secret(factor))
    for step in range(now // STEP_SECONDS - DRIFT_STEPS, now // STEP_SECONDS + DRIFT_STEPS + 1):
        if same(totp.at(step * STEP_SECONDS), digits):
            return queries.use_step(session, factor.user_id, step)
    return False


def _secret(factor: SecondFactor) -> str:
    try:
        return _cipher().decrypt(factor.secret.encode()).decode()
    except InvalidToken as error:
        # SECRET_KEY has changed since: only the operator can help (`python -m accounts.admin`).
        raise errors.WrongSecondFactor from error


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keyed_hash(b"second factor")))


def _digest(code: str) -> str:
    return hash_for(b"recovery code", code).hex()


def _new_recovery_codes(session: Session, user_id: int) -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    queries.remove_recovery_codes(session, user_id)
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_digest(code)) for code in codes)
    half = RECOVERY_LENGTH // 2
    return [f"{code[:half]}-{code[half:]}" for code in codes]
