"""Portraits and photos as one engine sees them, by the same steps as the service's jobs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

import images
from bench.evaluate.face_measures import FaceMeasures, crop_of, measures_of
from bench.evaluate.truth import KnownEvent
from decoding.portraits import embedding_of
from decoding.tasks import faces_in, reduced
from evaluation.comparison import blocks_of
from faces.engine import BgrImage, Embeddings, FaceEngine, LocatedFace
from faces.selfie import SelfieRejected, main_face
from matching.matrices import Block
from settings import get_settings

# Side in px of the crops that are shown, and the margin around the face.
SHOWN, MARGIN = 160, 0.25
THUMBNAIL_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Portrait:
    """A portrait of a guest: its file, its embedding (dimensions,), and a picture of the face as JPEG."""

    guest: str
    file: str
    embedding: Embeddings
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class PhotoFace:
    """A face in a photo: its embedding (dimensions,), its measures, and a picture of it as JPEG."""

    photo: str
    embedding: Embeddings
    measures: FaceMeasures
    thumbnail: bytes


@dataclass(slots=True)
class Seen:
    """Everything that an engine saw. `problems` are files that could not be used, with the reason."""

    portraits: list[Portrait] = field(default_factory=list)
    faces: list[PhotoFace] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)

    def blocks(self) -> tuple[Block, ...]:
        """Return the faces as the matching holds them, by their places in `faces`; photos are numbered from 1."""
        places = {photo: number for number, photo in enumerate(self.photos, 1)}
        rows = [(places[face.photo], face.embedding.astype(np.float32).tobytes()) for face in self.faces]
        return blocks_of(rows, self.faces[0].embedding.size if self.faces else 0)

    def portraits_by_guest(self) -> dict[str, list[Portrait]]:
        """Return the portraits of each guest."""
        found = dict[str, list[Portrait]]()
        for portrait in self.portraits:
            found.setdefault(portrait.guest, []).append(portrait)
        return found


def look(event: KnownEvent, engine: FaceEngine, tell: Callable[[str], None]) -> Seen:
    """Return what the engine sees in an event; `tell` is called now and then with how far it is."""
    seen = Seen()
    for guest, paths in sorted(event.portraits.items()):
        for path in paths:
            _portrait(seen, guest, path, engine)
    for number, path in enumerate(event.photos, 1):
        _photo(seen, path, engine)
        if number % 20 == 0:
            tell(f"{number} of {len(event.photos)} photos")
    return seen


def _portrait(seen: Seen, guest: str, path: Path, engine: FaceEngine) -> None:
    name = f"selfies/{path.relative_to(path.parents[1] if path.parent.name == guest else path.parent)}"
    try:
        data = path.read_bytes()
        images.inspect(data, get_settings().max_selfie_pixels)
        # As the service stores it.
        normal = images.normalise_selfie(data).jpeg
        row = embedding_of(normal, engine, strict=False)
    except (images.ImageError, OSError) as error:
        seen.problems[name] = str(error) or type(error).__name__
        return
    except SelfieRejected:
        seen.problems[name] = "no face was found"
        return
    seen.portraits.append(Portrait(guest, name, row, _portrait_thumbnail(normal, engine)))


def _portrait_thumbnail(data: bytes, engine: FaceEngine) -> bytes:
    upright, faces = engine.locate_portrait(images.decode(data))
    return _thumbnail(upright, main_face(faces, strict=False), 1.0)


def _photo(seen: Seen, path: Path, engine: FaceEngine) -> None:
    settings = get_settings()
    try:
        data = path.read_bytes()
        header = images.inspect(data, settings.max_photo_pixels)
        began = time.process_time()
        image = reduced(lambda: engine, data, max(images.WEB_LONG_SIDE, settings.detection_long_side or 0))
        long_side = max(header.width, header.height)
        found = faces_in(lambda: engine, image, data, long_side)
    except (images.ImageError, OSError) as error:
        seen.problems[f"photos/{path.name}"] = str(error) or type(error).__name__
        return
    seen.milliseconds.append((time.process_time() - began) * 1000)
    seen.photos.append(path.name)
    whole = images.decode(data)
    scale = long_side / max(whole.shape[:2])
    for face in found:
        seen.faces.append(
            PhotoFace(path.name, face.embedding, measures_of(whole, face, scale), _thumbnail(whole, face, scale))
        )


def _thumbnail(image: BgrImage, face: LocatedFace, scale: float) -> bytes:
    return _jpeg(crop_of(image, face, scale, side=SHOWN, margin=MARGIN))


def _jpeg(image: BgrImage) -> bytes:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])[1]
    return np.asarray(encoded, np.uint8).tobytes()
