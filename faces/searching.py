"""Finds every face of a photo with a detector that sees faces of about 20 to 300 px.

A first pass sees the whole photo at 1280 px. Then, as far as the first pass leaves doubts:

- a look at 320 px with a margin finds a face that fills the frame (always: it costs 2 ms);
- turned looks find faces that lie on their side, where nothing sure was found;
- tiles find small faces in photos above 13 megapixels, and where the first pass finds small faces;
- a closer look at each weak or small find decides whether it is a face, and where its landmarks are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faces.boxes import SAME_FACE, TURNS, WEAK, merged, moved, overlap, rotated, side, turned_back
from faces.closer import Look, closer
from faces.engine import PADDING, BgrImage, LocatedFace, padded
from faces.tiles import tiles

# Lowest score of a face; of a hint, which a closer look must confirm; of what a closer look confirms; and of what it
# leaves open, so that the first score counts.
LIKELY, HINT, CONFIRMED, DENIED = 0.7, 0.08, 0.8, 0.4
# A pass in which a face of 54 px of the photo has 20. There, nearly all are hints, and a closer look confirms them.
# At 22.5 px no more are found, for a quarter more pixels.
SCAN = 20 / 54
# Photos with more pixels are always scanned: at 1280 px, too few of the faces of 54 px are hinted at.
SCANNED_PIXELS = 13_000_000
# A scan that is hardly larger than the first pass finds nothing more.
WORTHWHILE = 1.15
# Px in a pass below which a face is looked at closer, for its landmarks; one of them in the first pass means a scan.
SMALL = 24.0
# Closer looks: so many at first, in an ordinary photo and in one that is scanned; then as many as a sheet holds, as
# long as the last ones have confirmed a hint; and the most in all.
FEW, MORE, MOST = 16, 64, 512
# Looks at the whole photo, padded and turned: px of its long side. For turned ones, the least, the most, and the part
# of the photo's own.
FRAME_SIDE, TURNED_SIDE, TURNED_MOST, TURNED_PART = 320, 640, 1280, 0.16
# Of the photo's short side, what a face has at least to be one that fills the frame.
FILLS = 0.4
# The score from which a face stands upright, and by how much a turned one must be surer than the best that does not.
UPRIGHT, SURER = 0.9, 0.03


@dataclass(frozen=True, slots=True)
class Search:
    """A search in one photo: `look` is the detector, `long_side` the first pass's, `scale` photo px per image px."""

    look: Look
    image: BgrImage
    long_side: int
    scale: float

    def faces(self) -> list[LocatedFace]:
        """Return the faces by descending score, in px of the image."""
        small = shrunk(self.image, self.long_side)
        found = self._upright(small)
        turn = None if _best(found) >= UPRIGHT else self._turn(small, found)
        if turn is None:
            return found
        height, width = self.image.shape[:2]
        turned = Search(self.look, rotated(self.image, turn), self.long_side, self.scale)
        return [turned_back(face, turn, width, height) for face in turned._upright(rotated(small, turn))]

    def _upright(self, small: BgrImage) -> list[LocatedFace]:
        """Return the faces that stand upright in the image, of which `small` is the first pass's copy."""
        stretch = _stretch(self.image, small)
        first = [moved(face, stretch) for face in self.look(small, HINT)]
        tiny = SMALL * stretch[0]
        crowded = any(face.quality >= LIKELY and side(face) < tiny for face in first)
        height, width = (length * self.scale for length in self.image.shape[:2])
        large = scan_side(width, height) > 0
        seen = [*first, *self._filling(small, first)]
        wanted = math.ceil(SCAN * max(height, width))
        if (large or crowded) and wanted > WORTHWHILE * max(small.shape[:2]):
            enlarged = max(1.0, max(self.image.shape[:2]) / wanted)
            seen += [moved(face, (enlarged, enlarged)) for face in self._scanned(enlarged)]
            tiny = SMALL * enlarged
        return self._judged(merged(seen), tiny, MORE if large or crowded else FEW)

    def _filling(self, small: BgrImage, first: Sequence[LocatedFace]) -> list[LocatedFace]:
        """Return faces that fill the frame, and which the first pass did not see as a whole, in px of the image."""
        stretch = _stretch(self.image, small)
        found = [moved(face, stretch) for face in _filling(self.look, small)]
        sure = [face for face in first if face.quality >= WEAK]
        return [face for face in found if not any(overlap(face, each) >= SAME_FACE for each in sure)]

    def _scanned(self, shrink: float) -> list[LocatedFace]:
        """Return the small faces and hints of the image at a size `shrink` times smaller, in px of that.

        Tile by tile, so that no second copy of a large photo is made.
        """
        height, width = self.image.shape[:2]
        found = list[LocatedFace]()
        for tile in tiles(round(width / shrink), round(height / shrink)):
            left, top = round(tile.left * shrink), round(tile.top * shrink)
            right, bottom = round((tile.left + tile.width) * shrink), round((tile.top + tile.height) * shrink)
            cut = self.image[top:bottom, left:right]
            part = shrunk(cut, round(max(cut.shape[:2]) / shrink))
            stretch = cut.shape[1] / part.shape[1] / shrink, cut.shape[0] / part.shape[0] / shrink
            below, beside = max(0, tile.height - part.shape[0]), max(0, tile.width - part.shape[1])
            whole = cv2.copyMakeBorder(part, 0, below, 0, beside, cv2.BORDER_CONSTANT) if below or beside else part
            there = [moved(face, stretch) for face in self.look(np.asarray(whole, np.uint8), HINT)]
            placed = [moved(face, (1.0, 1.0), left / shrink, top / shrink) for face in there]
            found += [face for face in placed if tile.owns(face)]
        return found

    def _judged(self, seen: Sequence[LocatedFace], tiny: float, start: int) -> list[LocatedFace]:
        """Return what are faces; those smaller than `tiny` and mere hints are looked at closer, `start` at first."""
        faces = [face for face in seen if face.quality >= LIKELY and side(face) >= tiny]
        doubtful = [face for face in seen if face.quality < LIKELY or side(face) < tiny]
        done, count = 0, start
        while count:
            asked = doubtful[done : done + count]
            done += len(asked)
            confirmed = self._closer(asked, faces)
            count = min(MORE, MOST - done, len(doubtful) - done) if confirmed else 0
        faces += [face for face in doubtful[done:] if face.quality >= LIKELY]
        return merged(faces)

    def _closer(self, asked: Sequence[LocatedFace], faces: list[LocatedFace]) -> bool:
        """Add those of `asked` to the faces that a closer look confirms; return whether there is one."""
        confirmed = False
        for face, again in zip(asked, closer(self.look, self.image, asked, DENIED), strict=True):
            if again is not None and again.quality >= CONFIRMED:
                faces.append(again)
                confirmed = True
            elif face.quality >= (LIKELY if again is not None else WEAK):
                faces.append(face)
        return confirmed

    def _turn(self, small: BgrImage, found: Sequence[LocatedFace]) -> int | None:
        """Return how the picture is to be turned for its faces to stand upright; None if it is as it should be."""
        part = TURNED_PART * self.scale * max(self.image.shape[:2])
        reduced = shrunk(small, round(min(TURNED_MOST, max(TURNED_SIDE, part))))
        best, best_turn = _best(found) + SURER, None
        for turn in TURNS:
            turned = rotated(reduced, turn)
            faces = merged([*self.look(turned, LIKELY), *_filling(self.look, turned)])
            if _best(faces) >= max(best, WEAK) and _evidence(faces) > _evidence(found):
                best, best_turn = _best(faces), turn
        return best_turn


def scan_side(width: float, height: float) -> int:
    """Return the long side, in px, at which a photo of that size is scanned whatever it shows; 0: it is not."""
    return math.ceil(SCAN * max(width, height)) if width * height > SCANNED_PIXELS else 0


def _filling(look: Look, image: BgrImage) -> list[LocatedFace]:
    """Return the faces that fill the frame, in px of the image: seen small, with a margin."""
    frame = shrunk(image, round(FRAME_SIDE / (1 + 2 * PADDING)))
    margin = round(max(frame.shape[:2]) * PADDING)
    least = FILLS * min(frame.shape[:2])
    found = [face for face in look(padded(frame), LIKELY) if side(face) >= least]
    return [moved(face, _stretch(image, frame), -margin, -margin) for face in found]


def _best(faces: Sequence[LocatedFace]) -> float:
    return max((face.quality for face in faces), default=0.0)


def _evidence(faces: Sequence[LocatedFace]) -> float:
    return sum(max(0.0, face.quality - LIKELY) for face in faces)


def shrunk(image: BgrImage, long_side: int) -> BgrImage:
    """Return the image with its long side at `long_side` px at most.

    Halved as often as that goes, then by linear interpolation: so every pixel counts, in a sixth of the time of
    INTER_AREA.
    """
    while True:
        height, width = image.shape[:2]
        factor = max(0.5, long_side / max(height, width))
        if factor >= 1:
            return image
        size = max(1, round(width * factor)), max(1, round(height * factor))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _stretch(image: BgrImage, copy: BgrImage) -> tuple[float, float]:
    """Return by which factors (x, y) the image is larger than its copy."""
    return image.shape[1] / copy.shape[1], image.shape[0] / copy.shape[0]
