"""What checks of selfies have made, kept in this process for two minutes, so that it is not made twice.

An app checks a selfie before it registers its guest, and then sends the same bytes. What the check has made of them
is the JPEG that would be stored, and where its faces are: no template, since no consent need be in force. It is kept
by the digest of the bytes, in memory alone, returned once, and overwritten when it is returned or too old.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from decoding.decoder import CheckedSelfie
from faces.engine import LocatedFace
from images import NormalisedImage

SECONDS = 120.0
# A portrait as the pages send it takes 33 kB, one as apps do some 240 kB.
MAX_BYTES, MAX_SELFIES = 32 * 1024 * 1024, 256


@dataclass(slots=True)
class _Kept:
    jpeg: bytearray
    width: int
    height: int
    faces: tuple[LocatedFace, ...]
    until: float

    def wipe(self) -> None:
        self.jpeg[:] = bytes(len(self.jpeg))
        self.faces = ()


class CheckedSelfies:
    """The checked selfies of a process, and the faces of those that were stored since. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # By the digest of the bytes sent, the oldest first.
        self._selfies: OrderedDict[bytes, _Kept] = OrderedDict()
        # By the storage key, the oldest first.
        self._faces: OrderedDict[str, tuple[tuple[LocatedFace, ...], float]] = OrderedDict()
        self._bytes = 0

    def keep(self, data: bytes, made: CheckedSelfie) -> None:
        """Keep what the check of the bytes `data` has made."""
        normal, key = made.normal, _digest(data)
        kept = _Kept(bytearray(normal.jpeg), normal.width, normal.height, made.faces, self._clock() + SECONDS)
        with self._lock:
            self._drop(key)
            self._selfies[key] = kept
            self._bytes += len(kept.jpeg)
            while self._bytes > MAX_BYTES or len(self._selfies) > MAX_SELFIES:
                self._drop(next(iter(self._selfies)))

    def take(self, data: bytes) -> CheckedSelfie | None:
        """Return what a check of these bytes has made, and keep it no longer; None if there is nothing."""
        key = _digest(data)
        with self._lock:
            kept = self._selfies.get(key)
            found = None
            if kept is not None and kept.until > self._clock():
                found = CheckedSelfie(NormalisedImage(bytes(kept.jpeg), kept.width, kept.height), kept.faces)
            self._drop(key)
        return found

    def note_faces(self, storage_key: str, faces: tuple[LocatedFace, ...]) -> None:
        """Keep where the faces of a selfie are that is stored now, for its job."""
        if not faces:
            return
        with self._lock:
            self._faces[storage_key] = faces, self._clock() + SECONDS
            while len(self._faces) > MAX_SELFIES:
                self._faces.popitem(last=False)

    def take_faces(self, storage_key: str) -> tuple[LocatedFace, ...]:
        """Return where the faces of a stored selfie are, and keep it no longer; nothing if it is not known."""
        with self._lock:
            faces, _ = self._faces.pop(storage_key, ((), 0.0))
        return faces

    def drop_old(self) -> None:
        """Overwrite and drop what is older than two minutes."""
        now = self._clock()
        with self._lock:
            for key in [key for key, kept in self._selfies.items() if kept.until <= now]:
                self._drop(key)
            for name in [name for name, (_, until) in self._faces.items() if until <= now]:
                del self._faces[name]

    def held(self) -> int:
        """Return how many selfies, and places of faces, are kept."""
        return len(self._selfies) + len(self._faces)

    def _drop(self, key: bytes) -> None:
        kept = self._selfies.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.jpeg)
            kept.wipe()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# Those of this process: a request and the job that it starts share them.
checked_selfies = CheckedSelfies()
