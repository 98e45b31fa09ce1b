"""What an engine finds in what it saw, by the functions of the service's matching, against the truth.

Every portrait is tried alone, as that of a guest who has sent one selfie: its pairs of photo and guest are counted,
and summed over all portraits. Beside that, all portraits of a guest together, matched by the best.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bench.evaluate.face_measures import CLASSES, classes_of
from bench.evaluate.pictures_read import PhotoFace, Portrait, Seen
from faces.calibration import Calibration
from matching import similarity
from matching.matrices import Block, as_matrix, quantised
from matching.similarity import FaceScore, Thresholds, find_matches

# The thresholds of the curves: from so many decades of the false accept rate below the engine's own to above it.
DECADES_BELOW, DECADES_ABOVE, PER_DECADE = 4, 8, 4
Truth = dict[str, set[str]]


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


@dataclass(frozen=True, slots=True)
class Confusion:
    """A match that is wrong, or one that is missing: the portrait, the face, how similar they are, and who it is.

    `who` is the guest whose face it is, by the truth and the similarities; None is a person without a portrait.
    """

    portrait: Portrait
    face: PhotoFace
    cosine: float
    who: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """An engine's results: at the service's own threshold, over all thresholds, by class, and the worst confusions.

    `no_face` counts the appearances of guests in photos where no face is left that could be theirs.
    """

    thresholds: Thresholds
    single: Tally
    together: Tally
    curve: list[tuple[float, Tally]]
    classes: dict[str, list[Tally]]
    no_face: int
    wrong: list[Confusion]
    missed: list[Confusion]

    @property
    def best(self) -> tuple[float, Tally]:
        """The threshold with the highest F1, of equal ones the highest."""
        return max(self.curve, key=lambda each: (each[1].f1, each[0]))


class Judge:
    """Compares what one engine saw with the truth."""

    def __init__(self, seen: Seen, truth: Truth, calibration: Calibration, lowest: float | None = None) -> None:
        """`lowest` is the threshold for small events, by default the calibration's."""
        self._seen, self._calibration, self._lowest = seen, calibration, lowest
        # A photo that could not be read says nothing about the engine.
        self._truth = {photo: truth[photo] for photo in seen.photos}
        self._names = {photo: number for number, photo in enumerate(seen.photos)}
        self._blocks = self._as_blocks()
        self._owners = self._owners_of_faces()

    def _as_blocks(self) -> tuple[Block, ...]:
        faces = self._seen.faces
        if not faces:
            return ()
        photos = np.array([self._names[face.photo] for face in faces], np.int64)
        rows = quantised(as_matrix([face.embedding.astype(np.float32).tobytes() for face in faces]))
        return (Block(np.arange(len(faces), dtype=np.int64), photos, rows),)

    def _cosines(self, portrait: Portrait) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return np.asarray(similarity.exact_cosines(self._blocks[0].embeddings, portrait.embedding))

    def _owners_of_faces(self) -> dict[int, str]:
        """Return whose each face is, by its index: the truth names guests in photos, not faces.

        In each photo the most similar pair of a guest named and a face left belong together, and so on.
        """
        if not self._blocks:
            return {}
        nearest: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
        for portrait in self._seen.portraits:
            cosines = self._cosines(portrait)
            nearest[portrait.guest] = np.maximum(nearest.get(portrait.guest, cosines), cosines)
        owners = dict[int, str]()
        for photo, guests in self._truth.items():
            faces = np.flatnonzero(self._blocks[0].photo_ids == self._names[photo]).tolist()
            pairs = [(nearest[guest][face], face, guest) for guest in guests & nearest.keys() for face in faces]
            given = set[str]()
            for _, face, guest in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
                if face not in owners and guest not in given:
                    owners[face] = guest
                    given.add(guest)
        return owners

    def _found(self, portrait: Portrait, thresholds: Thresholds) -> dict[str, FaceScore]:
        """Return the photos matched with one portrait."""
        found = find_matches(self._blocks, portrait.embedding, thresholds).faces
        return {self._seen.photos[photo]: score for photo, score in found.items()}

    def _at(self, threshold: float) -> Thresholds:
        return Thresholds(threshold, round(threshold + self._calibration.margin, 4))

    def _photos_of(self, guest: str) -> set[str]:
        return {photo for photo, shown in self._truth.items() if guest in shown}

    def single(self, thresholds: Thresholds) -> Tally:
        """Return the tally of every portrait alone, summed."""
        total = Tally()
        for portrait in self._seen.portraits:
            total = total.plus(_tally(self._found(portrait, thresholds).keys(), self._photos_of(portrait.guest)))
        return total

    def together(self, thresholds: Thresholds) -> Tally:
        """Return the tally of all portraits of each guest."""
        total = Tally()
        for guest, portraits in _by_guest(self._seen.portraits).items():
            claimed = {photo for each in portraits for photo in self._found(each, thresholds)}
            total = total.plus(_tally(claimed, self._photos_of(guest)))
        return total

    def judged(self, confusions: int) -> Judged:
        """Return all results, with so many of the worst confusions of each kind."""
        thresholds = similarity.thresholds_for(len(self._seen.faces), self._calibration, self._lowest)
        step = self._calibration.per_decade / PER_DECADE
        places = range(-DECADES_BELOW * PER_DECADE, DECADES_ABOVE * PER_DECADE + 1)
        grid = [round(self._calibration.lowest + place * step, 4) for place in places]
        wrong, missed = self._confusions(thresholds)
        classes, no_face = self._by_class(thresholds)
        return Judged(
            thresholds=thresholds,
            single=self.single(thresholds),
            together=self.together(thresholds),
            curve=[(each, self.single(self._at(each))) for each in grid if 0 < each < 1],
            classes=classes,
            no_face=no_face,
            wrong=wrong[:confusions],
            missed=missed[:confusions],
        )

    def _by_class(self, thresholds: Thresholds) -> tuple[dict[str, list[Tally]], int]:
        """Return the tallies of each class of each measure, and the appearances that have no face.

        An appearance counts in the class of the guest's face, a claim in that of the face that was claimed.
        """
        counts = {name: [Counter[str]() for _ in classes.names] for name, classes in CLASSES.items()}
        face_of = {(self._seen.faces[face].photo, guest): face for face, guest in self._owners.items()}
        no_face = 0
        for portrait in self._seen.portraits:
            found, photos = self._found(portrait, thresholds), self._photos_of(portrait.guest)
            for photo in photos:
                face = face_of.get((photo, portrait.guest))
                if face is None:
                    no_face += 1
                else:
                    self._count(counts, face, {"there": 1, "right": int(photo in found)})
            for score in found.values():
                right = self._seen.faces[score.face_id].photo in photos
                self._count(counts, score.face_id, {"claimed": 1, "claimed rightly": int(right)})
        return {name: [_of_class(each) for each in places] for name, places in counts.items()}, no_face

    def _count(self, counts: dict[str, list[Counter[str]]], face: int, what: dict[str, int]) -> None:
        for name, place in classes_of(self._seen.faces[face].measures).items():
            counts[name][place].update(what)

    def _confusions(self, thresholds: Thresholds) -> tuple[list[Confusion], list[Confusion]]:
        """Return the wrong matches, the most similar first, and the missing ones, the least similar first."""
        wrong, missed = list[Confusion](), list[Confusion]()
        face_of = {(self._seen.faces[face].photo, guest): face for face, guest in self._owners.items()}
        for portrait in self._seen.portraits:
            found, photos = self._found(portrait, thresholds), self._photos_of(portrait.guest)
            for photo in found.keys() - photos:
                score = found[photo]
                who = self._owners.get(score.face_id)
                wrong.append(Confusion(portrait, self._seen.faces[score.face_id], score.cosine, who))
            for photo in photos - found.keys():
                face = face_of.get((photo, portrait.guest))
                if face is not None:
                    cosine = float(self._cosines(portrait)[face])
                    missed.append(Confusion(portrait, self._seen.faces[face], cosine, portrait.guest))
        wrong.sort(key=lambda each: (-each.cosine, each.portrait.file, each.face.photo))
        missed.sort(key=lambda each: (each.cosine, each.portrait.file, each.face.photo))
        return wrong, missed


@dataclass(frozen=True, slots=True)
class ClassTally(Tally):
    """The tally of a class: a claim may be right although the guest's own face is in another class."""

    rightly: int = 0

    @property
    def precision(self) -> float:
        """Rightly claimed among claimed."""
        return self.rightly / self.claimed if self.claimed else 1.0


def _of_class(count: Counter[str]) -> Tally:
    return ClassTally(count["there"], count["claimed"], count["right"], count["claimed rightly"])


def _tally(claimed: Iterable[str], photos: set[str]) -> Tally:
    there = set(claimed)
    return Tally(len(photos), len(there), len(there & photos))


def _by_guest(portraits: Sequence[Portrait]) -> dict[str, list[Portrait]]:
    found = dict[str, list[Portrait]]()
    for portrait in portraits:
        found.setdefault(portrait.guest, []).append(portrait)
    return found
