"""Matches the faces of one photo with guests, by the functions of the service."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from encryption.templates import quantised
from faces.calibration import LOCAL
from matching.claims.nearest import MATCH, Claim, standings, surely_one_person
from matching.matrices import Block, Embeddings
from matching.similarity import Portrait, find_candidates, thresholds_for


def matched_faces(faces: Sequence[Embeddings], portraits: Sequence[Embeddings]) -> list[tuple[int, int]]:
    """Return the pairs of face and guest, by their places, that an event of one photo would have (engine `local`)."""
    if not faces:
        return []
    ids = np.arange(len(faces), dtype=np.int64)
    # Photos of one face each: else a guest's second face in the photo would not show.
    block, thresholds = Block(ids, ids + 1, quantised(np.stack(faces))), thresholds_for(len(faces), LOCAL)
    claims = defaultdict[int, list[Claim]](list)
    for number, embedding in enumerate(portraits):
        for face, each in find_candidates([block], [Portrait(number, embedding)], thresholds).faces.items():
            claims[face].append(Claim(number, each.similarity, each.accepted, confirmed=False))
    one = surely_one_person([row[None] for row in portraits], [row[None] for row in portraits], LOCAL)
    return [
        (face, number)
        for face, of_face in sorted(claims.items())
        for number, told in standings(of_face, lambda ids, others: one[np.ix_(ids, others)], LOCAL).items()
        if told == MATCH
    ]
