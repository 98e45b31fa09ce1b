"""While Azure is away, photos get their renditions, and selfies are checked here."""

import pytest

import storage
from azure_face.shared import face_service
from models import DONE, PENDING, REJECTED, Event, Photo, Selfie
from photos.keys import RENDITIONS, key_of
from testkit.azure_face_server import FaceServer
from tests.conftest import wait_until
from tests.jobs.rows import row, send_photo
from tests.matching.azure.test_matching import guest, scores, send_selfie
from tests.matching.azure.work import settle, workers

# A poll is a fifth of a second away, and the machine may be busy.
SECONDS = 30


def rendered(photo_id: int) -> bool:
    photo = row(Photo, photo_id)
    return photo.mean_colour is not None and all(storage.exists(key_of(photo, size)) for size in RENDITIONS)


@pytest.mark.long
def test_each_job_is_tried_once_up_to_the_step_that_needs_azure(event: Event, server: FaceServer) -> None:
    server.state.faults.quota_spent = True
    face_service.cache_clear()
    amy = guest(event)
    photo, selfie = send_photo(event, 1), send_selfie(amy, 1)
    faceless = send_selfie(guest(event))
    with workers(1):
        wait_until(lambda: rendered(photo), SECONDS)
        wait_until(lambda: row(Selfie, faceless).status == REJECTED, SECONDS)
        wait_until(lambda: "quota" in (row(Selfie, selfie).error or ""), SECONDS)
        wait_until(lambda: "quota" in (row(Photo, photo).error or ""), SECONDS)
        later = send_photo(event, 2)
        wait_until(lambda: rendered(later), SECONDS)
        waiting = row(Photo, photo)
        assert (waiting.status, waiting.attempts, row(Selfie, selfie).attempts) == (PENDING, 0, 0)
    assert scores(amy) == {}
    server.state.recover()
    face_service.cache_clear()
    settle()
    done = row(Photo, photo)
    assert (done.status, done.error, done.mean_colour) == (DONE, None, waiting.mean_colour)
    assert scores(amy).keys() == {photo}
