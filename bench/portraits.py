"""Measures what several portraits find: `python -m bench.portraits --data DIR`.

DIR is a folder as for `make evaluate`, with several pictures of each guest. Every choice of one, two, … portraits of
a guest is tried, with the engine `local` and the matching of the service, each guest alone.
"""

import argparse
import itertools
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from bench.evaluate.pictures_read import Portrait, look
from bench.evaluate.truth import BadFolder, read_folder
from faces.calibration import LOCAL
from faces.local import LocalEngine
from matching import similarity
from matching.matrices import Block
from matching.similarity import Thresholds, accepted_faces, find_candidates


def found(blocks: Sequence[Block], portraits: Iterable[Portrait], thresholds: Thresholds) -> set[int]:
    """Return the photos in which these portraits find their guest."""
    chosen = [similarity.Portrait(number, each.embedding) for number, each in enumerate(portraits)]
    return set(accepted_faces(find_candidates(blocks, chosen, thresholds)))


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    try:
        event = read_folder(parser.parse_args(arguments).data)
    except BadFolder as problem:
        print(problem, file=sys.stderr)
        return 1
    seen = look(event, LocalEngine(), lambda _: None)
    guests, blocks = seen.portraits_by_guest(), seen.blocks()
    thresholds = similarity.thresholds_for(len(seen.faces), LOCAL)
    true = {name: {place for place, photo in enumerate(seen.photos) if name in event.truth[photo]} for name in guests}
    print(f"{'portraits':>9}{'wrong':>8}{'recall, mean of guests':>26}{'the first ones alone':>24}")
    for count in range(1, 1 + min(len(each) for each in guests.values())):
        wrong, recall, first = 0, dict[str, float](), dict[str, float]()
        for name, portraits in guests.items():
            choices = itertools.combinations(portraits, count)
            each_choice = [found(blocks, choice, thresholds) for choice in choices]
            wrong += sum(len(each - true[name]) for each in each_choice)
            if true[name]:
                recall[name] = float(np.mean([len(each & true[name]) / len(true[name]) for each in each_choice]))
                first[name] = len(each_choice[0] & true[name]) / len(true[name])
        means = [float(np.mean([*each.values()])) for each in (recall, first)]
        print(f"{count:>9}{wrong:>8}{means[0]:>26.3f}{means[1]:>24.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
