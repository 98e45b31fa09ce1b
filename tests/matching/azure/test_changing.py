"""An installation changes to Azure and away from it: the same matches as before, and nothing left there."""

import pytest

from database import reading
from decoding.decoder import InThisProcess
from faces.fake import ENGINE_ID, FakeEngine
from jobs import queue, work
from models import Event, Photo, UserEvent
from settings import get_settings
from testkit.azure_face_server import FaceServer
from tests.jobs.rows import membership_of, row, send_photo
from tests.matching.azure.test_matching import guest, scores, send_selfie
from tests.matching.azure.work import erase, settle

HERE = InThisProcess(FakeEngine)


def engine_of(event: Event) -> str:
    with reading() as session:
        return session.get_one(Event, event.id).active_engine_id


def change_to(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what processes do that start with this provider, until nothing is left to do."""
    monkeypatch.setattr(get_settings(), "face_recognizer_provider", provider)
    for _ in range(3):
        work.change_engines()
        if provider == "azure":
            settle()
            continue
        while (held := queue.claim_next()) is not None:
            work.attempt(held, HERE)


@pytest.mark.long
def test_an_event_goes_to_another_engine_and_comes_back(
    event: Event, server: FaceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    guests = [guest(event) for _ in range(2)]
    for number, each in enumerate(guests, 1):
        send_selfie(each, number)
    photos = [send_photo(event, 1, 2), send_photo(event, 2), send_photo(event, 7)]
    settle()
    found = [scores(each).keys() for each in guests]
    assert found == [{photos[0]}, {photos[0], photos[1]}]

    change_to("fake", monkeypatch)
    assert engine_of(event) == ENGINE_ID
    assert [scores(each).keys() for each in guests] == found
    erase()
    assert server.state.held() == [], "Azure keeps nothing of an event that it does not serve"

    change_to("azure", monkeypatch)
    assert engine_of(event).startswith("azure")
    assert {row(Photo, each).engine_id for each in photos} == {engine_of(event)}
    assert {row(UserEvent, membership_of(each, event)).status for each in guests} == {"done"}
    assert [scores(each).keys() for each in guests] == found
    late = send_photo(event, 1)
    settle()
    assert scores(guests[0]).keys() == {photos[0], late}
