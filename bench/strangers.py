"""Measures how many strangers a guest gets, and how many of their photos are found.

`python -m bench.strangers --faces DIR`: DIR holds portraits named `Name_0001.jpg`. A person with seven or more is a
guest: the first picture is the selfie, the others are photos of the event. All others are strangers, each in a photo
of their own. The result is compared with a fixed threshold.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from encryption.templates import quantised
from faces.calibration import LOCAL
from faces.engine import FaceEngine
from faces.local import LocalEngine
from matching.matrices import Block, Embeddings
from matching.similarity import Portrait, accepted_faces, exact_cosines, find_candidates, thresholds_for

GUEST_PICTURES = 7


@dataclass(frozen=True, slots=True)
class Gallery:
    """Guests' selfies, and the faces of the event with the place of their guest (-1: a stranger)."""

    selfies: Embeddings
    faces: Embeddings
    owners: list[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Strangers per guest, and the fraction of the guests' own photos that was found."""

    faces: int
    threshold: float
    strangers: float
    recall: float


def embedded(folder: Path, engine: FaceEngine) -> dict[str, list[Embeddings]]:
    """Return each person's embeddings in the order of their files; pictures without a face are left out."""
    found = defaultdict[str, list[Embeddings]](list)
    for path in sorted(folder.glob("*.jpg")):
        upright, faces = engine.locate_portrait(np.asarray(cv2.imread(str(path)), np.uint8))
        if faces:
            largest = max(faces, key=lambda face: face.box[3])
            found[path.name.rsplit("_", 1)[0]].append(engine.embed(upright, [largest])[0])
    return found


def gallery(people: dict[str, list[Embeddings]], strangers: int) -> Gallery:
    """Return an event with that many strangers at most."""
    guests = [name for name, rows in people.items() if len(rows) >= GUEST_PICTURES]
    faces = [(row, place) for place, name in enumerate(guests) for row in people[name][1:]]
    others = [(row, -1) for name, rows in people.items() if name not in guests for row in rows]
    faces += others[:strangers]
    return Gallery(
        np.stack([people[name][0] for name in guests]),
        np.stack([row for row, _ in faces]),
        [owner for _, owner in faces],
    )


def judge(event: Gallery, *, fixed: bool) -> Outcome:
    """Match every guest; each face is a photo of its own."""
    ids = np.arange(len(event.owners), dtype=np.int64)
    block = Block(ids, ids + 1, quantised(event.faces))
    thresholds = thresholds_for(len(event.owners), LOCAL)
    wrong = right = 0
    for place, selfie in enumerate(event.selfies):
        if fixed:
            found = np.flatnonzero(exact_cosines(block.embeddings, selfie) >= LOCAL.lowest).tolist()
        else:
            found = list(accepted_faces(find_candidates([block], [Portrait(1, selfie)], thresholds)))
        own = sum(event.owners[each] == place for each in found)
        right, wrong = right + own, wrong + len(found) - own
    return Outcome(
        len(event.owners),
        LOCAL.lowest if fixed else thresholds.first,
        wrong / len(event.selfies),
        right / sum(owner >= 0 for owner in event.owners),
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    given = parser.parse_args(arguments)
    people = embedded(given.faces, LocalEngine())
    if not any(len(rows) >= GUEST_PICTURES for rows in people.values()):
        print(f"{given.faces} holds no person with {GUEST_PICTURES} pictures", file=sys.stderr)
        return 1
    print(f"{'':8}{'fixed threshold':>36}{'two looks, by size':>36}")
    print(f"{'faces':>8}{'cosine':>12}{'strangers':>12}{'recall':>12}{'cosine':>12}{'strangers':>12}{'recall':>12}")
    for strangers in (0, 500, 10_000_000):
        event = gallery(people, strangers)
        row = f"{len(event.owners):8}"
        for outcome in (judge(event, fixed=True), judge(event, fixed=False)):
            row += f"{outcome.threshold:12.2f}{outcome.strangers:12.3f}{outcome.recall:12.4f}"
        print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
