"""Compares what an engine finds, by the functions of the service's matching, with the truth.

Simulates events: in the first one every guest has sent the first portrait, in the second one the second, and so on;
the pairs of photo and guest are summed over these events. A further event has all portraits of all guests. As in the
service, a face goes to the most similar of the guests who claim it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evaluate.face_measures import CLASSES, classes_of
from bench.evaluate.pictures_read import PhotoFace, Portrait, Seen
from faces.calibration import Calibration
from matching import similarity
from matching.claims.nearest import MATCH, Claim, standings
from matching.matrices import Block, as_matrix, quantised
from matching.similarity import FaceScore, Thresholds

# The thresholds of the curves, in decades of the false accept rate below and above the engine's own; points a decade.
DECADES_BELOW, DECADES_ABOVE, PER_DECADE = 4, 8, 4
Truth = dict[str, set[str]]
# The portraits that the guests of an event have sent, by guest; and the face found in each photo, by guest and photo.
Sent = dict[str, list[Portrait]]
Matched = dict[str, dict[str, FaceScore]]


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
    """A match that is wrong, or one that is missing: the portrait, the face, their similarity, and whose face it is.

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
        # Photos that could not be read do not count for or against the engine.
        self._truth = {photo: truth[photo] for photo in seen.photos}
        self._names = {photo: number for number, photo in enumerate(seen.photos)}
        self._portraits = _by_guest(seen.portraits)
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

        In each photo, the guests named are assigned to faces, the most similar pair first.
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

    def _photos_of(self, guest: str) -> set[str]:
        return {photo for photo, shown in self._truth.items() if guest in shown}

    def _events(self) -> list[Sent]:
        """Return the events in which every guest has sent one portrait."""
        each = max(map(len, self._portraits.values()))
        return [
            {guest: [found[place]] for guest, found in self._portraits.items() if place < len(found)}
            for place in range(each)
        ]

    def _matched(self, sent: Sent, thresholds: Thresholds) -> Matched:
        """Return what the service would match in an event."""
        guests, claims = list(sent), dict[int, list[Claim]]()
        for number, guest in enumerate(guests):
            portraits = [similarity.Portrait(place, each.embedding) for place, each in enumerate(sent[guest])]
            for face, found in similarity.find_candidates(self._blocks, portraits, thresholds).faces.items():
                claim = Claim(number, found.similarity, found.accepted, confirmed=False)
                claims.setdefault(face, []).append(claim)
        one = self._same_persons([sent[guest] for guest in guests])
        matched: Matched = {guest: {} for guest in guests}
        for face, of_face in sorted(claims.items()):
            told = standings(of_face, lambda ids, others: one[np.ix_(ids, others)], self._calibration)
            for claim in of_face:
                photos, photo = matched[guests[claim.user_id]], self._seen.faces[face].photo
                if told[claim.user_id] == MATCH and (
                    photo not in photos or claim.similarity > photos[photo].similarity
                ):
                    photos[photo] = FaceScore(face, claim.similarity)
        return matched

    def _same_persons(self, sent: list[list[Portrait]]) -> NDArray[np.bool_]:
        """Return which guests (n, n) are surely one person by their portraits, as in the service."""
        rows = np.array([each.embedding for portraits in sent for each in portraits])
        owners = np.repeat(np.arange(len(sent)), [len(portraits) for portraits in sent])
        near = np.argwhere(rows @ rows.T >= self._calibration.sure)
        told = np.zeros((len(sent), len(sent)), np.bool_)
        told[owners[near[:, 0]], owners[near[:, 1]]] = True
        return told

    def tally(self, events: list[Sent], thresholds: Thresholds) -> Tally:
        """Return the sum over these events."""
        total = Tally()
        for sent in events:
            for guest, found in self._matched(sent, thresholds).items():
                total = total.plus(_tally(found, self._photos_of(guest)))
        return total

    def judged(self, confusions: int) -> Judged:
        """Return all results, with so many of the worst confusions of each kind."""
        thresholds = similarity.thresholds_for(len(self._seen.faces), self._calibration, self._lowest)
        step = self._calibration.per_decade / PER_DECADE
        events = self._events()
        at_service = [(sent, self._matched(sent, thresholds)) for sent in events]
        places = range(-DECADES_BELOW * PER_DECADE, DECADES_ABOVE * PER_DECADE + 1)
        grid = [round(self._calibration.lowest + place * step, 4) for place in places]
        wrong, missed = self._confusions(at_service)
        classes, no_face = self._by_class(at_service)
        return Judged(
            thresholds=thresholds,
            single=self.tally(events, thresholds),
            together=self.tally([self._portraits], thresholds),
            curve=[
                (each, self.tally(events, similarity.thresholds_from(each, self._calibration)))
                for each in grid
                if 0 < each < 1
            ],
            classes=classes,
            no_face=no_face,
            wrong=wrong[:confusions],
            missed=missed[:confusions],
        )

    def _by_class(self, events: list[tuple[Sent, Matched]]) -> tuple[dict[str, list[Tally]], int]:
        """Return the tallies of each class of each measure, and the appearances that have no face.

        An appearance counts in the class of the guest's face, a claim in that of the face that was claimed.
        """
        counts = {name: [Counter[str]() for _ in classes.names] for name, classes in CLASSES.items()}
        face_of = {(self._seen.faces[face].photo, guest): face for face, guest in self._owners.items()}
        no_face = 0
        for portrait, found in _alone(events):
            photos = self._photos_of(portrait.guest)
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

    def _confusions(self, events: list[tuple[Sent, Matched]]) -> tuple[list[Confusion], list[Confusion]]:
        """Return the wrong matches, the most similar first, and the missing ones, the least similar first."""
        wrong, missed = list[Confusion](), list[Confusion]()
        face_of = {(self._seen.faces[face].photo, guest): face for face, guest in self._owners.items()}
        for portrait, found in _alone(events):
            photos = self._photos_of(portrait.guest)
            for photo in found.keys() - photos:
                score = found[photo]
                who = self._owners.get(score.face_id)
                wrong.append(Confusion(portrait, self._seen.faces[score.face_id], score.similarity, who))
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
    """The tally of a class. `rightly` counts right claims of faces in it; the guest's own face may be in another."""

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


def _alone(events: list[tuple[Sent, Matched]]) -> Iterator[tuple[Portrait, dict[str, FaceScore]]]:
    """Yield every portrait with what it found in its event."""
    for sent, matched in events:
        for guest, (portrait,) in sent.items():
            yield portrait, matched[guest]


def _by_guest(portraits: Sequence[Portrait]) -> Sent:
    found = dict[str, list[Portrait]]()
    for portrait in portraits:
        found.setdefault(portrait.guest, []).append(portrait)
    return found
