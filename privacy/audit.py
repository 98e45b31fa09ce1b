"""Look for what should not be there: `python -m privacy.audit`. Changes nothing.

Database, storage and, if one is configured, the recogniser over the network. The service may run meanwhile: what is
found is looked at once more after a pause, and counts if it is still there. Prints one line for each kind of finding
and place, with numbers of rows and keys of files, and no personal data. Exit status: 0 nothing was found, 1 something
was, 2 something could not be read.
"""

import argparse
import itertools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

import storage
from azure_face.problems import CallRefused
from encryption.master import KeysUnavailable
from faces.engine import RecogniserAway
from jobs.sweep import seconds_given
from privacy.checks import CHECKS
from privacy.findings import Check, Finding, Scope
from settings import UnsafeSettings, get_settings

PAUSE_SECONDS = 5.0
# Findings of one check that are held in memory, and of one line that are printed.
MOST_HELD, MOST_SHOWN = 10_000, 5
MOST_SAMPLED = 10**9
PROBLEMS = (SQLAlchemyError, storage.StorageError, UnsafeSettings, RecogniserAway, CallRefused, KeysUnavailable)


@dataclass(frozen=True, slots=True)
class Found:
    """What one check found in one place, its items sorted; `more`: there may be others."""

    check: str
    place: str
    items: list[str]
    more: bool = False

    def line(self) -> str:
        """Return the line of it: check, place, how many, and the first items."""
        shown = ", ".join(self.items[:MOST_SHOWN])
        rest = ", …" if len(self.items) > MOST_SHOWN or self.more else ""
        return f"{self.check}: {self.place}: {len(self.items)}{' or more' if self.more else ''} ({shown}{rest})"


def audit(scope: Scope, pause: float = PAUSE_SECONDS, checks: Sequence[Check] = CHECKS) -> list[Found]:
    """Return what should not be there, at both of two looks.

    Raises:
        SQLAlchemyError, StorageError, UnsafeSettings, RecogniserAway, CallRefused: something cannot be read.
    """
    suspects = [(check, first) for check in checks if (first := _look(check, scope))]
    if suspects and pause:
        time.sleep(pause)
    found = []
    for check, first in suspects:
        places = defaultdict[str, list[str]](list)
        for place, item in sorted(first & _look(check, scope)):
            places[place].append(item)
        found += [Found(check.name, place, items, len(first) >= MOST_HELD) for place, items in places.items()]
    return found


def _look(check: Check, scope: Scope) -> set[Finding]:
    return set(itertools.islice(check.look(scope), MOST_HELD))


def _photos(given: str) -> int:
    if not (given.isascii() and given.isdigit() and int(given) <= MOST_SAMPLED):
        raise argparse.ArgumentTypeError(f"{given}: a number of photos from 0 to {MOST_SAMPLED} is needed")
    return int(given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m privacy.audit", description=(__doc__ or "").partition(": `")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every finding")
    parser.add_argument("--grace", type=seconds_given, help="seconds that a file may wait for its row", default=None)
    parser.add_argument("--pause", type=seconds_given, default=PAUSE_SECONDS, help="seconds between the two looks")
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument("--sample", type=_photos, default=100, help="photos whose renditions are opened (100)")
    pictures.add_argument("--pictures", action="store_true", help="open the renditions of all photos")
    return parser.parse_args()


def main() -> int:
    """Audit, print what was found, and return the exit status."""
    asked = _arguments()
    try:
        grace = get_settings().orphan_grace_seconds if asked.grace is None else asked.grace
        found = audit(Scope(timedelta(seconds=grace), None if asked.pictures else asked.sample), asked.pause)
    except PROBLEMS as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines() or [type(problem).__name__]
        print(f"Not audited: {reason[0]}", file=sys.stderr)
        return 2
    number = sum(len(each.items) for each in found)
    if asked.json:
        listed = [
            {"check": each.check, "place": each.place, "items": each.items, "more": each.more} for each in found
        ]
        print(json.dumps({"checks": [check.name for check in CHECKS], "number": number, "findings": listed}))
    else:
        print(*(each.line() for each in found), sep="\n", end="\n" if found else "")
        print(f"{len(CHECKS)} checks, {number} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
