"""Erase the files of deleted rows. Every such erasure goes through `erase`.

The names of files, and of events' keys, are recorded in the transaction that deletes the rows. Right after its commit
the files are erased with the keys that encrypt them, copies in the quarantine too, and the record is removed. What a
crash or a failure of the storage leaves recorded is erased at the next start, or within `RETRY_SECONDS` by a running
process.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from itertools import chain

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import storage
from database import after_commit, reading, transaction
from encryption import keys
from encryption import queries as key_queries
from encryption import store as key_store
from encryption.master import KeysUnavailable
from models import utcnow
from settings import UnsafeSettings
from stored import identity, quarantine, queries, receipts

log = logging.getLogger("reperio.storage")
RETRY_SECONDS = 30.0
BATCH = 500
# A job that is under way may write a rendition after its photo was erased, until its child process would be killed.
LATE_WRITERS = timedelta(minutes=15)


def erase(session: Session, wanted: Iterable[str], *, late: Iterable[str] = ()) -> None:
    """Record in the open transaction that these files and keys are to be erased, and erase them after its commit.

    `late` are keys that a job under way may write once more: their files are erased again a quarter of an hour later.
    """
    once, twice = set(wanted), set(late)
    now = utcnow()
    queries.add_erasures(session, sorted(once - twice), now, late=False)
    queries.add_erasures(session, sorted(twice), now, late=True)
    if once or twice:
        after_commit(session, lambda: _work_off(chain(sorted(once - twice), sorted(twice))))


def erase_later(session: Session, wanted: Iterable[str]) -> None:
    """Record in the open transaction that these files are to be erased a quarter of an hour later.

    For files that another one replaces: a request, or a backup, may have read the row that still named them.
    """
    queries.add_erasures(session, sorted(set(wanted)), utcnow(), late=True, erased_at=utcnow())


def retry() -> int:
    """Erase what is recorded and not erased yet, or due for a second time; return how many keys.

    Erasures whose line in the log of erasures may be missing are logged first.
    """
    receipts.retry()
    erased = 0
    while True:
        with reading() as session:
            due = queries.due_erasures(session, utcnow() - LATE_WRITERS, BATCH)
        if not due or not _work_off(due):
            return erased
        erased += len(due)


def _work_off(wanted: Iterable[str]) -> bool:
    """Erase the files and their records; return False, after a line in the log, where that must wait."""
    try:
        if _is_foreign():
            log.error(
                "The storage belongs to another installation: files of deleted rows stay recorded and are erased "
                "when DATABASE_URL and STORAGE_URL fit together again."
            )
            return False
        for batch in _batches(wanted):
            names = _keys_of(batch)
            if names and not keys.may_destroy():
                log.error(
                    "The key store belongs to another installation: what was erased stays recorded. If this one "
                    "replaces that one: python -m encryption.backup claim. A copy needs a key store of its own."
                )
                return False
            # First: without its key, a file cannot be read in a backup either.
            keys.destroy(names)
            quarantine.erase([each for each in batch if not each.startswith(key_store.EVENTS)])
            now = utcnow()
            with transaction() as session:
                queries.end_erasures(session, batch, now, now - LATE_WRITERS)
                if names:
                    key_queries.raise_mark(session)
    except (storage.StorageError, SQLAlchemyError, UnsafeSettings, KeysUnavailable) as error:
        log.warning("files of deleted rows are erased later: %s", str(error).splitlines()[0])
        return False
    return True


def _keys_of(batch: list[str]) -> list[str]:
    """Return the names of the keys to destroy: those of events that are in the batch, and those of its portraits."""
    names = [each for each in batch if each.startswith(key_store.EVENTS)]
    return names + [keys.of_portrait(each) for each in batch if each.startswith(key_store.PORTRAITS)]


def _batches(wanted: Iterable[str]) -> Iterable[list[str]]:
    rest = list(wanted)
    return (rest[begin : begin + BATCH] for begin in range(0, len(rest), BATCH))


def _is_foreign() -> bool:
    """Tell whether the storage carries another id than the database: it may hold files of others by the same keys."""
    found = identity.of_storage()
    if found is None:
        return False
    with reading() as session:
        own = queries.installation(session)
    return own is None or own.uuid != found
