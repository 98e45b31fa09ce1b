"""Photos whose renditions and faces are made again where Azure recognises faces."""

import pytest
from sqlalchemy import func, select

from database import reading, transaction
from faces.providers import AZURE_ENGINE_ID
from jobs import queue, work
from matching import confirmations, refusals
from matching.azure.photos import guests_resembling
from models import Confirmation, Event, Face, FaceMatch, Photo, RemoteFace, Reprocessing, User
from photos.reprocessing import service as reprocessing
from testkit.azure_face_server import FaceServer
from tests.jobs.rows import lose, row, send_photo
from tests.matching.azure.test_matching import guest, scores, send_selfie
from tests.matching.azure.work import DECODER, erase, settle


def faces_of(photo_id: int) -> list[Face]:
    with reading() as session:
        of_photo = select(Face).where(Face.photo_id == photo_id, Face.engine_id == AZURE_ENGINE_ID)
        return list(session.scalars(of_photo.order_by(Face.id)))


def shown(user: User) -> set[int]:
    with reading() as session:
        return set(session.scalars(select(FaceMatch.photo_id).where(FaceMatch.user_id == user.id)))


def forget_face(photo_id: int, number: int) -> None:
    """Leave a photo as a release made it that did not find one of its faces."""
    with transaction() as session:
        session.delete(session.get_one(Face, faces_of(photo_id)[number].id))
        session.get_one(Event, session.get_one(Photo, photo_id).event_id).version += 1


@pytest.mark.parametrize("killed", [pytest.param(False, marks=pytest.mark.long), True])
@pytest.mark.long
def test_guests_keep_their_photos_until_their_search_and_gain_the_others(
    event: Event, server: FaceServer, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    amy, ben = (guest(event) for _ in range(2))
    for number, each in enumerate((amy, ben), 1):
        send_selfie(each, number)
    photos = [send_photo(event, 1, 2), send_photo(event, 2), send_photo(event, 1)]
    settle()
    refusals.refuse(amy.id, photos[2])
    confirmations.confirm(ben, photos[1], faces_of(photos[1])[0].id)
    settle()
    fresh = {user.id: scores(user) for user in (amy, ben)}
    forget_face(photos[0], 0)
    settle()
    assert photos[0] not in shown(amy)
    before = {photo: [each.id for each in faces_of(photo)] for photo in photos}
    reprocessing.plan(event.id)
    if killed:
        _die_between_faces_and_guests(monkeypatch)
    while (held := queue.claim_next()) is not None and held.kind is Reprocessing:
        work.run(held, DECODER)
        assert photos[0] in shown(ben), "kept until the guest is matched"
        assert photos[1] in shown(ben)
        if not reprocessing.under_way():
            break
    if held is not None and held.kind is not Reprocessing:
        queue.release(held)
    settle()
    assert {user.id: scores(user) for user in (amy, ben)} == fresh
    assert photos[2] not in shown(amy)
    for photo in photos:
        assert not {each.id for each in faces_of(photo)} & set(before[photo])
    with reading() as session:
        known = session.get_one(Confirmation, (ben.id, photos[1]))
        assert known.face_id == faces_of(photos[1])[0].id
    erase()
    with reading() as session:
        owned = session.scalar(select(func.count()).select_from(RemoteFace).where(RemoteFace.face_id.is_not(None)))
    assert owned == sum(len(faces_of(photo)) for photo in photos)
    assert not reprocessing.under_way()
    assert all(row(Photo, photo).rendition_set for photo in photos)


def _die_between_faces_and_guests(monkeypatch: pytest.MonkeyPatch) -> None:
    """End an attempt after its faces are stored and before the guests are known, as a killed process does."""
    held = queue.claim_next()
    assert held is not None
    assert held.kind is Reprocessing

    def killed(*_: object) -> set[int]:
        raise KeyboardInterrupt

    monkeypatch.setattr("matching.azure.again.guests_resembling", killed)
    with pytest.raises(KeyboardInterrupt):
        work.run(held, DECODER)
    monkeypatch.setattr("matching.azure.again.guests_resembling", guests_resembling)
    lose(held)
