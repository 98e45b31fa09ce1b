"""Evaluates providers that embed faces.

For the engine that the event uses, the stored faces and portraits are compared: no picture is decoded, and faces that
are another guest's do not count. Another engine has not embedded the other guests: every face that it accepts counts.
For it, a child process of its own reads the portraits and the photos again. What was read is stored until the end, so
that the work can pause for more urgent jobs and another process can continue it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import images
import storage
from database import reading
from decoding.decoder import ChildDied, Decoder, OutOfMemory, Overran, StoredPhoto, TaskFailed
from evaluation import comparison, queries, rivals
from evaluation.cases import Attempt, Case, Compared, NotPossible, PhotoFile, ReadPhoto, Timings
from faces.engine import EngineUnavailable
from faces.providers import dimensions_of, engine_id_of
from faces.selfie import SelfieRejected
from matching import matrices, similarity
from matching.loading import locked_event
from matching.matrices import EventFaces
from matching.similarity import Portrait
from selfies import files
from settings import get_settings

# Errors that come from the picture, or would happen again with it.
OF_THE_PICTURE = (images.ImageError, storage.MissingObject, Overran, OutOfMemory, ChildDied, TaskFailed)


class ByEmbeddings:
    """Evaluates a provider whose engine embeds faces."""

    def compare(self, case: Case, attempt: Attempt) -> Compared | None:
        """Return what the engine finds; None if the work paused."""
        timings, problems = Timings(), dict[str, str]()
        with _decoder_of(case.provider, attempt.decoder) as decoder:
            portraits = _portraits(case, decoder, timings, problems)
            if not portraits:
                raise NotPossible(f"{case.provider} finds no face in the guest's portrait")
            stored = case.active_engine_id == engine_id_of(case.provider)
            if not stored and case.without_strangers:
                raise NotPossible("the event lets templates of strangers go, and this provider would store them")
            if not stored and not _read_photos(case, decoder, attempt):
                return None
        found_faces, photos = _stored_faces(case) if stored else _faces_read(case, timings, problems)
        blocks, faces = found_faces.blocks, found_faces.found
        began = time.perf_counter()
        thresholds = comparison.thresholds_of(faces, case.provider)
        confirmed = case.confirmed if stored else frozenset()
        found = similarity.find_candidates(blocks, portraits, thresholds, case.refused, confirmed)
        best = rivals.matching_faces(case, found.faces) if stored else similarity.accepted_faces(found)
        nearest = comparison.nearest_faces(blocks, portraits)
        timings.comparison = _milliseconds_since(began)
        return Compared(
            engine_id=engine_id_of(case.provider),
            threshold=thresholds.first,
            portraits=len(portraits),
            photos=photos,
            faces_found=faces,
            faces_compared=sum(int((~np.isin(block.photo_ids, list(case.refused))).sum()) for block in blocks),
            matched={photo_id: each.similarity for photo_id, each in best.items()},
            nearest=nearest,
            errors=problems,
            timings=timings,
        )


@contextmanager
def _decoder_of(provider: str, decoder: Decoder) -> Iterator[Decoder]:
    """Yield the decoder of the jobs if it has this provider, else a new one, which is closed after the block."""
    if provider == get_settings().face_recognizer_provider:
        yield decoder
        return
    other = decoder.for_provider(provider)
    try:
        yield other
    except EngineUnavailable as error:
        # Not raised as it is: the inference thread would take it for a problem of its own engine.
        raise NotPossible(f"{provider} cannot be used: {error}") from error
    finally:
        other.close()


def _portraits(case: Case, decoder: Decoder, timings: Timings, problems: dict[str, str]) -> list[Portrait]:
    began, found = time.perf_counter(), list[Portrait]()
    for portrait in case.portraits:
        if portrait.embedding is not None:
            found.append(Portrait(portrait.selfie_id, np.frombuffer(portrait.embedding, np.float32)))
            continue
        try:
            row = decoder.stored_selfie(files.read(portrait.key), portrait.pixels, strict=False)
            found.append(Portrait(portrait.selfie_id, row))
        except SelfieRejected:
            problems[f"portrait {portrait.selfie_id}"] = "no face was found"
        except OF_THE_PICTURE as error:
            problems[f"portrait {portrait.selfie_id}"] = _words(error)
    timings.portraits = _milliseconds_since(began)
    return found


def _read_photos(case: Case, decoder: Decoder, attempt: Attempt) -> bool:
    """Read the photos that are left; return False if the work must pause. At least one is read each time."""
    with reading() as session:
        left = queries.photos_to_read(session, case.event_id, case.evaluation_id)
    for place, photo in enumerate(left):
        if place and attempt.must_pause():
            return False
        if not attempt.record(_read(photo, case.event_id, decoder)):
            return False
    return True


def _read(photo: PhotoFile, event_id: int, decoder: Decoder) -> ReadPhoto:
    began = time.perf_counter()
    try:
        faces = decoder.photo(StoredPhoto(photo.key(event_id), {}, photo.width, photo.height)).faces
    except OF_THE_PICTURE as error:
        return ReadPhoto(photo.id, 0, b"", _milliseconds_since(began), _words(error))
    packed = b"".join(face.embedding.astype(np.float32).tobytes() for face in faces)
    return ReadPhoto(photo.id, len(faces), packed, _milliseconds_since(began), None)


def _faces_read(case: Case, timings: Timings, problems: dict[str, str]) -> tuple[EventFaces, list[int]]:
    """Return the faces that were read and the photos they are of."""
    rows, photos = list[tuple[int, bytes]](), list[int]()
    with reading() as session:
        for each, embeddings in queries.read_photos(session, case.event_id, case.evaluation_id):
            if each.error is not None:
                problems[str(each.photo_id)] = each.error
                continue
            rows.append((each.photo_id, embeddings))
            photos.append(each.photo_id)
            timings.photos.append(each.milliseconds)
    return EventFaces(0, comparison.blocks_of(rows, dimensions_of(case.provider))), photos


def _stored_faces(case: Case) -> tuple[EventFaces, list[int]]:
    """Return the event's faces as the matching has them, and the photos that are processed."""
    # Locked, because memory must hold committed faces only.
    with locked_event(case.event_id) as (session, event):
        if event is None:
            raise NotPossible("the event is deleted")
        faces = matrices.faces_of(session, event.id, event.version, event.active_engine_id)
        photos = list(queries.processed_photos(session, event.id))
    return faces, photos


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
