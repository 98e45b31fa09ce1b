"""Keys in the key store that no row names: a crash left them before their row, or a backup was restored.

They are set aside for `ORPHAN_QUARANTINE_DAYS` and then destroyed. A key that is needed again is read from there.
"""

from datetime import timedelta

from database import reading
from encryption import keys, store
from models import utcnow
from settings import get_settings


def unnamed(grace: timedelta) -> list[str]:
    """Return the names of keys older than `grace` that no row names.

    Raises:
        KeysUnavailable, StorageError: the key store does not answer.
    """
    keys.check()
    found, before = list[str](), utcnow() - grace
    for batch in store.names():
        found += _without_row([name for name, changed in batch if changed < before])
    return found


def _without_row(names: list[str]) -> list[str]:
    with reading() as session:
        known = keys.named(session, names)
    return [each for each in names if each not in known]


def sweep(grace: timedelta) -> int:
    """Set keys aside that no row names, and destroy those set aside for long enough; return how many were set aside.

    Not in the key store of another installation.

    Raises:
        KeysUnavailable, StorageError: the key store does not answer.
    """
    moved = 0
    if not keys.may_destroy():
        return moved
    for name in unnamed(grace):
        # Asked once more, close to the deed.
        moved += bool(_without_row([name])) and store.set_aside(name)
    before = utcnow() - timedelta(days=get_settings().orphan_quarantine_days)
    for batch in store.names([store.SET_ASIDE]):
        old = [name.removeprefix(store.SET_ASIDE) for name, changed in batch if changed < before]
        keys.destroy(_without_row(old))
    return moved
