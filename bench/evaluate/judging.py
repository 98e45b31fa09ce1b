"""Compares what an engine finds, by the functions of the service's matching, with the truth.

Simulates events: in the first one every guest has sent the first portrait, in the second one the second, and so on;
the pairs of photo and guest are summed over these events. A further event has all portraits of all guests. As in the
service, a face goes to the most similar of the guests whose candidate it is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.evaluate.face_measures import CLASSES, classes_of
from bench.evaluate.pictures_read import PhotoFace, Portrait, Seen
from bench.tally import Tally
from faces.calibration import Calibration
from matching import similarity
from matching.claims.nearest import MATCH, Claim, standings, surely_one_person
from matching.similarity import Candidate, FaceScore, Thresholds

# The thresholds of the curves, in decades of the false accept rate below and above the engine's own; points a decade.
DECADES_BELOW, DECADES_ABOVE, PER_DECADE = 4, 8, 4
Truth = dict[str, set[str]]
# The portraits that the guests of an event have sent, by guest; and the face found in each photo, by guest and photo.
Sent = dict[str, list[Portrait]]
Matched = dict[str, dict[str, FaceScore]]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A match that is wrong, or one that is missing: the portrait, the face, their similarity, and whose face it is.

    `who` is the guest whose face it is, by the truth and the similarities; None is a person who is no guest.
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

    def __init__(self, seen: Seen, truth: Truth, calibration: Calibration, thresholds: Thresholds) -> None:
        """`thresholds` are those that the service would use."""
        self._seen, self._calibration, self._thresholds = seen, calibration, thresholds
        # Photos that could not be read do not count for or against the engine.
        self._truth = {photo: truth[photo] for photo in seen.photos}
        self._names = {photo: number for number, photo in enumerate(seen.photos, 1)}
        self._portraits = seen.portraits_by_guest()
        self._blocks = seen.blocks()
        self._owners = self._owners_of_faces()
        self._face_of = {(seen.faces[face].photo, guest): face for face, guest in self._owners.items()}

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
        candidates, claims = list[dict[int, Candidate]](), defaultdict[int, list[Claim]](list)
        for number, sent_by_one in enumerate(sent.values()):
            portraits = [similarity.Portrait(place, each.embedding) for place, each in enumerate(sent_by_one)]
            candidates.append(similarity.find_candidates(self._blocks, portraits, thresholds).faces)
            for face, found in candidates[-1].items():
                claims[face].append(Claim(number, found.similarity, found.accepted, confirmed=False))
        rows = [np.stack([each.embedding for each in sent_by_one]) for sent_by_one in sent.values()]
        one = surely_one_person(rows, rows, self._calibration)
        told = {
            face: standings(of_face, lambda ids, others: one[np.ix_(ids, others)], self._calibration)
            for face, of_face in claims.items()
        }
        return {
            guest: self._by_name(
                {face: each for face, each in candidates[number].items() if told[face][number] == MATCH}
            )
            for number, guest in enumerate(sent)
        }

    def _by_name(self, matches: dict[int, Candidate]) -> dict[str, FaceScore]:
        best = similarity.best_of_photos(matches)
        return {self._seen.photos[photo_id - 1]: score for photo_id, score in best.items()}

    def _tally(self, events: Iterable[Matched]) -> Tally:
        """Return the sum over these events."""
        total = Tally()
        for matched in events:
            for guest, found in matched.items():
                photos = self._photos_of(guest)
                total = total.plus(Tally(len(photos), len(found), len(found.keys() & photos)))
        return total

    def judged(self, confusions: int) -> Judged:
        """Return all results, with so many of the worst confusions of each kind."""
        step = self._calibration.per_decade / PER_DECADE
        events = self._events()
        at_service = [(sent, self._matched(sent, self._thresholds)) for sent in events]
        places = range(-DECADES_BELOW * PER_DECADE, DECADES_ABOVE * PER_DECADE + 1)
        grid = [round(self._calibration.lowest + place * step, 4) for place in places]
        wrong, missed = self._confusions(at_service)
        classes, no_face = self._by_class(at_service)
        return Judged(
            thresholds=self._thresholds,
            single=self._tally(matched for _, matched in at_service),
            together=self._tally([self._matched(self._portraits, self._thresholds)]),
            curve=[(each, self._at(each, events)) for each in grid if 0 < each < 1],
            classes=classes,
            no_face=no_face,
            wrong=wrong[:confusions],
            missed=missed[:confusions],
        )

    def _at(self, threshold: float, events: list[Sent]) -> Tally:
        """Return the sum over these events at another threshold of the first pass."""
        thresholds = similarity.thresholds_from(threshold, self._calibration)
        return self._tally(self._matched(sent, thresholds) for sent in events)

    def _by_class(self, events: list[tuple[Sent, Matched]]) -> tuple[dict[str, list[Tally]], int]:
        """Return the tallies of each class of each measure, and the appearances that have no face.

        An appearance counts in the class of the guest's face, a claim in that of the face that was claimed.
        """
        counts = {name: [Counter[str]() for _ in classes.names] for name, classes in CLASSES.items()}
        no_face = 0
        for portrait, found in _alone(events):
            photos = self._photos_of(portrait.guest)
            for photo in photos:
                face = self._face_of.get((photo, portrait.guest))
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
        for portrait, found in _alone(events):
            photos = self._photos_of(portrait.guest)
            for photo in found.keys() - photos:
                score = found[photo]
                who = self._owners.get(score.face_id)
                wrong.append(Confusion(portrait, self._seen.faces[score.face_id], score.similarity, who))
            for photo in photos - found.keys():
                face = self._face_of.get((photo, portrait.guest))
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


def _alone(events: list[tuple[Sent, Matched]]) -> Iterator[tuple[Portrait, dict[str, FaceScore]]]:
    """Yield every portrait with what it found in its event."""
    for sent, matched in events:
        for guest, (portrait,) in sent.items():
            yield portrait, matched[guest]
