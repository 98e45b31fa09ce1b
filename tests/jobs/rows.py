"""Guests, photos and selfies as rows of the queue, on a database that no job thread works on."""

from datetime import timedelta
from typing import Any

from accounts.service import NewAccount
from database import reading, transaction
from decoding.decoder import InThisProcess
from events import service as events
from faces.fake import FakeEngine
from guests import registration
from guests.wordings import shown
from jobs import kinds as job_kinds
from jobs import queue as job_queue
from jobs import work as jobs
from matching import queries as matching_queries
from models import Event, FaceMatch, Photo, Selfie, SelfieEmbedding, User, UserEvent, utcnow
from photos import receiving
from photos import service as photos
from photos.queries import Page
from selfies import service as selfies
from selfies.service import SelfieFile
from testkit.builders import people

ENGINE = FakeEngine()
# In this process, so that tests can step between its steps; tests/decoding has the children.
DECODER = InThisProcess(lambda: ENGINE)


def guest_of(event: Event, name: str = "amy", hashed: str = "no hash") -> User:
    """Make a guest of the event."""
    with transaction() as session:
        account = NewAccount(name, f"{name}@example.org", "")
        return registration.add_guest(session, account, hashed, event.event_code, "fr", shown("fr"))


def send_photo(event: Event, *who: int) -> int:
    """Store a photo of these people and return its id."""
    return receiving.receive(event, None, "p.jpg", people(*who)).id


def send_selfie(guest: User, *who: int) -> int:
    """Store a selfie and return its id."""
    file = SelfieFile(people(*who), "image/jpeg")
    return selfies.receive(guest, file, lambda each: selfies.store(each, DECODER), strict=True).id


def claim() -> job_queue.Claim:
    """Claim a job; there must be one."""
    found = job_queue.claim_next()
    assert found is not None
    return found


def work() -> None:
    """Do all jobs that can be claimed."""
    while (held := job_queue.claim_next()) is not None:
        jobs.attempt(held, DECODER)


def set_columns(kind: job_kinds.JobRow, row_id: int, **values: Any) -> None:
    """Write columns of a job's row directly."""
    with transaction() as session:
        row = session.get_one(kind, row_id)
        for name, value in values.items():
            setattr(row, name, value)


def lose(held: job_queue.Claim) -> None:
    """Let the lease of a claimed job run out, as when its process died."""
    set_columns(held.kind, held.id, lease_until=utcnow() - timedelta(seconds=1))


def row(kind: job_kinds.JobRow, row_id: int) -> Any:
    """Return a job's row as it is now, or None."""
    with reading() as session:
        return session.get(kind, row_id)


def columns(kind: job_kinds.JobRow, row_id: int) -> dict[str, Any]:
    """Return every column of a job's row."""
    found = row(kind, row_id)
    return {column.key: getattr(found, column.key) for column in kind.__table__.columns}


def membership_of(guest: User, event: Event) -> int:
    """Return the id of the guest's membership."""
    with reading() as session:
        (found,) = [each for each in matching_queries.memberships_of(session, guest.id) if each.event_id == event.id]
    return found.id


def found_by(guest: User, event: Event | None = None) -> set[int]:
    """Return the photos that the guest finds: of the home event, unless another is given."""
    return {each[0].id for each in photos.photos_with(guest, event.id if event else None, Page()).rows}


def matches_of(guest: User) -> int:
    """Return how many match rows the guest has, over all events."""
    with reading() as session:
        return session.query(FaceMatch).filter(FaceMatch.user_id == guest.id).count()


def embeddings_of(guest: User) -> int:
    """Return how many embeddings are stored of the guest's selfies, over all events."""
    with reading() as session:
        return session.query(SelfieEmbedding).join(Selfie).filter(Selfie.user_id == guest.id).count()


def delete_matches(guest: User, event: Event) -> None:
    """Delete the guest's matches, so that a matching that writes them again shows."""
    with transaction() as session:
        matching_queries.delete_matches_in(session, guest.id, event.id)


def waiting_job(kind: job_kinds.JobRow, event: Event) -> tuple[int, User]:
    """Make one waiting job of that kind whose work matches the guest with one photo; return its id and the guest."""
    guest = guest_of(event)
    if kind is Photo:
        send_selfie(guest, 1)
        work()
        return send_photo(event, 1), guest
    send_photo(event, 1)
    work()
    selfie_id = send_selfie(guest, 1)
    if kind is Selfie:
        return selfie_id, guest
    work()
    delete_matches(guest, event)
    events.request_rematch(event.id)
    return membership_of(guest, event), guest


KINDS = (Selfie, UserEvent, Photo)
