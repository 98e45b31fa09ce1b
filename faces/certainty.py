"""How far a face of a photo can be trusted: the embedding of a weak or tiny face is shorter than 1.

Every similarity is a product with an embedding, so a shorter one has to be more similar by the same part: for every
threshold, in both passes, against other guests, in the mean, and in what a guest is asked about.
"""

from faces.boxes import side
from faces.calibration import Calibration
from faces.engine import LocatedFace

# By side in px of the photo, and by the detector's score: trusted wholly from the first up; from the second down, as
# little as possible. Measured on crowds: docs/matching.md.
SIDES = (36.0, 24.0)
SCORES = (0.88, 0.75)
# What each costs at most: in decades of the false accept rate, at the threshold of a small event.
DECADES = 0.65


def length_of(face: LocatedFace, calibration: Calibration) -> float:
    """Return the length of the face's embedding: 1, or less for a weak or tiny face."""
    doubts = _doubt(side(face), *SIDES) + _doubt(face.quality, *SCORES)
    return calibration.lowest / (calibration.lowest + DECADES * doubts * calibration.per_decade)


def _doubt(value: float, trusted: float, least: float) -> float:
    """Return 0 from `trusted` up, 1 from `least` down, and what is between linearly."""
    return min(1.0, max(0.0, (trusted - value) / (trusted - least)))
