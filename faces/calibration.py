"""Calibrations: from which similarity of an engine two faces are one person, and which score a guest is shown.

For faces of different people, the share of pairs above a similarity (the false accept rate) falls by a factor of ten
with each further `per_decade`. With one measured point this line gives the similarity for any false accept rate.
"""

import math
from dataclasses import dataclass

# Steps of a threshold and the distance of the second pass, in decades of the false accept rate. For the local engine
# they are cosines of 0.02 and 0.04.
STEP_DECADES = 0.3683
# Steps that a threshold rises at most. Beyond, the first pass would find too few faces for the second to start from.
MOST_STEPS = 9
MARGIN_STEPS = 2
# The false accept rate at which two pictures surely show one person.
SURELY = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """An engine's similarity of different people, as measured, and the threshold for small events.

    The false accept rate is 1e-3 at `at_1e_3` and ten times lower with each further `per_decade`. Similarities are
    cosines of unit embeddings; `lowest` is the one from which a face counts in a small event.
    """

    at_1e_3: float
    per_decade: float
    lowest: float
    # False: the numbers are assumed. Then the threshold does not rise with the number of faces.
    measured: bool = True

    @property
    def step(self) -> float:
        """The difference between two thresholds that follow each other."""
        return round(STEP_DECADES * self.per_decade, 4)

    @property
    def margin(self) -> float:
        """By how much the second pass is stricter than the first."""
        return round(MARGIN_STEPS * self.step, 4)

    @property
    def sure(self) -> float:
        """The similarity from which two pictures surely show one person: once in a million pairs they do not."""
        return round(self.at(SURELY), 6)

    def at(self, false_accept_rate: float) -> float:
        """Return the similarity that pairs of different people exceed at this rate."""
        return self.at_1e_3 + self.per_decade * math.log10(1e-3 / false_accept_rate)

    def threshold(self, false_accept_rate: float, lowest: float | None = None) -> float:
        """Return the first step from `lowest` (default: the engine's) at which the rate is not exceeded.

        At most nine steps above the engine's own lowest threshold, but never below `lowest`.
        """
        start = self.lowest if lowest is None else lowest
        if not self.measured:
            return start
        steps = math.ceil(round((self.at(false_accept_rate) - start) / self.step, 6))
        highest = self.lowest + MOST_STEPS * self.step
        return round(max(start, min(start + max(0, steps) * self.step, highest)), 4)

    def score(self, similarity: float) -> float:
        """Return what a guest is shown of a similarity, 0 to 100 with two decimals, comparable between engines.

        Scores are cosines of the local engine times 100. Below the engine's threshold for small events, a similarity
        is converted to the local cosine with the same false accept rate; from there to 1, linearly.
        """
        if similarity >= self.lowest:
            part = (similarity - self.lowest) / (1 - self.lowest)
            shown = LOCAL.lowest + part * (1 - LOCAL.lowest)
        else:
            shown = LOCAL.lowest - (self.lowest - similarity) * LOCAL.per_decade / self.per_decade
        return round(100 * min(1.0, max(0.0, shown)), 2)


# YuNet and SFace on LFW, 7.5 million pairs of different people, measured before `bench.calibrate` existed. That gives
# 0.3460 and 0.0530 now; these numbers are stricter by a fifth to a quarter of a decade.
LOCAL = Calibration(at_1e_3=0.3558, per_decade=0.0543, lowest=0.40)
# dlib on LFW, 7.4 million pairs of different people; the line that fits the rates 1e-3 to 1e-6 best.
DLIB = Calibration(at_1e_3=0.9276, per_decade=0.0118, lowest=0.936)
# Microsoft calls two faces the same person from a confidence of 0.5 (Face API, Verify). The rest is assumed.
AZURE = Calibration(at_1e_3=0.5, per_decade=0.1, lowest=0.5, measured=False)
