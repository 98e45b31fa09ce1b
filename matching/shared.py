"""The memory that holds the faces: one for all processes of a machine, or this process's own."""

import logging
import os

from matching import process_locks
from matching.arena import Arena
from recogniser_settings import DEFAULT_FACES_MB
from settings import get_settings

log = logging.getLogger("reperio.jobs")
MEGABYTE = 1024 * 1024
_shared: Arena | None = None
_own: Arena | None = None


def prepare() -> None:
    """Make the memory that this process and those forked from it share. Call it before the first fork.

    Where it cannot be had, each process holds the faces for itself; one line in the log says so.
    """
    global _shared
    size = get_settings().faces_shared_mb * MEGABYTE
    if _shared is not None or not size:
        return
    try:
        _shared = Arena(size, process_locks.lock_file())
    except (OSError, ValueError) as error:
        log.warning("each process holds the faces for itself, because memory cannot be shared: %s", error)


def memory() -> Arena:
    """Return the memory that holds the faces; the first call of a process without a shared one makes its own."""
    global _own
    if _shared is not None:
        return _shared
    size = (get_settings().faces_shared_mb or DEFAULT_FACES_MB) * MEGABYTE
    while _own is None:
        try:
            _own = Arena(size)
        except OSError:
            # The system limits the address space of a process.
            size //= 2
    return _own


def forget() -> None:
    """Empty the memory; what a match uses now stays until it ends."""
    global _own
    _own = None
    if _shared is not None:
        for key in _shared.held_keys():
            _shared.free(key)


def _after_fork() -> None:
    """In a child: the parent's own memory is the parent's; no lock of the shared one is held."""
    global _own
    _own = None
    if _shared is not None:
        _shared.locks.start_anew()


os.register_at_fork(after_in_child=_after_fork)
