"""A database of each kind, and an event with guests and a photo, whose templates are encrypted."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from database import reading
from events import service as events
from events.service import NewEvent
from jobs import pairing
from models import Event, Face, Selfie, SelfieEmbedding, User
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import guest_of, send_photo, send_selfie, work


@dataclass
class Party:
    """An event with a photo of two guests, and what the database holds of it."""

    event: Event
    amy: User
    bob: User
    photo_id: int

    def faces(self) -> list[Face]:
        """The stored faces of the photo, by id."""
        with reading() as session:
            return session.query(Face).filter(Face.photo_id == self.photo_id).order_by(Face.id).all()

    def selfie_of(self, guest: User) -> Selfie:
        """The guest's selfie."""
        with reading() as session:
            return session.query(Selfie).filter(Selfie.user_id == guest.id).one()

    def embedding_of(self, guest: User) -> SelfieEmbedding:
        """The stored embedding of the guest's selfie."""
        with reading() as session:
            wanted = session.query(SelfieEmbedding).join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
            return wanted.filter(Selfie.user_id == guest.id).one()


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("encrypted"), JOB_BACKOFF_SECONDS="0"):
        assert pairing.problem() is None
        yield


@pytest.fixture
def party(_database: None) -> Party:
    event = events.create(NewEvent("Encrypted"))
    amy, bob = guest_of(event, "amy"), guest_of(event, "bob")
    send_selfie(amy, 1)
    send_selfie(bob, 2)
    photo_id = send_photo(event, 1, 2)
    work()
    return Party(event, amy, bob, photo_id)
