"""Lists of jobs, of one event or of all."""

from typing import Any

from sqlalchemy import select

from database import reading, transaction
from jobs import listing as job_list
from models import FAILED, PENDING, Photo, Selfie, utcnow
from testkit.builders import EventInfo, Service, people


def put(kind: type[Photo] | type[Selfie], row_id: int, status: str) -> None:
    """Set the state of a job, so that it is not claimed."""
    with transaction() as session:
        row: Any = session.get_one(kind, row_id)
        row.status, row.error = status, "because"
        row.lease_until = utcnow().replace(year=2100) if status == PENDING else None


def photo(service: Service, event: EventInfo, number: int, status: str) -> int:
    sent = service.upload(event, people(number), names=[f"photo{number}.jpg"])
    service.process_photos(event)
    row_id = int(sent["uploaded_photos"][0]["id"])
    put(Photo, row_id, status)
    return row_id


def test_jobs_are_listed_by_state_and_event(service: Service) -> None:
    event, other = service.event(name="Bal"), service.event()
    first, second = (photo(service, event, number, FAILED) for number in (1, 2))
    waiting, elsewhere = photo(service, event, 3, PENDING), photo(service, other, 4, FAILED)
    guest = service.guest(event, "nora")
    service.send_selfie(guest, people(5))
    service.settle(guest)
    with reading() as session:
        selfie = session.scalars(select(Selfie.id).where(Selfie.user_id == guest.id)).one()
    put(Selfie, selfie, FAILED)
    failed = job_list.list_failed(10, event.id)
    assert [(job.kind, job.id, job.about) for job in failed] == [
        ("selfies", selfie, "nora"),
        ("photos", second, "photo2.jpg"),
        ("photos", first, "photo1.jpg"),
    ]
    assert {(job.event_id, job.event_name, job.status, job.error) for job in failed} == {
        (event.id, "Bal", FAILED, "because")
    }
    assert elsewhere in [job.id for job in job_list.list_failed(10)]
    assert [job.id for job in job_list.list_failed(1, event.id)] == [selfie, second]
    assert [job.id for job in job_list.list_unfinished(10, event.id)] == [waiting]
    assert job_list.list_unfinished(10, other.id) == []
