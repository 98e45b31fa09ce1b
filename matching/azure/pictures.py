"""The faces in one picture, as Azure detects them, with ids that are renewed before they expire."""

import time
from collections.abc import Callable

from azure_face.problems import FaceIdExpired, PictureRefused
from azure_face.service import FACE_ID_SECONDS, SMALLEST_PICTURE, FaceService, RemoteFace

# Ids count as expired this many seconds early: a call may have to wait for the pace.
EARLY = 20.0


class Detected:
    """A picture (JPEG) and its faces, the largest first. They are detected at the first use."""

    def __init__(self, service: FaceService, picture: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self.picture = picture
        self._service, self._clock = service, clock
        self._faces: list[RemoteFace] | None = None
        self._until = 0.0

    @property
    def faces(self) -> list[RemoteFace]:
        """The faces; empty if Azure cannot read the picture."""
        if self._faces is None:
            self._faces = self._detect()
        return self._faces

    def similar(self, place: int, list_name: str) -> dict[str, float]:
        """Return the similarities of the face at `place` with the faces of a trained list, by their ids there."""
        if self._clock() >= self._until:
            self._faces = self._detect()
        try:
            return self._service.find_similar(self.faces[place].face_id, list_name)
        except FaceIdExpired:
            self._faces = self._detect()
            return self._service.find_similar(self.faces[place].face_id, list_name)

    def _detect(self) -> list[RemoteFace]:
        self._until = self._clock() + FACE_ID_SECONDS - EARLY
        if len(self.picture) < SMALLEST_PICTURE:
            return []
        try:
            return self._service.detect(self.picture)
        except PictureRefused:
            return []
