"""Guests and photos made of embeddings alone, recorded one by one as the jobs record them.

Every face is built on the standard basis, so each cosine is exact: axis 0 is the guest, axis 1 how the guest looks
that day, and every further axis is the accident of one face.
"""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from accounts.service import NewAccount
from database import reading, transaction
from events.service import NewEvent, create
from faces.engine import DetectedFace, Embeddings
from faces.fake import DIMENSIONS, ENGINE_ID
from guests.registration import add_guest
from guests.wordings import shown
from matching import queries
from matching.matrices import Block
from matching.service import accept_selfie, record_photo
from matching.similarity import FaceScore, Portrait, Thresholds, accepted_faces, find_candidates
from models import PROCESSING, Event, Photo, Selfie, UserEvent
from photos import queries as photo_queries
from photos.queries import Page


class Seen(NamedTuple):
    """What one portrait finds: the best accepted face of each photo, and the mean of the second pass."""

    faces: dict[int, FaceScore]
    mean: Embeddings | None


def found_with(
    blocks: Sequence[Block], embedding: Embeddings, thresholds: Thresholds, refused: Collection[int] = ()
) -> Seen:
    """Search with one portrait."""
    found = find_candidates(blocks, [Portrait(1, embedding)], thresholds, refused)
    return Seen(accepted_faces(found), found.means[1])


PERSON = np.eye(DIMENSIONS, dtype=np.float32)[0]
_numbers = itertools.count(1)


def stranger(axis: int) -> Embeddings:
    """Return a face that has nothing in common with the guest nor with a face of another `axis`."""
    return np.asarray(np.eye(DIMENSIONS, dtype=np.float32)[axis], np.float32)


def face(of_person: float, of_day: float, axis: int) -> Embeddings:
    """Return a face with these cosines with the guest and with the guest's looks; the rest lies on `axis`."""
    made = np.zeros(DIMENSIONS, np.float32)
    made[0], made[1], made[axis] = of_person, of_day, np.sqrt(1 - of_person**2 - of_day**2)
    return made


def held(_: object) -> bool:
    """Tell that the job is still ours."""
    return True


def detected(embedding: Embeddings) -> DetectedFace:
    """Return an embedding as an engine's face."""
    return DetectedFace((0.0, 0.0, 10.0, 10.0), np.zeros((5, 2), np.float32), 1.0, embedding)


@dataclass
class Scene:
    """An event to which guests and photos come one by one."""

    event: Event

    def guest(self) -> int:
        """Register a guest; return their id."""
        name = f"scene{next(_numbers)}"
        with transaction() as session:
            account = NewAccount(name, f"{name}@example.org", "")
            return add_guest(session, account, "no hash", self.event.event_code, "fr", shown("fr")).id

    def selfie_in_hand(self, user_id: int, *, keep: bool = False) -> int:
        """Add a selfie as a claim leaves it; return its id."""
        with transaction() as session:
            key = f"selfies/scene{next(_numbers)}"
            selfie = Selfie(user_id=user_id, storage_key=key, status=PROCESSING, attempts=1, keep=keep)
            session.add(selfie)
            session.flush()
            return selfie.id

    def selfie(self, user_id: int, embedding: Embeddings = PERSON, *, keep: bool = False) -> int:
        """Accept a selfie of the guest; return its id."""
        selfie_id = self.selfie_in_hand(user_id, keep=keep)
        accept_selfie(selfie_id, ENGINE_ID, embedding, held)
        return selfie_id

    def guest_with_selfie(self) -> int:
        """Register a guest and accept their selfie; return the guest's id."""
        user_id = self.guest()
        self.selfie(user_id)
        return user_id

    def photo_in_hand(self) -> int:
        """Add a photo as a claim leaves it; return its id."""
        number = next(_numbers)
        with transaction() as session:
            photo = Photo(
                event_id=self.event.id,
                original_filename="p.jpg",
                filename=f"scene{number}.jpg",
                content_type="image/jpeg",
                sha256=f"{number:064x}",
                size=1,
                width=280,
                height=280,
                status=PROCESSING,
                attempts=1,
            )
            session.add(photo)
            session.flush()
            return photo.id

    def photo(self, *embeddings: Embeddings, engine_id: str = ENGINE_ID) -> int:
        """Record a photo with these faces; return its id."""
        photo_id = self.photo_in_hand()
        assert record_photo(photo_id, engine_id, [detected(each) for each in embeddings], held)
        return photo_id

    def look_again(self, photo_id: int, *embeddings: Embeddings) -> None:
        """Record these faces of the photo instead of those it has."""
        with transaction() as session:
            photo = session.get_one(Photo, photo_id)
            photo.status = PROCESSING
        assert record_photo(photo_id, ENGINE_ID, [detected(each) for each in embeddings], held)

    def show_all(self, *, seen: bool = True) -> None:
        """Let guests see all photos of the event, or only their own."""
        with transaction() as session:
            session.get_one(Event, self.event.id).guests_see_all_photos = seen

    def listed(self, user_id: int) -> list[int]:
        """Return the photos in the guest's list."""
        with reading() as session:
            found = photo_queries.with_guest(session, user_id, self.event.id, Page())
        return [each.photo.id for each in found]

    def rows(self, user_id: int) -> dict[int, tuple[int | None, float]]:
        """Return face and score of each photo that shows the guest."""
        with reading() as session:
            found = queries.matches_of(session, user_id, self.event.id)
        return {each.photo_id: (each.face_id, each.confidence_score) for each in found}

    def membership(self, user_id: int) -> UserEvent:
        """Return the guest's membership as it stands."""
        with reading() as session:
            (found,) = queries.memberships_of(session, user_id)
        return found


def new_scene() -> Scene:
    """Return an event without guests and photos."""
    return Scene(create(NewEvent("Scene")))
