"""A store that answers 503, is slow or loses a read after a write: photos arrive once, or can be completed later."""

from collections.abc import Iterator

import pytest

from testkit.builders import EventInfo, Service, people
from testkit.deployed import s3_server
from testkit.faulty_store import Fault, FaultyStore, faulty_store
from testkit.pictures import refused
from testkit.sent_in_parts import PartsSender, large_photo
from tests.conftest import service_on_s3

pytestmark = pytest.mark.server
PHOTO = large_photo(1)
Faulty = tuple[Service, FaultyStore]


@pytest.fixture(scope="module", params=("sqlite",))
def faulty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """The service on S3, and what its store does wrong."""
    pytest.importorskip("moto")
    folder = tmp_path_factory.mktemp("faulty")
    with (
        s3_server(folder) as environment,
        faulty_store(environment["AWS_ENDPOINT_URL"]) as store,
        service_on_s3(request, folder, {**environment, "AWS_ENDPOINT_URL": store.url}) as service,
    ):
        yield service, store


def original(service: Service, event: EventInfo, photo: int) -> bytes:
    return bytes(service.get(f"/api/photo/{photo}?size=original", event.photographer).content)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("busy", "PUT", "/photos/"),
        Fault("busy", "POST", "uploadId"),
        Fault("busy", "GET", "uploadId"),
        Fault("slow", "GET", "whole"),
    ],
    ids=["copying", "completing", "listing", "slow reading"],
)
def test_a_store_that_fails_once_is_asked_again(faulty: Faulty, fault: Fault) -> None:
    service, store = faulty
    event = service.event()
    sender = PartsSender(service, event)
    upload = sender.begun(PHOTO)
    sender.send_missing(upload, PHOTO)
    store.faults = [fault]
    answer = sender.complete(upload)
    assert answer.status_code == 200, answer.text
    assert fault.times == 0, "it has failed"
    assert original(service, event, answer.json()["id"]) == PHOTO


def test_a_store_that_stays_busy_is_told_and_the_photo_is_completed_later(faulty: Faulty) -> None:
    service, store = faulty
    event = service.event()
    sender = PartsSender(service, event)
    upload = sender.begun(PHOTO)
    sender.send_missing(upload, PHOTO)
    store.faults = [Fault("busy", "POST", "uploadId", times=3)]
    answer = sender.complete(upload)
    assert answer.status_code in (500, 503)
    assert service.process_photos(event) == []
    answer = sender.complete(upload)
    assert answer.status_code == 200
    assert original(service, event, answer.json()["id"]) == PHOTO


def test_a_store_that_loses_what_was_just_written_loses_no_photo(faulty: Faulty) -> None:
    service, store = faulty
    event = service.event()
    sender = PartsSender(service, event)
    small = people(2)
    upload = sender.begun(small)
    sender.send_missing(upload, small)
    store.faults = [Fault("lost", "HEAD", "whole")]
    refused(sender.complete(upload), 409, "UploadIncomplete")
    # Copied to its place, and not found there: it is sent there.
    store.faults = [Fault("lost", "HEAD", "/photos/")]
    answer = sender.complete(upload)
    assert answer.status_code == 200
    assert store.faults[0].times == 0
    assert original(service, event, answer.json()["id"]) == small
    (photo,) = service.process_photos(event)
    assert photo["processing_status"] == "done"
