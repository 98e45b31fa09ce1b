"""Measures an engine's calibration: the cosines that pairs of different people reach, at each false accept rate.

`python -m bench.calibrate --provider dlib --faces DIR`: DIR holds portraits named `Name_0001.jpg`. Prints the cosine
at each rate, the share of pairs of one person above it (true accept rate), and the line that fits the cosines best:
the numbers of `faces/calibration.py`. And what the stricter thresholds for children cost and spare.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.strangers import embedded
from faces.calibration import Calibration
from faces.providers import ENGINE_IDS, calibration_of, make_engine
from matching.similarity import stricter, thresholds_for
from settings import Settings

# Four a decade, as far as there are FEWEST pairs beyond: some are one person under two names.
RATES = 10.0 ** np.arange(-3, -6.01, -0.25)
FEWEST = 5
EVENTS = (65, 300, 4_000)


def pairs(people: dict[str, list[NDArray[np.float32]]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cosines of all pairs of different people, sorted, and of all pairs of one person."""
    rows = np.stack([row for found in people.values() for row in found])
    owners = np.repeat(np.arange(len(people)), [len(found) for found in people.values()])
    upper = np.triu_indices(len(rows), 1)
    cosines = (rows @ rows.T)[upper]
    same = owners[upper[0]] == owners[upper[1]]
    return np.sort(cosines[~same]), cosines[same]


def cosines_at(different: NDArray[np.float32], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine that this share of the sorted pairs reaches, for each of the rates."""
    places = np.maximum(1, np.round(rates * len(different))).astype(int)
    return np.asarray(different[-places], np.float64)


def line(rates: NDArray[np.float64], cosines: NDArray[np.float64]) -> tuple[float, float]:
    """Return the cosine at a false accept rate of 1e-3 and what it rises with each decade: least squares."""
    slope, start = np.polyfit(-np.log10(rates) - 3, cosines, 1)
    return float(start), float(slope)


def compare_children(different: NDArray[np.float32], same: NDArray[np.float32], calibration: Calibration) -> None:
    """Print what the thresholds of adults and those of children accept, in events of three sizes.

    The portraits show adults: what is measured is how much stricter the thresholds are, not how alike children are.
    """
    print("faces of an event: threshold, false accepts, true accepts; of adults | of children")
    for faces in EVENTS:
        adults = thresholds_for(faces, calibration)
        for_both = (adults.first, stricter(adults, calibration).first)
        cells = (f"{each:.3f} {np.mean(different >= each):.1e} {np.mean(same >= each):.3f}" for each in for_both)
        print(f"  {faces:6,}: {' | '.join(cells)}")


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--provider", choices=("local", "dlib"), default="local")
    given = parser.parse_args(arguments)
    people = embedded(given.faces, make_engine(Settings(face_recognizer_provider=given.provider)))
    if len(people) < 2:
        print(f"{given.faces} holds no portraits of two people", file=sys.stderr)
        return 1
    different, same = pairs(people)
    rates = RATES[RATES * len(different) >= FEWEST]
    cosines = cosines_at(different, rates)
    print(f"{sum(map(len, people.values()))} faces of {len(people)} people")
    print(f"{len(different):,} pairs of different people, {len(same):,} of one person")
    for rate, cosine in zip(rates, cosines, strict=True):
        print(f"  {rate:9.2e}  cosine {cosine:.4f}  true accept rate {np.mean(same >= cosine):.4f}")
    compare_children(different, same, calibration_of(ENGINE_IDS[given.provider]))
    start, slope = line(rates, cosines)
    print(f"at 1e-3 {start:.4f}, per decade {slope:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
