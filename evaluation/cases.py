"""What is evaluated, what came of the comparison, and the interface of a provider that can be evaluated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from decoding.decoder import Decoder
from photos.keys import storage_key


class NotPossible(Exception):
    """The evaluation cannot be done, and another attempt would not help. The message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class PortraitFile:
    """An accepted selfie of the guest; `embedding` (float32 bytes) is there if the active engine has stored one."""

    selfie_id: int
    key: str
    pixels: int
    embedding: bytes | None


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo whose original is in storage; `width` and `height` in px of the upright picture."""

    id: int
    filename: str
    width: int
    height: int

    def key(self, event_id: int) -> str:
        """Return the storage key of the original."""
        return storage_key(event_id, self.filename, "original")


@dataclass(frozen=True, slots=True)
class Case:
    """One guest in one event, and the provider to evaluate.

    `refused` are the photos that the guest refused, `confirmed` the faces that the guest has called theirs.
    `without_strangers`: templates of strangers are due in the event, so that none may be stored, not for a moment.
    """

    evaluation_id: int
    event_id: int
    user_id: int
    provider: str
    active_engine_id: str
    portraits: tuple[PortraitFile, ...]
    refused: frozenset[int]
    confirmed: frozenset[int]
    without_strangers: bool = False


@dataclass(slots=True)
class Timings:
    """Milliseconds of work: of the portraits, of each photo that was read, and of the comparison."""

    portraits: float = 0.0
    photos: list[float] = field(default_factory=list)
    comparison: float = 0.0


@dataclass(slots=True)
class Compared:
    """What a provider finds. Similarities are the provider's own measure, 0 to 1, by the id of the photo.

    `photos` are those compared, `matched` those that show the guest by this provider, with the similarity that
    counts. `nearest` holds the similarity of the most similar face of every photo that has a face. `errors` says why
    a photo or a portrait ("portrait 12") could not be used.
    """

    engine_id: str
    threshold: float
    portraits: int
    photos: list[int]
    faces_found: int
    faces_compared: int
    matched: dict[int, float]
    nearest: dict[int, float]
    errors: dict[str, str]
    timings: Timings


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an evaluation works: what reads pictures, whether it must pause, and how it records a photo.

    `record` is called with the photo's id, the faces' embeddings, the milliseconds and the error; it returns False
    if the evaluation is not this process's any more.
    """

    decoder: Decoder
    must_pause: Callable[[], bool]
    record: Callable[["ReadPhoto"], bool]


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """What was found in a photo: the number of faces, their embeddings (float32 bytes in a row), or the error."""

    photo_id: int
    faces: int
    embeddings: bytes
    milliseconds: float
    error: str | None


class Evaluator(Protocol):
    """Evaluates one provider."""

    def compare(self, case: Case, attempt: Attempt) -> Compared | None:
        """Return what the provider finds; None if the work paused, and goes on when it is called again.

        Raises:
            NotPossible: the provider or the portraits cannot be used.
        """
