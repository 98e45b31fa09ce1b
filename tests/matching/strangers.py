"""Events that do not keep templates of strangers: scenes whose photos can be searched again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest

from database import reading, transaction
from events.service import NewEvent, create
from faces.engine import DetectedFace, Embeddings
from faces.fake import ENGINE_ID
from jobs import queue as job_queue
from jobs import work as jobs
from matching.redetecting import service as redetecting
from matching.service import record_photo
from models import DONE, NEVER, Event, Face, Photo, Redetection, UnstoredFaces, UserEvent, utcnow
from settings import get_settings
from tests.jobs.rows import DECODER
from tests.matching.scenes import Scene, held


def searched_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let photos be searched again without a pause, and leave no job to the next test: the body of a fixture."""
    monkeypatch.setattr(get_settings(), "search_again_seconds", 0.0)
    yield
    with transaction() as session:
        session.query(Redetection).delete()
        session.query(Event).update({Event.search_due_at: None})
        session.query(UserEvent).update({UserEvent.status: DONE})


def side_by_side(embeddings: Sequence[Embeddings]) -> list[DetectedFace]:
    """Return faces of one photo, each at a place of its own."""
    return [
        DetectedFace((40.0 * place, 0.0, 20.0, 20.0), np.zeros((5, 2), np.float32), 1.0, each)
        for place, each in enumerate(embeddings)
    ]


@dataclass
class Strangers(Scene):
    """A scene that knows the faces of its photos, so that they can be found again."""

    faces: dict[int, list[DetectedFace]] = field(default_factory=dict)

    def photo(self, *embeddings: Embeddings, engine_id: str = ENGINE_ID) -> int:
        """Record a photo with these faces; return its id."""
        photo_id = self.photo_in_hand()
        self.faces[photo_id] = side_by_side(embeddings)
        assert record_photo(photo_id, engine_id, self.faces[photo_id], held)
        return photo_id

    def search(self, *, calm: bool = False) -> int:
        """Do all jobs that can be claimed; return how many photos were searched again.

        With `calm`, until no guest's mean changes any more.
        """
        number = 0
        while True:
            if calm:
                self.let_calm_pass()
                redetecting.plan()
            claim = job_queue.claim_next()
            if claim is None:
                return number
            if claim.kind is not Redetection:
                jobs.attempt(claim, DECODER)
                continue
            number += 1
            photo = redetecting.photo_of(claim.id, ENGINE_ID)
            faces = self.faces[photo.id] if photo is not None else None
            redetecting.record(claim.id, ENGINE_ID, faces, claim.is_current)

    def let_calm_pass(self) -> None:
        """Let the time pass in which means must not change."""
        with transaction() as session:
            event = session.get_one(Event, self.event.id)
            if event.search_due_at is not None:
                event.search_due_at = utcnow() - timedelta(seconds=1)

    def look_again_at(self, photo_id: int) -> None:
        """Record the photo's faces once more, as when its job is repeated."""
        self.look_again(photo_id, *(each.embedding for each in self.faces[photo_id]))

    def change(self, **columns: object) -> None:
        """Set columns of the event."""
        with transaction() as session:
            event = session.get_one(Event, self.event.id)
            for name, value in columns.items():
                setattr(event, name, value)

    def stored(self) -> int:
        """Return the number of stored faces."""
        with reading() as session:
            return session.query(Face).filter(Face.event_id == self.event.id).count()

    def unstored(self) -> int:
        """Return the number of faces that were found and are not stored."""
        with reading() as session:
            rows = session.query(UnstoredFaces).filter(UnstoredFaces.event_id == self.event.id)
            return sum(each.number for each in rows)

    def waiting(self) -> list[int]:
        """Return the photos that are yet to be searched again."""
        with reading() as session:
            rows = session.query(Redetection).filter(
                Redetection.event_id == self.event.id, Redetection.status.in_(("pending", "processing"))
            )
            return sorted(each.photo_id for each in rows)

    def shows(self, user_id: int, photo_ids: Sequence[int]) -> dict[int, float]:
        """Return the score of each of these photos that shows the guest, by its place in the sequence."""
        rows = self.rows(user_id)
        return {place: rows[each][1] for place, each in enumerate(photo_ids) if each in rows}

    def uploaded(self, photo_id: int, days_ago: float) -> None:
        """Let a photo have been uploaded so many days ago."""
        with transaction() as session:
            session.get_one(Photo, photo_id).uploaded_at = utcnow() - timedelta(days=days_ago)


def strangers_in(bystanders: str = NEVER, days: int | None = None) -> Strangers:
    """Return an event without guests and photos."""
    return Strangers(create(NewEvent("Strangers", bystanders=bystanders, bystander_days=days)))
