"""A list that is lost at Azure takes neither matches away nor the knowledge of faces that are to be erased."""

import pytest

from azure_face.problems import NotThere
from azure_face.shared import face_service
from database import reading, transaction
from jobs import queue, work
from matching.azure import keeping, lists, queries
from matching.azure.keeping import AttemptTooOld
from matching.azure.lists import PHOTOS
from models import Event, Face, FaceMatch, RemoteDoubt, RemoteList, utcnow
from testkit.azure_face_server import FaceServer
from tests.jobs.rows import send_photo
from tests.matching.azure.test_matching import guest, scores, send_selfie
from tests.matching.azure.work import DECODER, erase, settle


def rows_of(event: Event) -> tuple[list[int], list[int]]:
    """Return the ids of the event's faces and of its matches."""
    with reading() as session:
        faces = [each.id for each in session.query(Face).filter(Face.event_id == event.id).order_by(Face.id)]
        matches = session.query(FaceMatch).join(Face, Face.id == FaceMatch.face_id).filter(Face.event_id == event.id)
        return faces, sorted(each.id for each in matches)


@pytest.mark.long
def test_matches_stay_while_a_lost_list_is_filled_again(event: Event, server: FaceServer) -> None:
    amy = guest(event)
    mine = {send_photo(event, 1), send_photo(event, 1, 4), send_photo(event, 1, 5)}
    send_selfie(amy, 1)
    settle()
    before, known = rows_of(event), scores(amy)
    assert known.keys() == mine
    (name,) = [each for each in server.state.lists if each.endswith("photos")]
    del server.state.lists[name]
    new = send_photo(event, 6, 1)
    jobs = 0
    while (held := queue.claim_next()) is not None:
        work.run(held, DECODER)
        assert scores(amy).items() >= known.items()
        jobs += 1
    assert jobs > len(mine)
    assert scores(amy).keys() == mine | {new}
    faces, matches = rows_of(event)
    assert set(faces) >= set(before[0])
    assert set(matches) >= set(before[1])
    assert len(server.state.held()) == len(faces) + 1


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
