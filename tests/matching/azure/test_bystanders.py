"""Azure compares all faces in lists: an event that lets those of strangers go is refused in words, not half done."""

from collections.abc import Iterator

import pytest

import errors
from database import reading, transaction
from events import service as events
from events.service import NewEvent
from faces.fake import ENGINE_ID
from jobs import listing as job_list
from models import KEEP, NEVER, UNTIL_EXPIRY, Event, Face
from settings import get_settings
from testkit.azure_face_server import FaceServer
from tests.jobs.rows import send_photo
from tests.matching.azure.test_changing import change_to, engine_of
from tests.matching.azure.test_matching import guest, scores, send_selfie
from tests.matching.azure.work import settle


@pytest.fixture
def elsewhere(server: FaceServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """An event that another engine serves and that lets templates of strangers go."""
    with monkeypatch.context() as patch:
        patch.setattr(get_settings(), "face_recognizer_provider", "fake")
        yield events.create(NewEvent("Elsewhere"))


def test_the_setting_is_refused(event: Event) -> None:
    assert event.bystanders == KEEP
    for mode in (UNTIL_EXPIRY, NEVER):
        with pytest.raises(errors.BystandersAtAzure):
            events.update(event.id, {"bystanders": mode})
        with pytest.raises(errors.BystandersAtAzure):
            events.create(NewEvent("Refused", bystanders=mode))
    with reading() as session:
        assert session.get_one(Event, event.id).bystanders == KEEP


def test_an_event_that_lets_them_go_does_not_change_to_azure(
    elsewhere: Event, server: FaceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_to("fake", monkeypatch)
    amy = guest(elsewhere)
    send_selfie(amy, 1)
    photo_id = send_photo(elsewhere, 1, 2)
    change_to("fake", monkeypatch)
    assert elsewhere.bystanders == UNTIL_EXPIRY
    assert scores(amy).keys() == {photo_id}

    change_to("azure", monkeypatch)
    assert engine_of(elsewhere) == ENGINE_ID
    assert scores(amy).keys() == {photo_id}, "what was found stays"
    late = send_photo(elsewhere, 1, 3)
    settle()
    (failed,) = job_list.list_failed(10, elsewhere.id)
    assert (failed.kind, failed.id) == ("photos", late)
    assert "does not keep faces of strangers" in (failed.error or "")
    assert server.state.held() == [], "no picture's face is there"
    with reading() as session:
        assert session.query(Face).filter(Face.photo_id == late).count() == 0

    with transaction() as session:
        session.get_one(Event, elsewhere.id).bystanders = KEEP
    change_to("azure", monkeypatch)
    assert engine_of(elsewhere).startswith("azure")
    assert scores(amy).keys() == {photo_id}
