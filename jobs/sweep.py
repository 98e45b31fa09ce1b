"""Erase files that no row knows, now: `python -m operations.sweep [--grace SECONDS]`."""

import argparse
from datetime import timedelta

from jobs import sweep_orphans
from settings import get_settings


def main() -> None:
    """Print how many files were erased."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grace", type=float, help="seconds a file may wait for its row", default=None)
    asked = parser.parse_args()
    grace = get_settings().orphan_grace_seconds if asked.grace is None else asked.grace
    print(sweep_orphans(timedelta(seconds=grace)), "files erased")


if __name__ == "__main__":
    main()
