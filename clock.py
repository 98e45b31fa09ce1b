"""The time that all machines of an installation share: on PostgreSQL, the database's.

Leases, sessions and samples are compared across machines. A machine whose clock is a minute ahead would take jobs
away from machines that still work on them, so each process corrects its clock by the database's.
"""

import logging
from datetime import UTC, datetime, timedelta

log = logging.getLogger("reperio")
# Smaller differences are left alone: they may come from the time that the question took, and hurt no lease.
TOLERATED = timedelta(seconds=1)
# From here on the log says so, when the difference changes by as much.
WORTH_A_LINE = timedelta(seconds=5)

_offset = timedelta(0)
_told = timedelta(0)


def own() -> datetime:
    """Return what this machine's clock says, uncorrected."""
    return datetime.now(UTC)


def now() -> datetime:
    """Return the current time as an aware datetime in UTC."""
    return own() + _offset


def offset() -> timedelta:
    """Return what is added to this machine's clock."""
    return _offset


def note_reference(asked_at: datetime, reference: datetime, answered_at: datetime) -> None:
    """Correct the clock by a `reference` that was read between two readings of this machine's own."""
    global _offset, _told
    difference = reference - (asked_at + (answered_at - asked_at) / 2)
    uncertain = (answered_at - asked_at) / 2
    if abs(difference) <= max(TOLERATED, uncertain):
        _offset = timedelta(0)
    # Not changed by what is only the time that the question took.
    elif abs(difference - _offset) > uncertain:
        _offset = difference
    if abs(_offset - _told) >= WORTH_A_LINE:
        _told = _offset
        log.warning(
            "the clock of this machine differs from the database's by %.0f s: the service uses the database's time; "
            "let the system set its clock (NTP)",
            -_offset.total_seconds(),
        )


def forget() -> None:
    """Use this machine's clock as it is."""
    global _offset, _told
    _offset = _told = timedelta(0)
