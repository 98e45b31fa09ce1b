"""A list that is lost at Azure takes neither matches away nor the knowledge of faces that are to be erased."""

import pytest

from azure_face.problems import NotThere
from azure_face.shared import face_service
from database import reading, transaction
from matching.azure import keeping, lists, queries
from matching.azure.keeping import AttemptTooOld
from matching.azure.lists import PHOTOS
from models import Event, RemoteDoubt, RemoteList, utcnow
from testkit.azure_face_server import FaceServer
from tests.jobs.rows import send_photo
from tests.matching.azure.work import erase, settle


def test_what_another_process_adds_to_a_lost_list_is_erased(event: Event, server: FaceServer) -> None:
    send_photo(event, 2)
    settle()
    service = face_service()
    assert service is not None
    late = lists.made(service, event.id, PHOTOS)
    with transaction() as session:
        queries.add_doubts(session, late.id, ["late"], utcnow())
    lists.forget(late)
    with reading() as session:
        assert session.get(RemoteDoubt, "late") is not None
        row = session.get_one(RemoteList, late.id)
    settle()
    held = server.state.held()
    with pytest.raises(AttemptTooOld), transaction() as session:
        keeping.record(session, late, [keeping.Kept(0, "unknown", "late", False)], "face_id", [None])
    with pytest.raises(NotThere):
        lists.trained(service, row)
    # A second process that finds the list gone does not give up the new one.
    lists.forget(late)
    erase()
    assert late.name not in server.state.lists
    assert len(server.state.held()) == 1 < len(held)
