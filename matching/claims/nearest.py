"""Decides whose a face is when it may be several guests': arithmetic only.

Of the guests whose candidates are accepted, the most similar one gets the face if all others are less similar by a
margin. Guests within the margin are asked ("maybe"); guests below it lose the face. Two accounts of one person are no
rivals: both get it. A face that a guest has confirmed stays that guest's, unless it clearly is a rival's.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faces.calibration import Calibration
from faces.engine import Embeddings

MATCH, MAYBE, LOST = "match", "maybe", "lost"
# Each claim is compared with this many others at most, the most similar ones. Bounds the cost where thousands of
# accounts have one portrait.
RIVALS = 64
# Whether each of n guests and each of m guests are one person, by their ids: (n, m).
SamePerson = Callable[[Sequence[int], Sequence[int]], NDArray[np.bool_]]


class Claim(NamedTuple):
    """A guest's candidate for one face: see `models.FaceCandidate`."""

    user_id: int
    similarity: float
    accepted: bool
    confirmed: bool


def surely_one_person(
    portraits: Sequence[Embeddings], others: Sequence[Embeddings], calibration: Calibration
) -> NDArray[np.bool_]:
    """Return whether a portrait of each of n guests surely shows each of m guests, as (n, m).

    `portraits` and `others` hold each guest's embeddings (portraits, dimensions), which may be none.
    """
    told = np.zeros((len(portraits), len(others)), np.bool_)
    rows, owners = _stacked(portraits)
    columns, other_owners = _stacked(others)
    if rows.size and columns.size:
        near = np.argwhere(rows @ columns.T >= calibration.sure)
        told[owners[near[:, 0]], other_owners[near[:, 1]]] = True
    return told


def _stacked(matrices: Sequence[Embeddings]) -> tuple[Embeddings, NDArray[np.intp]]:
    """Return the rows of all guests in one matrix, and for each row the place of its guest."""
    owners = np.repeat(np.arange(len(matrices)), [len(each) for each in matrices])
    with_rows = [each for each in matrices if each.size]
    return (np.concatenate(with_rows) if with_rows else np.zeros((0, 0), np.float32)), owners


def standings(claims: Sequence[Claim], same_person: SamePerson, calibration: Calibration) -> dict[int, str]:
    """Return for each guest who claims one face, by the guest's id, what comes of it: match, maybe or lost.

    `same_person` returns which guests are one person by their portraits; called only if there are several claims.
    """
    margin = calibration.margin
    strong = [each for each in claims if each.accepted or each.confirmed]
    rivals = sorted(strong, key=lambda each: (-each.similarity, each.user_id))[:RIVALS]
    if len(claims) < 2 or not rivals:
        return {each.user_id: _standing(each, margin, margin, is_clear=False) for each in claims}
    ids, rival_ids = np.array([each.user_id for each in claims]), np.array([each.user_id for each in rivals])
    no_rival = (ids[:, None] == rival_ids) | same_person(ids.tolist(), rival_ids.tolist())
    nearest = np.where(no_rival, -np.inf, [each.similarity for each in rivals]).max(axis=1)
    # Rounded as similarities are, so that two on the margin are judged alike from either side.
    leads = np.round([each.similarity for each in claims] - nearest, 6).tolist()
    clear = (nearest >= calibration.sure).tolist()
    return {
        each.user_id: _standing(each, lead, margin, is_clear=is_clear)
        for each, lead, is_clear in zip(claims, leads, clear, strict=True)
    }


def _standing(claim: Claim, lead: float, margin: float, *, is_clear: bool) -> str:
    """Return what comes of a claim that is `lead` more similar than the nearest rival's.

    `is_clear`: the nearest rival is so similar that the face surely is theirs, if they are nearer by the margin.
    """
    if lead <= -margin and (is_clear or not claim.confirmed):
        return LOST
    if claim.confirmed:
        return MATCH
    return MATCH if claim.accepted and lead >= margin else MAYBE
