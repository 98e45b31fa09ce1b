"""What the audit finds, and what a check is."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple


class Finding(NamedTuple):
    """Something that should not be there: a table (or `storage`, `provider`), and the number or key of what it is.

    Numbers of rows and keys of files are random or counted: they are no personal data.
    """

    place: str
    item: str


@dataclass(frozen=True, slots=True)
class Scope:
    """How thoroughly the audit looks.

    `grace` is how long a file may wait for its row, and `pictures` how many photos' renditions are opened; None: all.
    `dice` chooses which: another number, other photos.
    """

    grace: timedelta
    pictures: int | None = 100
    dice: int = field(default_factory=lambda: 1 + secrets.randbelow(10_006))


@dataclass(frozen=True, slots=True)
class Check:
    """One question of the audit: its name, the sentence that must be true, and the function that yields what is not.

    The function opens and closes its sessions itself, briefly, and may be called twice.
    """

    name: str
    sentence: str
    look: Callable[[Scope], Iterable[Finding]]
