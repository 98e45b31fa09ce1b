"""Whether the storage is this database's own. Only then may files without a row be taken away.

The database has an id, and the storage carries the same id in an object beside the files. A storage without an id
gets the database's, once, if the database knows a file there or if both are empty. In every other case the two stay
unpaired until an operator pairs them (`python -m jobs.sweep --pair`).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import photos.service as photo_service
import selfies.service as selfie_service
import storage
from database import reading, transaction
from models import Installation, utcnow
from photos.rows import queries as photo_queries
from photos.trash import queries as trash_queries
from selfies import queries as selfie_queries
from stored import identity, quarantine, queries

BATCH = 500
ADVICE = 'Nothing is taken away. See docs/operations.md, "Orphan files"; `python -m jobs.sweep --pair` shows more.'


@dataclass(frozen=True, slots=True)
class Comparison:
    """How database and storage fit: the files in storage, those a row names, and the rows whose file is missing."""

    files: int
    known: int
    missing: int


def known_keys(keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that a row names."""
    if not keys:
        return set()
    return (selfie_service.known_keys(keys) | photo_service.known_keys(keys)) & set(keys)


def own(*, change: bool = True) -> Installation:
    """Return the installation's row, with a new id if the database has none. Of two that ask at once, one wins.

    Without `change`, a row with a new id is not written.
    """
    with reading() as session:
        found = queries.installation(session)
    if found is None and not change:
        return Installation(id=Installation.ONLY, uuid=str(uuid.uuid4()))
    if found is None:
        with transaction() as session:
            queries.add_installation(session, str(uuid.uuid4()))
        with reading() as session:
            found = queries.installation(session)
    assert found is not None  # noqa: S101 - nothing deletes the row
    return found


def problem(*, change: bool = True) -> str | None:
    """Pair database and storage if they may be; return None if they are paired, else why they are not.

    Without `change`, nothing is written: None also means that they may be paired.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    here = own(change=change)
    there = identity.of_storage()
    if there is None and here.paired_at is None and _belong_together(here, change=change):
        if not change:
            return None
        there = identity.claim_storage(here.uuid)
    if there != here.uuid:
        return _reason(here, there)
    if change and here.paired_at is None:
        _update(paired_at=utcnow(), strangers_since=None)
    return None


def mismatch(here: Installation | None, there: str | None) -> str | None:
    """Return why this row and the id that the storage carries do not belong together, or None if they do."""
    if here is not None and there == here.uuid:
        return None
    return _reason(here, there)


def foreign_storage(role: str) -> str | None:
    """Return why the storage is not that of this database's installation, so that no job may look for files in it.

    A machine with a role of its own joins an installation that is there: for it, a storage without the id is another
    one too. None while database and storage have never been paired.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    with reading() as session:
        here = queries.installation(session)
    if here is None or here.paired_at is None:
        return None
    there = identity.of_storage()
    return mismatch(here, there) if there is not None or role != "all" else None


def _reason(here: Installation | None, there: str | None) -> str:
    if there is not None:
        ours = here.uuid[:8] if here is not None else "no id"
        return f"the storage belongs to another installation ({there[:8]}) than the database ({ours}). {ADVICE}"
    if here is not None and here.paired_at is not None:
        return (
            f"the storage does not carry the id of this installation ({here.uuid[:8]}): it is another one, or was "
            f"copied without {identity.KEY}. {ADVICE}"
        )
    if here is not None and here.strangers_since is not None:
        return f"the storage holds files, and the database knows none of them. {ADVICE}"
    return f"the storage holds none of the files that the database knows. {ADVICE}"


def _belong_together(here: Installation, *, change: bool) -> bool:
    """Tell whether the database knows a file in the storage, or both are empty.

    Once the database was seen beside files of which it knew none, only files from before count: what is uploaded to a
    wrong database after that must not make the storage its own.
    """
    empty = True
    for batch in storage.objects(BATCH):
        empty = empty and not batch
        until = here.strangers_since
        if known_keys([key for key, modified in batch if until is None or modified < until]):
            return True
    if empty and not any(quarantine.contents(1)):
        with reading() as session:
            return photo_queries.count(session) == 0 and selfie_queries.count_files(session) == 0
    if here.strangers_since is None and not empty:
        here.strangers_since = utcnow()
        if change:
            _update(strangers_since=here.strangers_since)
    return False


def _update(**values: str | datetime | None) -> None:
    with transaction() as session:
        row = queries.installation(session)
        assert row is not None  # noqa: S101 - `own` has written it
        for name, value in values.items():
            setattr(row, name, value)


def note_sweep(problem_found: str | None) -> None:
    """Record why the last sweep refused, for every process; None if it did not."""
    if own().sweep_problem != problem_found:
        _update(sweep_problem=problem_found)


def compare() -> Comparison:
    """Compare the storage's files with the database's rows, without any change."""
    files = known = with_file = 0
    for batch in storage.objects(BATCH):
        keys = [key for key, _ in batch]
        found = known_keys(keys)
        files, known = files + len(keys), known + len(found)
        with_file += sum(1 for key in found if key.startswith("selfies/") or "/original/" in key)
    with reading() as session:
        named = photo_queries.count(session) + selfie_queries.count_files(session)
        named += trash_queries.count(session, None, None)
    return Comparison(files, known, max(0, named - with_file))


def pair() -> None:
    """Make the storage this database's own, whoever it belonged to before."""
    here = own()
    identity.take_storage(here.uuid)
    _update(paired_at=utcnow(), strangers_since=None, sweep_problem=None)
