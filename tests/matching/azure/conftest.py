"""An installation with Azure: a server that speaks its interface, for which coloured squares are faces."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

import errors
from azure_face.connection import Timing
from azure_face.service import FaceService
from azure_face.shared import face_service
from events import service as events
from events.service import NewEvent
from faces.fake import FakeEngine
from guests import removal
from matching.azure import erasure
from models import Event
from testkit.azure_face_server import FaceServer, face_server
from tests.conftest import DATABASES, fresh_database
from tests.matching.azure.work import settle


@pytest.fixture(scope="module")
def running() -> Iterator[FaceServer]:
    """A server that all tests of a module use."""
    impatient = partial(FaceService, training_pauses=(0.02,))
    with face_server(FakeEngine(), training_seconds=0.02) as server, pytest.MonkeyPatch.context() as patch:
        # Azure itself trains for half a second or more, and is away for longer.
        patch.setattr("azure_face.shared.FaceService", impatient)
        patch.setattr("azure_face.shared.Timing", partial(Timing, first_pause=0.01))
        yield server


@pytest.fixture(scope="module", params=DATABASES)
def installation(
    running: FaceServer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A database of each kind, without a thread that works on jobs."""
    settings = {**running.settings, "JOB_BACKOFF_SECONDS": "0", "AZURE_FACE_GATHER_SECONDS": "0"}
    folder: Path = tmp_path_factory.mktemp("azure")
    with fresh_database(request, folder, settings.pop("FACE_RECOGNIZER_PROVIDER"), **settings):
        yield


@pytest.fixture
def server(running: FaceServer, installation: None) -> Iterator[FaceServer]:
    """The server, empty and without faults."""
    running.state.clear()
    face_service.cache_clear()
    yield running
    running.state.clear()


@pytest.fixture
def event(server: FaceServer) -> Iterator[Event]:
    """An event; deleted here and there afterwards."""
    made = events.create(NewEvent("Azure"))
    yield made
    server.state.recover()
    face_service.cache_clear()
    settle()
    with suppress(errors.NoSuchEvent):
        removal.remove_event(made.id)
    service = face_service()
    assert service is not None
    erasure.erase(service)
    assert server.state.held() == []
