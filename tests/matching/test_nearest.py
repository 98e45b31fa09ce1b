"""Whose a face is, when several guests may be it: numbers alone."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from faces.calibration import LOCAL
from matching.claims.nearest import RIVALS, Claim, SamePerson, standings

MARGIN = LOCAL.margin


def one_person(*pairs: tuple[int, int]) -> SamePerson:
    known = {frozenset(pair) for pair in pairs}

    def same(here: Sequence[int], there: Sequence[int]) -> NDArray[np.bool_]:
        return np.array([[frozenset((a, b)) in known for b in there] for a in here])

    return same


def claim(user_id: int, similarity: float, *, accepted: bool = True, confirmed: bool = False) -> Claim:
    return Claim(user_id, similarity, accepted, confirmed)


NOBODY = one_person()
CASES = {
    "alone": ([claim(1, 0.5)], NOBODY, {1: "match"}),
    "alone, below the threshold": ([claim(1, 0.39, accepted=False)], NOBODY, {1: "maybe"}),
    "the nearer one gets it": ([claim(1, 0.62), claim(2, 0.50)], NOBODY, {1: "match", 2: "lost"}),
    "just at the margin": ([claim(1, 0.54), claim(2, 0.50)], NOBODY, {1: "match", 2: "lost"}),
    "too near to tell": ([claim(1, 0.53), claim(2, 0.50)], NOBODY, {1: "maybe", 2: "maybe"}),
    "a third, far behind": (
        [claim(1, 0.60), claim(2, 0.58), claim(3, 0.45)],
        NOBODY,
        {1: "maybe", 2: "maybe", 3: "lost"},
    ),
    "two accounts of one person": ([claim(1, 0.60), claim(2, 0.50)], one_person((1, 2)), {1: "match", 2: "match"}),
    "two accounts of one person and a stranger": (
        [claim(1, 0.70), claim(2, 0.60), claim(3, 0.50)],
        one_person((1, 2)),
        {1: "match", 2: "match", 3: "lost"},
    ),
    "no question about the face of another": (
        [claim(1, 0.60), claim(2, 0.38, accepted=False)],
        NOBODY,
        {1: "match", 2: "lost"},
    ),
    "a question when it is close": (
        [claim(1, 0.41), claim(2, 0.39, accepted=False)],
        NOBODY,
        {1: "match", 2: "maybe"},
    ),
    "what is confirmed stays": (
        [claim(1, 0.50), claim(2, 0.40, confirmed=True)],
        NOBODY,
        {1: "match", 2: "match"},
    ),
    "what is confirmed and about as near to another": (
        [claim(1, 0.60), claim(2, 0.58, confirmed=True)],
        NOBODY,
        {1: "maybe", 2: "match"},
    ),
    "what is confirmed, and another is near but not accepted": (
        [claim(1, 0.60, accepted=False), claim(2, 0.30, confirmed=True)],
        NOBODY,
        {1: "maybe", 2: "match"},
    ),
    "what is confirmed and surely is the face of another": (
        [claim(1, 0.60), claim(2, 0.40, confirmed=True)],
        NOBODY,
        {1: "match", 2: "lost"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_gets_a_face(case: str) -> None:
    claims, same, expected = CASES[case]
    for order in permutations(claims):
        assert standings(order, same, LOCAL) == expected


def test_of_thousands_of_accounts_each_is_compared_with_few() -> None:
    compared = []

    def same(here: Sequence[int], there: Sequence[int]) -> NDArray[np.bool_]:
        compared.append((len(here), len(there)))
        return np.ones((len(here), len(there)), np.bool_)

    told = standings([claim(number, 0.6) for number in range(3_000)], same, LOCAL)
    assert set(told.values()) == {"match"}
    assert compared == [(3_000, RIVALS)]
