"""An engine that only locates faces, for recognisers that are asked over the network.

It checks selfies when they are received. It makes no embeddings and finds no faces in photos: the recogniser does.
"""

from collections.abc import Callable, Sequence

import numpy as np

from faces.engine import BgrImage, DetectedFace, Embeddings, FaceEngine, LocatedFace


class LocatingEngine:
    """A FaceEngine that locates faces as another one does. Its embeddings have length 0."""

    engine_id = "locating"
    dimensions = 0
    # No face needs more pixels for an embedding.
    sharp_side = 0.0

    def __init__(self, engine: FaceEngine) -> None:
        """`engine` locates the faces; its `embed` is never called."""
        self._engine = engine

    def photo_side(self, width: int, height: int) -> int:
        """Return 0: no faces are found in photos."""
        return 0

    def locate(self, image: BgrImage, *, long_side: int | None = None, scale: float = 1.0) -> list[LocatedFace]:
        """Return the faces that the other engine locates."""
        return self._engine.locate(image, long_side=long_side, scale=scale)

    def embed(self, image: BgrImage, faces: Sequence[LocatedFace], *, scale: float = 1.0) -> Embeddings:
        """Return an array (n, 0)."""
        return np.zeros((len(faces), 0), np.float32)

    def locate_portrait(self, image: BgrImage, *, scale: float = 1.0) -> tuple[BgrImage, list[LocatedFace]]:
        """Return the selfie as the other engine turns it, and the faces in it."""
        return self._engine.locate_portrait(image, scale=scale)

    def detect(
        self, image: BgrImage, *, scale: float = 1.0, full: Callable[[], BgrImage] | None = None
    ) -> list[DetectedFace]:
        """Return no faces, without a look at the photo."""
        return []
