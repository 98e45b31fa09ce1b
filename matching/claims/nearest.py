"""Whose a face is when it may be several guests': arithmetic only.

Of guests whose candidates are accepted, the most similar one gets the face if the others are behind by a margin.
Those within the margin are asked ("maybe"), the ones behind it lose the face. Two accounts of one person are no
rivals: both get it. What a guest has confirmed stays theirs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MATCH, MAYBE, LOST = "match", "maybe", "lost"
# Accounts that each is compared with, the most similar ones: so that thousands of accounts with one portrait cost
# little. Beyond them an account has no rivals.
RIVALS = 64
# Whether each of n guests and each of m guests are one person, by their ids: (n, m).
SamePerson = Callable[[Sequence[int], Sequence[int]], NDArray[np.bool_]]


class Claim(NamedTuple):
    """That a face may be a guest's: see `models.FaceCandidate`."""

    user_id: int
    similarity: float
    accepted: bool
    confirmed: bool


def standings(claims: Sequence[Claim], same_person: SamePerson, margin: float) -> dict[int, str]:
    """Return for each guest who claims one face, by the guest's id, what comes of it: match, maybe or lost.

    `same_person` tells of guests whether their portraits surely show one person; it is asked only if a guest has a
    rival.
    """
    strong = [each for each in claims if each.accepted or each.confirmed]
    rivals = sorted(strong, key=lambda each: (-each.similarity, each.user_id))[:RIVALS]
    if len(claims) < 2 or not rivals:
        return {each.user_id: _standing(each, margin, margin) for each in claims}
    ids, rival_ids = np.array([each.user_id for each in claims]), np.array([each.user_id for each in rivals])
    no_rival = (ids[:, None] == rival_ids) | same_person(ids.tolist(), rival_ids.tolist())
    nearest = np.where(no_rival, -np.inf, [each.similarity for each in rivals]).max(axis=1)
    # Rounded as similarities are, so that two on the margin are judged alike from either side.
    leads = np.round([each.similarity for each in claims] - nearest, 6).tolist()
    return {each.user_id: _standing(each, lead, margin) for each, lead in zip(claims, leads, strict=True)}


def _standing(claim: Claim, lead: float, margin: float) -> str:
    """Return what comes of a claim that is `lead` more similar than the nearest rival's."""
    if claim.confirmed:
        return MATCH
    if lead <= -margin:
        return LOST
    return MATCH if claim.accepted and lead >= margin else MAYBE


def is_surely(rival: Claim, similarity: float, sure: float, margin: float) -> bool:
    """Return whether a face surely is the rival's: accepted, at least `sure`, and nearer by a margin."""
    return rival.accepted and rival.similarity >= sure and round(rival.similarity - similarity, 6) >= margin
