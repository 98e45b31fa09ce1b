"""What the folders of a service hold at one moment, and the way back to it.

A stored file is never changed in place, only replaced, so the copies are links.
"""

import os
import shutil
from pathlib import Path

import storage
from encryption import store
from settings import get_settings


class SavedFolder:
    """A folder as it is when this is made; `restore` undoes what has changed since."""

    def __init__(self, folder: Path, copy: Path) -> None:
        """Make `copy`, on the same file system."""
        self._folder, self._copy = folder, copy
        shutil.copytree(folder, copy, copy_function=os.link)
        self._files = _inodes(copy)

    def restore(self) -> None:
        """Remove the files that are new, and put back those that were removed or replaced."""
        now = _inodes(self._folder)
        for name, _ in now.items() - self._files.items():
            (self._folder / name).unlink()
        for name, _ in self._files.items() - now.items():
            place = self._folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(self._copy / name)


def save_folders(copies: Path) -> list[SavedFolder]:
    """Save the storage and the key store of the settings, both of them folders, below `copies`."""
    folders = (storage.local_root(url) for url in (get_settings().storage_url, store.url()))
    return [SavedFolder(each, copies / each.name) for each in folders if each is not None and each.is_dir()]


def _inodes(folder: Path) -> dict[str, int]:
    """Return the inode of every file in a folder, by its path there."""
    cut = len(str(folder)) + 1
    paths = (f"{place}/{name}" for place, _, names in os.walk(folder) for name in names)
    return {path[cut:]: Path(path).stat().st_ino for path in paths}
