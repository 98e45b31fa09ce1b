"""The release before this one, to run beside it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from testkit.servers import ROOT, Launcher

# The last commit of the release before. Set both when a release is made.
BEFORE = "d4d0b522383f280e6f0b30692dafc820997cd555"
BEFORE_REVISION = "0034"


class NoHistory(Exception):
    """This checkout does not have the release before; the message says why."""


class Release(Launcher):
    """A service that runs from a checkout of another release, with the packages of this one."""

    def __init__(self, folder: Path, root: Path, database_url: str, **environment: str) -> None:
        super().__init__(folder, database_url, **environment)
        self._root = root

    def _launch(self, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, *self.command()[1:]],
            cwd=self._root,
            env=self.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _git(*arguments: str) -> None:
    try:
        subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        raise NoHistory((reason.strip().splitlines() or ["git failed"])[-1]) from error


@contextmanager
def release_before(folder: Path) -> Iterator[Path]:
    """Check the release before out into a new folder in `folder`; it is removed at the end.

    Raises:
        NoHistory: the commit is not there, or this is no checkout.
    """
    place = folder / "before"
    _git("worktree", "add", "--detach", str(place), BEFORE)
    try:
        yield place
    finally:
        _git("worktree", "remove", "--force", str(place))
