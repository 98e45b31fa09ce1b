"""The state of the test's Face service: detected faces, large face lists, their trainings, and failures on purpose.

Shapes, limits and errors are those of Microsoft's public reference of the Face REST API v1.0. Faces are compared by
one of the project's engines, so that results are realistic.
"""

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from faces.engine import BgrImage, Embeddings, FaceEngine, LocatedFace
from testkit.azure_face_shapes import (
    LARGEST_PICTURE,
    MOST_FACES,
    SMALLEST_FACE,
    SMALLEST_PICTURE,
    Refused,
    check_models,
    confidence,
    landmarks,
    now,
    page,
    rectangle,
    targeted,
)


@dataclass
class Faults:
    """How the service fails on purpose: shares of the calls, and what happens once.

    `error_share` of calls answer 500, half of them after they were carried out. `hang_once` is for how many seconds
    one call is held back, carried out or not.
    """

    throttle_share: float = 0.0
    retry_after: int = 1
    error_share: float = 0.0
    hang_once: float = 0.0
    away_until: float = 0.0
    quota_spent: bool = False
    approved: bool = True
    # Answers so far, by status; of calls that got none, by what happened.
    told: dict[str, int] = field(default_factory=dict)


@dataclass
class Training:
    """The last training of a list; `over_at` by the monotonic clock, times as the service tells them."""

    over_at: float
    faces: dict[str, Embeddings]
    created: str
    succeeded: str | None = None


@dataclass
class FaceList:
    """A large face list: faces by persisted id, with the note they were added with."""

    name: str
    user_data: str | None
    model: str
    faces: dict[str, tuple[str, Embeddings]] = field(default_factory=dict)
    training: Training | None = None
    # What `find_similar` searches: the faces at the last training that succeeded.
    trained: dict[str, Embeddings] | None = None
    succeeded: str | None = None


class FaceState:
    """The state, guarded by one lock. `engine` recognises, `training_seconds` is how long every training takes."""

    def __init__(self, engine: FaceEngine, *, training_seconds: float = 0.05, key: str = "a-key") -> None:
        self.key, self.training_seconds = key, training_seconds
        self.faults, self.lists = Faults(), dict[str, FaceList]()
        self.calls: dict[str, int] = {}
        self.lock = threading.RLock()
        self.random = random.Random(7)
        self._engine = engine
        self._face_ids: dict[str, tuple[Embeddings, float]] = {}

    # --- what a test looks at ----------------------------------------------------------------------

    def held(self) -> list[str]:
        """Return the notes of all faces that are kept in lists."""
        with self.lock:
            return [note for each in self.lists.values() for note, _ in each.faces.values()]

    def clear(self) -> None:
        """Forget everything, and fail no more."""
        with self.lock:
            self.lists.clear()
            self._face_ids.clear()
            self.calls.clear()
        self.recover()

    def recover(self) -> None:
        """Fail no more, and forget the answers counted."""
        with self.lock:
            self.faults = Faults()

    # --- detection ---------------------------------------------------------------------------------

    def detect(self, data: bytes, query: dict[str, str]) -> list[dict[str, Any]]:
        """Return the faces in a picture; with `returnFaceId`, they are known for `faceIdTimeToLive` seconds."""
        seconds = int(query.get("faceIdTimeToLive", "86400"))
        if not 60 <= seconds <= 86400:
            raise Refused(400, "BadArgument", "'faceIdTimeToLive' is invalid.")
        check_models(query)
        image, faces = self._faces_in(data)
        rows = self._embed(image, faces)
        told = []
        with self.lock:
            for face, row in zip(faces, rows, strict=True):
                one: dict[str, Any] = {"faceRectangle": rectangle(face)}
                if query.get("returnFaceId", "true") == "true":
                    one["faceId"] = str(uuid.uuid4())
                    self._face_ids[one["faceId"]] = (row, time.monotonic() + seconds)
                if query.get("returnFaceLandmarks") == "true":
                    one["faceLandmarks"] = landmarks(face)
                told.append(one)
        return told

    def _faces_in(self, data: bytes) -> tuple[BgrImage, list[LocatedFace]]:
        if len(data) < SMALLEST_PICTURE:
            raise Refused(400, "InvalidImageSize", "Image size is too small.")
        if len(data) > LARGEST_PICTURE:
            raise Refused(400, "InvalidImageSize", "Image size is too big.")
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise Refused(400, "InvalidImage", "Decoding error, image format unsupported.")
        picture = np.asarray(image, np.uint8)
        with self.lock:
            found = self._engine.locate(picture)
        fitting = [face for face in found if min(face.box[2:]) >= SMALLEST_FACE]
        return picture, sorted(fitting, key=lambda face: -face.box[2] * face.box[3])[:MOST_FACES]

    def _embed(self, image: BgrImage, faces: list[LocatedFace]) -> Embeddings:
        with self.lock:
            return self._engine.embed(image, faces)

    # --- lists -------------------------------------------------------------------------------------

    def make_list(self, list_id: str, body: dict[str, Any]) -> None:
        """Make a list."""
        with self.lock:
            if list_id in self.lists:
                raise Refused(409, "LargeFaceListExists", "Large face list already exists.")
            if not body.get("name"):
                raise Refused(400, "BadArgument", "'name' is empty.")
            self.lists[list_id] = FaceList(
                body["name"], body.get("userData"), body.get("recognitionModel", "recognition_01")
            )

    def of(self, list_id: str, status: int = 404) -> FaceList:
        """Return a list; without one, the answer has that status."""
        if list_id not in self.lists:
            raise Refused(status, "LargeFaceListNotFound", "Large face list is not found.")
        return self.lists[list_id]

    def delete_list(self, list_id: str) -> None:
        """Delete a list."""
        with self.lock:
            self.of(list_id)
            del self.lists[list_id]

    def add_face(self, list_id: str, data: bytes, query: dict[str, str]) -> dict[str, str]:
        """Add the face in `targetFace` to a list."""
        with self.lock:
            self.of(list_id)
        if len(query.get("userData", "")) > 1024:
            raise Refused(400, "BadArgument", "'userData' is too long.")
        image, faces = self._faces_in(data)
        face = targeted(faces, query.get("targetFace"))
        row = self._embed(image, [face])[0]
        with self.lock:
            persisted = str(uuid.uuid4())
            self.of(list_id).faces[persisted] = (query.get("userData", ""), row)
        return {"persistedFaceId": persisted}

    def delete_face(self, list_id: str, persisted: str) -> None:
        """Delete a face from a list; the trained index keeps it until the next training."""
        with self.lock:
            faces = self.of(list_id).faces
            if persisted not in faces:
                raise Refused(404, "PersistedFaceNotFound", f"Large Face List Face {persisted} is not found.")
            del faces[persisted]

    def listed_faces(self, list_id: str, query: dict[str, str]) -> list[dict[str, str]]:
        """Return a page of a list's faces, in the order of their ids."""
        with self.lock:
            faces = self.of(list_id).faces
            return [{"persistedFaceId": each, "userData": faces[each][0]} for each in page(faces, query)]

    def listed_lists(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Return a page of the lists."""
        with self.lock:
            return [{"largeFaceListId": each, "name": self.lists[each].name} for each in page(self.lists, query)]

    # --- training and search -----------------------------------------------------------------------

    def train(self, list_id: str) -> None:
        """Begin a training with the faces that the list has now."""
        with self.lock:
            known = self.of(list_id)
            self._end_training(known)
            if known.training is not None and known.training.over_at > time.monotonic():
                raise Refused(409, "LargeFaceListTrainingNotFinished", "Large face list is under training.")
            over = time.monotonic() + self.training_seconds
            faces = {each: row for each, (_, row) in known.faces.items()}
            known.training = Training(over, faces, now())

    def training_of(self, list_id: str) -> dict[str, Any]:
        """Return the state of a list's training."""
        with self.lock:
            known = self.of(list_id)
            self._end_training(known)
            training = known.training
            if training is None:
                raise Refused(404, "LargeFaceListNotTrained", "Large face list not trained.")
            told = {
                "createdDateTime": training.created,
                "lastActionDateTime": now(),
                "lastSuccessfulTrainingDateTime": known.succeeded,
                "message": None,
            }
            if training.over_at > time.monotonic():
                return {"status": "running", **told}
            if not training.faces:
                return {**told, "status": "failed", "message": "There is no person or face in the list."}
            return {"status": "succeeded", **told}

    def _end_training(self, known: FaceList) -> None:
        training = known.training
        if training is not None and training.succeeded is None and training.over_at <= time.monotonic():
            training.succeeded = now()
            if training.faces:
                known.trained, known.succeeded = training.faces, training.succeeded

    def find_similar(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the faces of a list that resemble a detected one, the most similar first."""
        most = body.get("maxNumOfCandidatesReturned", 20)
        if not 1 <= most <= 1000:
            raise Refused(400, "BadArgument", "The argument maxNumOfCandidatesReturned is not valid.")
        with self.lock:
            row, expires = self._face_ids.get(body["faceId"], (None, 0.0))
            if row is None or expires < time.monotonic():
                raise Refused(400, "FaceNotFound", "Face is not found.")
            known = self.of(body["largeFaceListId"], 400)
            self._end_training(known)
            if known.trained is None:
                raise Refused(400, "LargeFaceListNotTrained", "Large face list is not trained.")
            told = [(confidence(row, other), each) for each, other in known.trained.items()]
        if body.get("mode", "matchPerson") == "matchPerson":
            told = [each for each in told if each[0] >= 0.5]
        return [{"persistedFaceId": each, "confidence": value} for value, each in sorted(told, reverse=True)[:most]]
