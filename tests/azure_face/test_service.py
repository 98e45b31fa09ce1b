"""The client of Azure's Face service against a server that speaks its interface, over HTTP."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from azure_face.connection import TRIES, Connection, Timing
from azure_face.problems import (
    AccessNotApproved,
    FaceIdExpired,
    KeyRefused,
    NotThere,
    NotTrained,
    PictureRefused,
    QuotaSpent,
    ServiceAway,
    TrainingFailed,
)
from azure_face.service import FaceService
from faces.engine import EngineUnavailable
from faces.fake import FakeEngine, fake_colour, fake_photo
from testkit.azure_face_server import FaceServer, face_server
from testkit.servers import free_port

PAUSES: list[float] = []


@pytest.fixture(scope="module")
def running() -> Iterator[FaceServer]:
    with face_server(FakeEngine(), training_seconds=0.1) as server:
        yield server


@pytest.fixture
def server(running: FaceServer) -> Iterator[FaceServer]:
    PAUSES.clear()
    yield running
    running.state.clear()


def connected(endpoint: str, key: str = "a-key", *, timeout: float = 5.0, pace: float = 10_000) -> FaceService:
    def sleep(seconds: float) -> None:
        PAUSES.append(seconds)

    timing = Timing(timeout=timeout, first_pause=0.01, sleep=sleep)
    return FaceService(Connection(endpoint, key, pace, timing), training_pauses=(0.02,))


def test_a_face_is_found_again_in_a_trained_list(server: FaceServer) -> None:
    service = connected(server.endpoint)
    service.make_list("photos")
    service.make_list("photos")
    picture = fake_photo([fake_colour(5), fake_colour(9)])
    added = [
        service.add_face("photos", picture, face, f"n{place}") for place, face in enumerate(service.detect(picture))
    ]
    (face,) = service.detect(fake_photo([fake_colour(9)]))
    with pytest.raises(NotTrained):
        service.find_similar(face.face_id, "photos")
    service.train("photos")
    similar = service.find_similar(face.face_id, "photos")
    by_note = {each.user_data: similar[each.persisted_face_id] for each in service.faces_of("photos")}
    # Two colours are two people; what is told of detection is where the squares are.
    assert sorted(value > 0.9 for value in by_note.values()) == [False, True]
    assert face.located.box == pytest.approx((60, 60, 160, 160), abs=2)
    assert not any(each.maybe_twice for each in added)
    assert list(service.lists()) == ["photos"]


def test_a_face_deleted_is_gone_and_deleting_again_changes_nothing(server: FaceServer) -> None:
    service = connected(server.endpoint)
    service.make_list("photos")
    picture = fake_photo([fake_colour(5)])
    added = service.add_face("photos", picture, service.detect(picture)[0], "one")
    for _ in range(2):
        service.delete_face("photos", added.persisted_face_id)
    assert server.state.held() == []
    for _ in range(2):
        service.delete_list("photos")
    service.delete_face("photos", added.persisted_face_id)
    assert server.state.lists == {}
    with pytest.raises(NotThere):
        list(service.faces_of("photos"))


def test_an_empty_list_cannot_be_trained(server: FaceServer) -> None:
    service = connected(server.endpoint)
    service.make_list("photos")
    with pytest.raises(TrainingFailed):
        service.train("photos")


def test_what_cannot_be_read_and_what_is_unknown_is_refused(server: FaceServer) -> None:
    service = connected(server.endpoint)
    service.make_list("photos")
    with pytest.raises(PictureRefused):
        service.detect(b"no picture" * 500)
    with pytest.raises(PictureRefused):
        service.detect(b"small")
    with pytest.raises(FaceIdExpired):
        service.find_similar("00000000-0000-0000-0000-000000000000", "photos")


def test_a_wrong_key_is_told_without_the_key_and_not_asked_again_at_once(server: FaceServer) -> None:
    service = connected(server.endpoint, key="a-wrong-key")
    with pytest.raises(KeyRefused, match="AZURE_FACE_KEY") as problem:
        service.check()
    assert "a-wrong-key" not in str(problem.value)
    asked = server.state.faults.told["401"]
    with pytest.raises(KeyRefused):
        service.detect(fake_photo([fake_colour(5)]))
    assert server.state.faults.told["401"] == asked == 1


def test_a_spent_quota_and_missing_approval_are_told(server: FaceServer) -> None:
    server.state.faults.quota_spent = True
    with pytest.raises(QuotaSpent, match="quota"):
        connected(server.endpoint).check()
    server.state.faults.quota_spent, server.state.faults.approved = False, False
    with pytest.raises(AccessNotApproved, match="on application"):
        connected(server.endpoint).detect(fake_photo([fake_colour(5)]))


def test_throttling_is_waited_for_as_long_as_the_service_asks(server: FaceServer) -> None:
    server.state.faults.throttle_share, server.state.faults.retry_after = 1.0, 3
    with pytest.raises(ServiceAway, match="busy"):
        connected(server.endpoint).check()
    assert [pause for pause in PAUSES if pause > 1] == [3.0] * (TRIES - 1)


def test_a_pause_that_is_too_long_is_not_waited_for(server: FaceServer) -> None:
    server.state.faults.throttle_share, server.state.faults.retry_after = 1.0, 4000
    service = connected(server.endpoint)
    with pytest.raises(ServiceAway):
        service.check()
    with pytest.raises(ServiceAway):
        service.check()
    assert server.state.faults.told == {"429": 1}


@pytest.mark.long
def test_errors_are_tried_again_and_a_face_that_may_be_there_twice_is_told(server: FaceServer) -> None:
    service = connected(server.endpoint)
    service.make_list("photos")
    picture = fake_photo([fake_colour(5)])
    doubtful = 0
    server.state.faults.error_share = 0.2
    for number in range(30):
        face = service.detect(picture)[0]
        doubtful += service.add_face("photos", picture, face, f"n{number}").maybe_twice
    # A face may be there three times, after two errors.
    doubled = [name for name, times in Counter(server.state.held()).items() if times > 1]
    assert 0 < len(doubled) <= doubtful


def test_a_server_that_hangs_costs_one_timeout(server: FaceServer) -> None:
    server.state.faults.hang_once = 3.0
    began = time.monotonic()
    connected(server.endpoint, timeout=0.3).check()
    assert 0.3 <= time.monotonic() - began < 2.5


def test_where_nothing_listens_calls_stop_after_a_few_tries_and_go_on_later() -> None:
    now = [0.0]
    timing = Timing(timeout=1.0, first_pause=0.0, clock=lambda: now[0], sleep=lambda seconds: None)
    connection = Connection(f"http://127.0.0.1:{free_port()}", "a-key", 1000, timing)
    service = FaceService(connection)
    with pytest.raises(ServiceAway, match="cannot be reached"):
        service.check()
    with pytest.raises(EngineUnavailable):
        service.check_not_suspended()
    now[0] += 6
    service.check_not_suspended()


def test_calls_begin_at_the_pace_that_is_set(server: FaceServer) -> None:
    service = connected(server.endpoint, pace=2)
    for _ in range(3):
        service.check()
    assert sum(PAUSES) == pytest.approx(1.5, abs=0.3)
