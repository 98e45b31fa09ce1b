"""Measures what several portraits find: `python -m bench.portraits --data DIR`.

DIR has `selfies/NAME/` with several pictures of each guest, `photos/`, and `truth.json` (see `bench/evaluate`). Every
choice of one, two, … portraits of a guest is tried, with the engine and the matching of the service.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import images
from decoding.tasks import embedding_of
from faces.calibration import LOCAL
from faces.local import LocalEngine
from matching.matrices import Block, Embeddings, quantised
from matching.similarity import Portrait, accepted_faces, find_candidates, thresholds_for


def faces_of(photos: Iterable[Path], engine: LocalEngine) -> tuple[Block, dict[str, int]]:
    """Return the faces of all photos, and the id of each photo by its name."""
    rows, of_photo, numbers = list[Embeddings](), list[int](), dict[str, int]()
    for number, path in enumerate(sorted(photos), 1):
        numbers[path.name] = number
        for face in engine.detect(images.decode(path.read_bytes())):
            rows.append(face.embedding)
            of_photo.append(number)
    ids = np.arange(1, len(rows) + 1)
    return Block(ids, np.array(of_photo), quantised(np.stack(rows))), numbers


def found(block: Block, portraits: Iterable[Embeddings]) -> set[int]:
    """Return the photos in which these portraits find their guest."""
    chosen = [Portrait(number, each) for number, each in enumerate(portraits)]
    return set(accepted_faces(find_candidates([block], chosen, thresholds_for(len(block.face_ids), LOCAL))))


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args(arguments).data
    if not (data / "truth.json").is_file():
        print(f"{data} has no truth.json", file=sys.stderr)
        return 1
    truth: dict[str, list[str]] = json.loads((data / "truth.json").read_text())["guests_in_photos"]
    engine = LocalEngine()
    block, numbers = faces_of((data / "photos").iterdir(), engine)
    guests = {
        folder.name: [embedding_of(each.read_bytes(), engine, strict=False) for each in sorted(folder.iterdir())]
        for folder in sorted((data / "selfies").iterdir())
    }
    true = {name: {numbers[photo] for photo, shown in truth.items() if name in shown} for name in guests}
    print(f"{'portraits':>9}{'wrong':>8}{'recall, mean of guests':>26}{'the first ones alone':>24}")
    for count in range(1, 1 + min(len(each) for each in guests.values())):
        wrong, recall, first = 0, dict[str, float](), dict[str, float]()
        for name, portraits in guests.items():
            seen = [found(block, choice) for choice in itertools.combinations(portraits, count)]
            wrong += sum(len(each - true[name]) for each in seen)
            if true[name]:
                recall[name] = float(np.mean([len(each & true[name]) / len(true[name]) for each in seen]))
                first[name] = len(seen[0] & true[name]) / len(true[name])
        means = (float(np.mean(list(each.values()))) for each in (recall, first))
        print(
            f"{count:>9}{wrong:>8}"
            + "".join(f"{each:>{width}.3f}" for each, width in zip(means, (26, 24), strict=True))
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
