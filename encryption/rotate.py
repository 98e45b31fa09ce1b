"""Encrypt all data keys with another master key: `python -m encryption.rotate`. The service may run meanwhile.

With `MASTER_KEY_FILE`, a new master key is made in its first line, and the former one is removed at the end; running
processes read the file again. With `MASTER_KEY`, set the new one there and the former one in `MASTER_KEY_PREVIOUS`,
restart all processes, and run this; then `MASTER_KEY_PREVIOUS` can go. Data keys and what they encrypt stay as they
are. A run that was interrupted is continued by the next one. Exit status: 0 all keys are changed, 2 they are not.
"""

import argparse
import secrets
import sys
import time

import storage
from encryption import master, store
from encryption.master import KeysUnavailable
from settings import UnsafeSettings, get_settings

# A process may be about to store a new key with the master key that it has just read.
PAUSE_SECONDS = 5.0


def rotate(pause: float = PAUSE_SECONDS) -> int:
    """Change the master key and return how many data keys were encrypted anew.

    Raises:
        KeysUnavailable: a master key is missing or another one, or the key store cannot be written.
        StorageError: the key store does not answer.
    """
    file = master.path()
    if file is not None:
        lines = master.lines_of(file)
        if len(lines) == 1:
            # With two lines, an earlier run was interrupted.
            lines = [secrets.token_urlsafe(48), *lines]
            master.write(file, lines)
    elif not get_settings().master_key_previous:
        raise KeysUnavailable("MASTER_KEY_PREVIOUS names no former master key: there is nothing to change from")
    number = _change_all()
    time.sleep(pause)
    # Again, for those that were made meanwhile.
    number += _change_all()
    if file is not None:
        master.write(file, lines[:1])
    return number


def _change_all() -> int:
    masters, number = master.configured(), 0
    for batch in store.names((store.EVENTS, store.PORTRAITS, store.SET_ASIDE)):
        number += sum(store.change_master(name, masters) for name, _ in batch)
    # Last: until then the former master key is needed.
    return number + store.change_master(store.CHECK, masters)


def main() -> int:
    """Rotate, say what was done, and return the exit status."""
    argparse.ArgumentParser(
        prog="python -m encryption.rotate", description=(__doc__ or "").partition(": `")[0]
    ).parse_args()
    try:
        number = rotate()
    except (KeysUnavailable, storage.StorageError, UnsafeSettings) as problem:
        print(f"Not all keys are changed: {str(problem).splitlines()[0]}", file=sys.stderr)
        return 2
    print(f"{number} keys are encrypted with the new master key.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
