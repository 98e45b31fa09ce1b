"""An event whose engine changes: processes with one provider in their settings, and what guests have meanwhile."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select

from database import reading
from decoding.decoder import InThisProcess
from faces.fake import FakeEngine, OtherFakeEngine
from jobs import queue as job_queue
from jobs import work
from models import Event, Face, FaceCandidate, FaceMatch, Photo, SelfieEmbedding, User
from settings import get_settings
from tests.jobs.rows import guest_of, send_selfie

WHO = ((1,), (1, 2), (2, 3), (4,), (), (1, 3, 5))


class ThirdEngine(FakeEngine):
    """A third engine that recognises colours."""

    engine_id = "third-colours"
    seed = "third"


ENGINES = {"fake": FakeEngine(), "other-fake": OtherFakeEngine(), "third": ThirdEngine()}


@dataclass
class Process:
    """What a process with one provider in its settings does."""

    monkeypatch: pytest.MonkeyPatch

    def restart(self, provider: str) -> None:
        """Have the settings name this provider, as after a restart of all processes."""
        self.monkeypatch.setattr(get_settings(), "face_recognizer_provider", provider)
        engine = ENGINES[provider]
        self.decoder = InThisProcess(lambda: engine, dimensions=engine.dimensions)

    def jobs(self, at_most: int = 10_000) -> int:
        """Do at most that many of the jobs that can be claimed; return how many were done."""
        for number in range(at_most):
            held = job_queue.claim_next()
            if held is None:
                return number
            work.attempt(held, self.decoder)
        return at_most

    def change(self) -> None:
        """Do all that is to be done, as the inference thread does it."""
        work.change_engines()
        while self.jobs():
            work.change_engines()
        work.change_engines()


@dataclass
class Ball:
    """An event with photos of `WHO`, and guests by name."""

    event: Event
    photos: list[int]
    guests: dict[str, User]

    def engine(self) -> str:
        """The event's active engine."""
        with reading() as session:
            return session.get_one(Event, self.event.id).active_engine_id

    def matches(self) -> set[tuple[str, int, float, bool]]:
        """Every match: the guest's name, the place of the photo in the event, the score, and whether declared."""
        names = {guest.id: name for name, guest in self.guests.items()}
        with reading() as session:
            rows = session.execute(
                select(FaceMatch.user_id, FaceMatch.photo_id, FaceMatch.confidence_score, FaceMatch.declared)
                .join(Photo, Photo.id == FaceMatch.photo_id)
                .where(Photo.event_id == self.event.id)
            )
            return {(names[row[0]], self.photos.index(row[1]), row[2], row[3]) for row in rows}

    def engines_stored(self) -> set[str]:
        """The engines of which anything is stored: faces, embeddings of portraits, candidates."""
        with reading() as session:
            faces = session.scalars(select(Face.engine_id).where(Face.event_id == self.event.id))
            portraits = session.scalars(
                select(SelfieEmbedding.engine_id).where(SelfieEmbedding.event_id == self.event.id)
            )
            candidates = session.scalars(
                select(Face.engine_id)
                .join(FaceCandidate, FaceCandidate.face_id == Face.id)
                .where(FaceCandidate.event_id == self.event.id)
            )
            return {*faces, *portraits, *candidates}

    def looked_at_by(self) -> set[str | None]:
        """The engines that have looked at the photos last."""
        with reading() as session:
            return set(session.scalars(select(Photo.engine_id).where(Photo.event_id == self.event.id)))

    def join(self, name: str, person: int) -> User:
        """Register a guest and send the portrait of this person."""
        self.guests[name] = guest_of(self.event, name)
        send_selfie(self.guests[name], person)
        return self.guests[name]
