"""Whose a face is when it may be several guests': arithmetic only.

Of guests whose candidates are accepted, the most similar one gets the face if the others are behind by a margin.
Those within the margin are asked ("maybe"), the ones behind it lose the face. Two accounts of one person are no
rivals: both get it. What a guest has confirmed stays theirs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

MATCH, MAYBE, LOST = "match", "maybe", "lost"
SamePerson = Callable[[int, int], bool]


class Claim(NamedTuple):
    """That a face may be a guest's: see `models.FaceCandidate`."""

    user_id: int
    similarity: float
    accepted: bool
    confirmed: bool


def standings(claims: Sequence[Claim], same_person: SamePerson, margin: float) -> dict[int, str]:
    """Return for each guest who claims one face, by the guest's id, what comes of it: match, maybe or lost.

    `same_person` tells of two guests whether their portraits surely show one person. It is asked only about guests
    of whom one has an accepted claim.
    """
    return {claim.user_id: _standing(claim, claims, same_person, margin) for claim in claims}


def _standing(claim: Claim, claims: Sequence[Claim], same_person: SamePerson, margin: float) -> str:
    if claim.confirmed:
        return MATCH
    rivals = [
        other.similarity
        for other in claims
        if (other.accepted or other.confirmed)
        and other.user_id != claim.user_id
        and not same_person(claim.user_id, other.user_id)
    ]
    # Rounded as similarities are, so that two on the margin are judged alike from either side.
    lead = round(claim.similarity - max(rivals), 6) if rivals else margin
    if lead <= -margin:
        return LOST
    return MATCH if claim.accepted and lead >= margin else MAYBE


def is_surely(rival: Claim, similarity: float, sure: float, margin: float) -> bool:
    """Return whether a face surely is the rival's: accepted, at least `sure`, and nearer by a margin."""
    return rival.accepted and rival.similarity >= sure and round(rival.similarity - similarity, 6) >= margin
