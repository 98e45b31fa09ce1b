"""What is deleted here is deleted at Azure: in the same promise, and whatever fails between."""

from collections.abc import Callable

import pytest

from accounts import passwords
from azure_face.problems import CallRefused
from azure_face.shared import face_service
from database import reading, transaction
from events import service as events
from guests import consent, portraits, removal
from guests import erasure as accounts_erasure
from jobs import remote
from matching.azure import erasure, queries
from matching.azure.erasure import PeriodicErasure
from models import Event, RemoteFace, RemoteList, User
from operations import service as operations
from photos import service as photos
from testkit.azure_face_server import FaceServer
from testkit.passwords import PASSWORD
from tests.jobs.rows import guest_of, send_photo
from tests.matching.azure.test_matching import send_selfie
from tests.matching.azure.work import erase, settle


@pytest.fixture
def amy(event: Event) -> User:
    """A guest with a portrait and a photo of two people: three faces at Azure."""
    made = guest_of(event, "amy", passwords.hash_password(PASSWORD))
    send_selfie(made, 1)
    settle()
    return made


def waiting() -> int:
    with reading() as session:
        return sum(queries.waiting(session))


def remove_photo(event: Event, _: User) -> None:
    photo = send_photo(event, 7)
    settle()
    photos.remove(User(user_type="admin"), [photo])


def replace_selfie(_: Event, amy: User) -> None:
    send_selfie(amy, 2)
    settle()


def remove_selfie(_: Event, amy: User) -> None:
    portraits.remove_all(amy.id)


def withdraw(event: Event, amy: User) -> None:
    consent.withdraw(amy.id, event.id)


def close_account(_: Event, amy: User) -> None:
    accounts_erasure.erase(amy, PASSWORD)


@pytest.mark.parametrize(
    ("what", "left"),
    # With the account also the guest's face in the photo, in the list of the photos' faces.
    [(remove_photo, 3), (replace_selfie, 3), (remove_selfie, 2), (withdraw, 2), (close_account, 1)],
)
def test_each_erasure_here_erases_there(
    event: Event, amy: User, server: FaceServer, what: Callable[[Event, User], None], left: int
) -> None:
    send_photo(event, 1, 2)
    settle()
    before = set(server.state.held())
    what(event, amy)
    assert waiting() == (2 if what is close_account else 1)
    erase()
    held = set(server.state.held())
    assert len(held) == left
    assert waiting() == 0
    assert (before == held) == (what is remove_photo)


def test_an_event_is_erased_with_one_call_for_each_list(event: Event, amy: User, server: FaceServer) -> None:
    send_photo(event, 1, 2)
    settle()
    removal.remove_event(event.id)
    assert waiting() > 0
    calls = server.state.calls.get("DELETE", 0)
    erase()
    assert (server.state.lists, server.state.held()) == ({}, [])
    assert server.state.calls["DELETE"] == calls + 2
    assert waiting() == 0


def test_a_list_made_again_by_a_job_under_way_is_deleted_too(event: Event, amy: User, server: FaceServer) -> None:
    removal.remove_event(event.id)
    with reading() as session:
        names = [each.name for each in session.query(RemoteList).filter(RemoteList.event_id.is_(None))]
    erase()
    server.state.make_list(names[-1], {"name": "late"})
    with transaction() as session:
        for each in session.query(RemoteList):
            each.erased_at = each.erased_at - erasure.MADE_AGAIN_WITHIN if each.erased_at else None
    erase()
    assert server.state.lists == {}
    with reading() as session:
        assert session.query(RemoteList).count() == 0


def test_what_waits_is_listed_and_erased_when_azure_is_back(event: Event, amy: User, server: FaceServer) -> None:
    server.state.faults.away_until = float("inf")
    ticks = PeriodicErasure(face_service)
    portraits.remove_all(amy.id)
    # No request waits for Azure; the worker notes that it is away.
    face_service.cache_clear()
    ticks.tick()
    assert operations.remote_erasures() == {"lists": 0, "faces": 1, "doubts": 0}
    assert b"reperio_remote_erasures_waiting 1.0" in operations.metrics()
    server.state.faults.away_until = 0.0
    face_service.cache_clear()
    erase()
    assert operations.remote_erasures() == {"lists": 0, "faces": 0, "doubts": 0}
    assert server.state.held() == []
    events.request_rematch(event.id)
    settle()


def test_after_a_restored_backup_what_no_row_knows_is_found_and_erased(
    event: Event, amy: User, server: FaceServer
) -> None:
    photo = send_photo(event, 1, 2)
    settle()
    service = face_service()
    assert service is not None
    assert (remote.compare(service).unknown_lists, remote.compare(service).unknown_faces) == ([], [])
    known = set(server.state.held())
    # As if the backup was older than one of the faces, and than another event.
    with transaction() as session:
        session.delete(session.query(RemoteFace).filter(RemoteFace.face_id.is_not(None)).first())
        name = session.query(RemoteList.name).filter(RemoteList.event_id == event.id).first()
    assert name is not None
    server.state.make_list(name[0].replace(f"-{event.id}-", "-999999-"), {"name": "later"})
    server.state.make_list("of-another-installation", {"name": "theirs"})
    found = remote.compare(service)
    assert (len(found.unknown_lists), len(found.unknown_faces)) == (1, 1)
    remote.erase(service, found)
    assert len(known - set(server.state.held())) == 1
    assert len(server.state.lists) == 3
    del server.state.lists["of-another-installation"]
    photos.remove(User(user_type="admin"), [photo])


def test_what_azure_refuses_to_delete_does_not_hold_up_the_rest(
    event: Event, amy: User, server: FaceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [send_photo(event, 7), send_photo(event, 8)]
    settle()
    service = face_service()
    assert service is not None
    photos.remove(User(user_type="admin"), sent)
    with reading() as session:
        first = queries.left_faces(session, 1)[0]
    delete = service.delete_face

    def refusing(list_id: str, persisted_id: str) -> None:
        if persisted_id == first.persisted_id:
            raise CallRefused("BadArgument", "refused on purpose")
        delete(list_id, persisted_id)

    monkeypatch.setattr(service, "delete_face", refusing)
    monkeypatch.setattr(erasure, "_refused_faces", erasure.Refused("face"))
    for _ in range(2):
        erasure.erase(service, most=1)
    assert waiting() == 1
    monkeypatch.undo()
    erase()
    assert waiting() == 0
