"""Counts how right a matching is."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """Pairs of photo and guest: those there are, those claimed, and those claimed rightly."""

    there: int = 0
    claimed: int = 0
    right: int = 0

    @property
    def precision(self) -> float:
        """Right among claimed; 1 without any claim."""
        return self.right / self.claimed if self.claimed else 1.0

    @property
    def recall(self) -> float:
        """Right among all there are; 1 where there is none."""
        return self.right / self.there if self.there else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def plus(self, other: "Tally") -> "Tally":
        """Return the sum of both."""
        return Tally(self.there + other.there, self.claimed + other.claimed, self.right + other.right)

    def told(self) -> dict[str, float]:
        """Return all numbers by name."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**asdict(self), **{name: round(value, 4) for name, value in shares.items()}}


def tally_of(found: Iterable[tuple[str, str]], truth: dict[str, set[str]]) -> Tally:
    """Return the tally of the pairs of photo and guest that were found; `truth` has the guests of each photo."""
    claimed = set(found)
    there = {(photo, guest) for photo, guests in truth.items() for guest in guests}
    return Tally(len(there), len(claimed), len(claimed & there))
