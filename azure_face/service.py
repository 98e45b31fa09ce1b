"""The operations of Azure's Face service that are used, in plain types.

A face is found with `detect`, which gives an id for a minute, and kept with `add_face`, which gives one that lasts.
`find_similar` compares a detected face with all faces of a trained list.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import chain, repeat
from typing import Any

import numpy as np

from azure_face.connection import Connection
from azure_face.problems import AlreadyThere, NotThere, NotTrained, TrainingFailed, TrainingUnderWay
from faces.engine import LocatedFace

DETECTION, RECOGNITION = "detection_03", "recognition_04"
# Seconds that the service keeps what it extracted from a detected face: the shortest it offers.
FACE_ID_SECONDS = 60
# The most that one search returns, and that one page of a list has.
MOST_CANDIDATES = PAGE = 1000
# Bytes of the smallest picture that the service takes; the largest is 6 MB, far more than a rendition.
SMALLEST_PICTURE = 1024
# Seconds between two questions whether a training is over: the first ones are close together, most lists are small.
TRAINING_PAUSES = (0.5, 1.0, 2.0, 4.0)
# Seconds of a training that count as too long; according to Microsoft, a million faces take half an hour.
LONGEST_TRAINING = 1800.0
# Our landmarks in their order; the service's left is that of the picture.
LANDMARKS = ("pupil_left", "pupil_right", "nose_tip", "mouth_left", "mouth_right")


@dataclass(frozen=True, slots=True)
class RemoteFace:
    """A face that `detect` has found: where it is, in px of the picture, and its id for `find_similar`."""

    face_id: str
    located: LocatedFace

    @property
    def rectangle(self) -> list[int]:
        """The face as `add_face` wants it: left, top, width, height."""
        return [round(value) for value in self.located.box]


@dataclass(frozen=True, slots=True)
class AddedFace:
    """A face in a list. `maybe_twice`: an earlier try may have added it too, under an id that was not received."""

    persisted_face_id: str
    maybe_twice: bool


@dataclass(frozen=True, slots=True)
class ListedFace:
    """A face of a list, and the note (`user_data`) that was sent when it was added."""

    persisted_face_id: str
    user_data: str


@dataclass(frozen=True, slots=True)
class _Training:
    """The state of a list's training. `finished_at` is the service's time of the last training that succeeded."""

    status: str
    finished_at: datetime | None
    message: str


class FaceService:
    """The operations, on one connection. Each raises what `Connection.call` raises, besides its own errors."""

    def __init__(
        self,
        connection: Connection,
        *,
        training_pauses: tuple[float, ...] = TRAINING_PAUSES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._pauses, self._sleep = training_pauses, sleep

    def check(self) -> None:
        """Return if the service answers and accepts the key; makes one call."""
        self._call("check", lambda client: client.large_face_list.list(top=1))

    def check_not_suspended(self) -> None:
        """Return if calls are made now; makes none itself.

        Raises:
            RecogniserAway: calls are suspended; the message says why.
        """
        self._connection.circuit.check()

    def detect(self, picture: bytes) -> list[RemoteFace]:
        """Return the faces in a picture (JPEG), the largest first.

        Raises:
            PictureRefused: the picture cannot be read, or is smaller than 1 kB or larger than 6 MB.
        """
        found = self._call(
            "detect",
            lambda client: client.face.detect_with_stream(
                BytesIO(picture),
                return_face_id=True,
                return_face_landmarks=True,
                recognition_model=RECOGNITION,
                detection_model=DETECTION,
                face_id_time_to_live=FACE_ID_SECONDS,
            ),
        )
        return [_remote_face(each) for each in found]

    def find_similar(self, face_id: str, list_id: str) -> dict[str, float]:
        """Return the similarity, 0 to 1, of a detected face with faces of a trained list, by persisted id.

        At most 1,000, the most similar ones; also faces of other people, with low similarities.

        Raises:
            FaceIdExpired: the face was detected too long ago. NotTrained: the list has never been trained.
            NotThere: there is no such list.
        """
        found = self._call(
            "find_similar",
            lambda client: client.face.find_similar(
                face_id,
                large_face_list_id=list_id,
                max_num_of_candidates_returned=MOST_CANDIDATES,
                mode="matchFace",
            ),
        )
        return {each.persisted_face_id: float(each.confidence) for each in found}

    # --- lists -------------------------------------------------------------------------------------

    def make_list(self, list_id: str) -> None:
        """Make an empty list unless there is one with this id."""
        with suppress(AlreadyThere):
            self._call(
                "make_list",
                lambda client: client.large_face_list.create(list_id, name=list_id, recognition_model=RECOGNITION),
            )

    def delete_list(self, list_id: str) -> None:
        """Delete a list with all its faces. Idempotent."""
        with suppress(NotThere):
            self._call("delete_list", lambda client: client.large_face_list.delete(list_id))

    def lists(self) -> Iterator[str]:
        """Yield the ids of all lists of the resource."""
        for each in self._pages("lists", lambda client, **page: client.large_face_list.list(**page)):
            yield str(each.large_face_list_id)

    def faces_of(self, list_id: str) -> Iterator[ListedFace]:
        """Yield the faces of a list.

        Raises:
            NotThere: there is no such list.
        """

        def read(client: Any, **page: Any) -> Any:
            return client.large_face_list.list_faces(list_id, **page)

        for each in self._pages("faces_of", read):
            yield ListedFace(str(each.persisted_face_id), each.user_data or "")

    def add_face(self, list_id: str, picture: bytes, face: RemoteFace, user_data: str) -> AddedFace:
        """Add a face of a picture to a list and return it. It is found from the next training on.

        Raises:
            NotThere: there is no such list. PictureRefused: no face is where `face` says.
        """
        doubts: list[bool] = []
        added = self._call(
            "add_face",
            lambda client: client.large_face_list.add_face_from_stream(
                list_id,
                BytesIO(picture),
                user_data=user_data,
                target_face=face.rectangle,
                detection_model=DETECTION,
            ),
            in_doubt=lambda: doubts.append(True),
        )
        return AddedFace(str(added.persisted_face_id), bool(doubts))

    def delete_face(self, list_id: str, persisted_face_id: str) -> None:
        """Delete a face from a list. Idempotent, also if the list is gone."""
        with suppress(NotThere):
            self._call("delete_face", lambda client: client.large_face_list.delete_face(list_id, persisted_face_id))

    # --- training ----------------------------------------------------------------------------------

    def train(self, list_id: str) -> None:
        """Train a list with all faces it has now, and wait for the end.

        Raises:
            TrainingFailed: the service reports it, or the training takes more than half an hour.
            NotThere: there is no such list.
        """
        while True:
            before = self._training(list_id)
            try:
                self._call("train", lambda client: client.large_face_list.train(list_id))
                break
            except TrainingUnderWay:
                # Another process has started a training, perhaps without the newest faces: train again after it.
                self._training_over(list_id, before.finished_at)
        self._training_over(list_id, before.finished_at)

    def _training_over(self, list_id: str, last: datetime | None) -> None:
        """Wait until a training has ended that is not the `last` one."""
        waited = 0.0
        for pause in chain(self._pauses, repeat(self._pauses[-1])):
            self._sleep(pause)
            waited += pause
            now = self._training(list_id)
            if now.status == "failed":
                raise TrainingFailed(f"Azure did not train the list {list_id}: {now.message}")
            # Right after the start, the service may still report the end of the training before.
            if now.status == "succeeded" and now.finished_at != last:
                return
            if waited > LONGEST_TRAINING:
                raise TrainingFailed(f"Azure trains the list {list_id} for more than {waited:.0f} s")

    def _training(self, list_id: str) -> "_Training":
        try:
            told = self._call("training", lambda client: client.large_face_list.get_training_status(list_id))
        except NotTrained:
            return _Training("notstarted", None, "")
        status = str(getattr(told.status, "value", told.status))
        return _Training(status, told.last_successful_training, str(told.message or ""))

    # --- common ------------------------------------------------------------------------------------

    def _call(self, operation: str, do: Callable[[Any], Any], **options: Any) -> Any:
        return self._connection.call(operation, do, **options)

    def _pages(self, operation: str, read: Callable[..., Any]) -> Iterator[Any]:
        start: str | None = None
        while True:
            page = self._call(operation, partial(read, start=start, top=PAGE))
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1]
            start = getattr(last, "persisted_face_id", None) or last.large_face_list_id


def _remote_face(told: Any) -> RemoteFace:
    place, points = told.face_rectangle, told.face_landmarks
    landmarks = np.array([(getattr(points, name).x, getattr(points, name).y) for name in LANDMARKS], np.float32)
    box = (float(place.left), float(place.top), float(place.width), float(place.height))
    # The service gives no score of detection.
    return RemoteFace(str(told.face_id), LocatedFace(box, landmarks, 1.0))
