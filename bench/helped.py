"""Which guest a photographer's portrait of a person finds: `.venv/bin/python -m bench.helped --faces DIR`.

Prints the figures of docs/decisions/0029-photographers-help-by-a-portrait.md. DIR holds portraits named
`Name_0001.jpg`, as for `bench.strangers`. Of 400 people with two pictures or more, every other one is a guest: the
first picture is the portrait that the guest has sent, the second the photographer's. The others are strangers.
"""

import argparse
from collections import Counter
from pathlib import Path

from bench.strangers import embedded
from faces.calibration import LOCAL
from faces.local import LocalEngine
from guests.helping import owner_of
from matching.queries import PortraitEmbedding

PEOPLE = 400


def main() -> None:
    """Print how many guests are found, refused or taken for another guest, and how many strangers for a guest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    found = embedded(parser.parse_args().faces, LocalEngine())
    people = [found[name] for name in sorted(found) if len(found[name]) > 1][:PEOPLE]
    guests, strangers = people[::2], people[1::2]
    first = [rows[0].tobytes() for rows in guests]
    portraits = [
        PortraitEmbedding(number, number, keep=False, embedding=row, mean=None) for number, row in enumerate(first)
    ]
    owners = [owner_of(rows[1], portraits, LOCAL) for rows in guests]
    told = Counter("none" if owner is None else owner == number for number, owner in enumerate(owners))
    print(f"{len(guests)} guests: {told[True]} found, {told['none']} refused, {told[False]} taken for another")
    taken = sum(owner_of(rows[1], portraits, LOCAL) is not None for rows in strangers)
    print(f"{len(strangers)} strangers: {taken} taken for a guest")


if __name__ == "__main__":
    main()
