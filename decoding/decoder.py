"""The work on pictures as its callers see it, and how it can fail."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import images
from decoding.badges import checked
from decoding.portraits import pack_located, unpack_located
from decoding.task_types import Answer, Values
from decoding.tasks import TASKS, unpack_faces
from faces.engine import DetectedFace, Embeddings, FaceEngine, LocatedFace
from faces.providers import dimensions_of, make_engine
from faces.selfie import SeveralFaces
from images import NormalisedImage
from settings import get_settings

# Faces of comparable size that a guest chooses from.
MAX_BOXES = 20


class DecodingProblem(Exception):
    """The work on a picture gave no result. The message says why, in words."""


class Overran(DecodingProblem):
    """It was not over at its deadline and was ended."""


class OutOfMemory(DecodingProblem):
    """It needs more memory than a child may take."""


class ChildDied(DecodingProblem):
    """The child process died during the work; the message names the signal or the status."""


class TaskFailed(DecodingProblem):
    """The work raised an error that says nothing about the picture."""


class Busy(DecodingProblem):
    """No child was free in time."""


class Closed(DecodingProblem):
    """This process is stopping; its children have been ended."""


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo in storage: the key and size of the original, and the keys of the renditions to be made, if any.

    `badges`: guests' badges are searched for in it.
    """

    original: str
    renditions: dict[str, str]
    width: int
    height: int
    badges: bool = False


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """What a photo shows: its faces, boxes in px of the original, and its mean colour, `#rrggbb`.

    `damaged`: a part of it is missing or damaged. Where no rendition is made, no colour and no damage is found.
    `full` are the bytes of the rendition `full` and its CRC-32, None if none was made. `badges` are what guests'
    badges in it hold, None if they were not searched for.
    """

    faces: list[DetectedFace]
    mean_colour: str | None
    damaged: bool = False
    full: tuple[int, int] | None = None
    badges: list[str] | None = None


@dataclass(frozen=True, slots=True)
class CheckedSelfie:
    """A selfie as it is stored, and its faces if they were found without turning or padding it."""

    normal: NormalisedImage
    faces: tuple[LocatedFace, ...]


class Decoder(ABC):
    """Does the work on pictures. `pixels` is what their headers say: width times height.

    Every method raises:
        EngineUnavailable: the engine, or the process it would run in, cannot be had.
        Overran, OutOfMemory, ChildDied, TaskFailed, Busy, Closed: see there.
    """

    def __init__(self, dimensions: int, detection_long_side: int) -> None:
        """`dimensions` is the length of an embedding.

        Photos are decoded at `detection_long_side` px, or at the size of the largest rendition if that is more.
        """
        self._dimensions = dimensions
        self._long_side = max(images.WEB_LONG_SIDE, detection_long_side)

    @abstractmethod
    def run(self, task: str, arguments: Values, data: bytes, pixels: int) -> Answer:
        """Do one of `decoding.tasks` and return its answer, or raise its error."""

    @abstractmethod
    def for_provider(self, provider: str) -> "Decoder":
        """Return a decoder with the engine of another provider, to be closed after its use."""

    def close(self) -> None:
        """End the child processes that it has started, if any."""
        return

    def load(self) -> None:
        """Load the engine now."""
        self.run("load", {"embeds": True}, b"", 0)

    def photo(self, photo: StoredPhoto) -> ReadPhoto:
        """Store the renditions of a photo, if any are named, and return what it shows.

        Raises:
            ImageError: the file cannot be decoded. MissingObject: the file is gone. StorageError: storage failed.
        """
        arguments = {
            "original": photo.original,
            "renditions": photo.renditions,
            "long_side": self._long_side,
            "photo_long_side": max(photo.width, photo.height),
            "badges": photo.badges,
        }
        told, packed = self.run("photo", arguments, b"", photo.width * photo.height)
        try:
            colour = str(told["mean_colour"])[:7] if photo.renditions else None
            faces = unpack_faces(int(told["faces"]), self._dimensions, packed)
            full = _full(told["full"]) if "full" in photo.renditions else None
            badges = checked([str(each) for each in told["badges"]]) if photo.badges else None
            return ReadPhoto(faces, colour, damaged=told["damaged"] is True, full=full, badges=badges)
        except (KeyError, TypeError, ValueError) as error:
            raise TaskFailed(f"an answer of another form: {error}") from error

    def stored_selfie(
        self, data: bytes, pixels: int, *, strict: bool, faces: Sequence[LocatedFace] = ()
    ) -> Embeddings:
        """Return the embedding (dimensions,), float32, of the face in a selfie as it was stored, decrypted.

        `faces` are those that `check_selfie` has found in it, if it is known to have been checked.

        Raises:
            ImageError: it cannot be decoded.
            NoFace, SeveralFaces, FaceTooSmall: see `decoding.portraits.embedding_of`.
        """
        arguments = {"strict": strict, "faces": pack_located(faces)}
        return self._embedding(self.run("stored_selfie", arguments, data, pixels))

    def embed_selfie(self, data: bytes, pixels: int, *, strict: bool) -> Embeddings:
        """Return the embedding (dimensions,), float32, of the face in a selfie that is not stored.

        Raises:
            ImageError: it cannot be decoded. NoFace, SeveralFaces, FaceTooSmall: see `stored_selfie`.
        """
        return self._embedding(self.run("embed_selfie", {"strict": strict}, data, pixels))

    def _embedding(self, answer: Answer) -> Embeddings:
        row = np.frombuffer(answer[1], np.float32)
        if row.shape != (self._dimensions,) or not np.isfinite(row).all():
            raise TaskFailed("an embedding of another form")
        return row

    def check_selfie(self, data: bytes, pixels: int, *, strict: bool) -> CheckedSelfie:
        """Return what a selfie is stored as, and its faces, if it can be used.

        Raises:
            ImageError: it cannot be decoded. NoFace, SeveralFaces, FaceTooSmall: see `stored_selfie`. The boxes of
            SeveralFaces are fractions of the picture.
        """
        told, jpeg = self.run("check_selfie", {"strict": strict}, data, pixels)
        if "several" in told:
            raise SeveralFaces(boxes=_boxes(told["several"]))
        try:
            return CheckedSelfie(_normalised(told, jpeg), tuple(unpack_located(told["faces"][:MAX_BOXES])))
        except (KeyError, TypeError, ValueError) as error:
            raise TaskFailed(f"an answer of another form: {error}") from error

    def normalise_selfie(self, data: bytes, pixels: int) -> NormalisedImage:
        """Return a selfie as it is stored: see `images.normalise_selfie`.

        Raises:
            ImageError: it cannot be decoded.
        """
        return _normalised(*self.run("normalise_selfie", {}, data, pixels))

    def crop(self, key: str, box: Sequence[float]) -> bytes:
        """Return a JPEG of the face at `box` (x, y, width, height, in fractions) of a stored rendition.

        Raises:
            ImageError: it cannot be decoded. MissingObject: the file is gone. StorageError: storage failed.
        """
        return self.run("crop", {"key": key, "box": list(box)}, b"", images.WEB_LONG_SIDE**2)[1]

    def print_picture(
        self, key: str, pixels: int, width: int, height: int, focus: tuple[float, float]
    ) -> NormalisedImage:
        """Return a stored picture cut at `focus` to `width` : `height`, at most so large: see the task.

        Raises:
            ImageError: it cannot be decoded. MissingObject: the file is gone. StorageError: storage failed.
        """
        arguments = {"key": key, "width": width, "height": height, "focus": focus}
        return _normalised(*self.run("print_picture", arguments, b"", pixels))

    def refuse_cut(self, data: bytes, pixels: int) -> None:
        """Return if a JPEG without its end has the whole picture.

        Raises:
            ImageError: it has not.
        """
        self.run("refuse_cut", {}, data, pixels)


def _normalised(told: Values, jpeg: bytes) -> NormalisedImage:
    """Return a JPEG with the size that the child told.

    Raises:
        TaskFailed: it told something else.
    """
    try:
        return NormalisedImage(jpeg, int(told["width"]), int(told["height"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TaskFailed(f"an answer of another form: {error}") from error


def _full(told: object) -> tuple[int, int] | None:
    """Return the bytes and the CRC-32 that the child told of a rendition.

    Raises:
        ValueError: it told something else.
    """
    match told:
        case None:
            return None
        case [int(size), int(crc32)] if 0 < size < 2**31 and 0 <= crc32 < 2**32:
            return size, crc32
    raise ValueError("the size of a rendition")


def _boxes(told: object) -> list[tuple[float, float, float, float]]:
    """Return boxes in fractions of the picture, kept within it.

    Raises:
        TaskFailed: the child told something else.
    """
    try:
        rows = np.asarray(told, np.float64).reshape(-1, 4)[:MAX_BOXES]
    except (TypeError, ValueError) as error:
        raise TaskFailed(f"an answer of another form: {error}") from error
    if not np.isfinite(rows).all():
        raise TaskFailed("a box is not finite")
    starts, ends = np.clip(rows[:, :2], 0, 1), np.clip(rows[:, :2] + rows[:, 2:], 0, 1)
    return [
        (left, top, right - left, bottom - top)
        for (left, top), (right, bottom) in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


class InThisProcess(Decoder):
    """Does the work where it is called: for commands that serve nobody, and for tests with engines of their own."""

    def __init__(self, make_engine: Callable[[], FaceEngine], *, dimensions: int = 128, detection_long_side: int = 0):
        """`make_engine` is called at the first use, and again if it failed."""
        super().__init__(dimensions, detection_long_side)
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None

    def for_provider(self, provider: str) -> "InThisProcess":
        """Return a decoder with the engine of another provider, for photos at the same size."""
        settings = get_settings().model_copy(update={"face_recognizer_provider": provider})
        dimensions = dimensions_of(provider)
        return InThisProcess(
            lambda: make_engine(settings), dimensions=dimensions, detection_long_side=self._long_side
        )

    def _loaded(self) -> FaceEngine:
        if self._engine is None:
            self._engine = self._make_engine()
        return self._engine

    def run(self, task: str, arguments: Values, data: bytes, pixels: int) -> Answer:
        """Do the task and return its answer; its errors pass."""
        return TASKS[task](self._loaded, arguments, data)
