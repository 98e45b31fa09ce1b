"""What is over is announced, then erased, by whoever sweeps; an end that is put off stops what is not erased."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

import errors
import storage
from database import reading, transaction
from ending import receipts, service
from ending.notices import FACES, PHOTOS
from events import service as events
from events.ending import faces_until, photos_until
from guests import removal
from guests.joining import join
from guests.wordings import shown
from mail import delivery
from mail.post import FolderPost
from models import (
    KEEP,
    EndReceipt,
    Event,
    EventPhotographer,
    Face,
    FaceCandidate,
    FaceMatch,
    Mail,
    Photo,
    RemoteList,
    Selfie,
    SelfieEmbedding,
    User,
    UserEvent,
    utcnow,
)
from photos.keys import storage_key
from settings import get_settings
from testkit.builders import people
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import found_by, guest_of, send_photo, send_selfie, work

DAY = timedelta(days=1)
COMPUTED = (Face, FaceMatch, FaceCandidate, SelfieEmbedding)


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("ending")
    with fresh_database(request, folder, MAIL_OUTBOX=str(folder / "mails")):
        yield


@pytest.fixture
def event(database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """An event with a photographer, and nothing else in the database."""
    monkeypatch.setattr(get_settings(), "storage_url", f"file://{tmp_path}/storage")
    with transaction() as session:
        person = User(
            username="lens",
            username_key="lens",
            email="lens@example.org",
            email_key="lens@example.org",
            hashed_password="x",
            user_type="photographer",
        )
        session.add(person)
    yield events.create(events.NewEvent(name="Wedding", photographer_ids=[person.id], bystanders=KEEP))
    with reading() as session:
        left = [each.id for each in session.query(Event)]
    for event_id in left:
        removal.remove_event(event_id)
    with transaction() as session:
        for table in (EndReceipt, Mail, EventPhotographer, User):
            session.query(table).delete()


def count(table: type) -> int:
    with reading() as session:
        return session.query(table).count()


def sweep_on(*times: datetime) -> list[int]:
    """Sweep at these times; return the number of mails of each sweep."""
    return [service.sweep(at) for at in times]


def announced(due: datetime) -> datetime:
    """Let the two notices be given in time; return when the end is due."""
    sweep_on(due - 14 * DAY, due - 2 * DAY)
    return due


def matched(event: Event, name: str = "amy", person: int = 1) -> User:
    """Return a guest whom a photo shows."""
    guest = guest_of(event, name)
    send_selfie(guest, person)
    send_photo(event, person, person + 1)
    work()
    assert len(found_by(guest)) == 1
    return guest


def selfie_keys() -> list[str]:
    with reading() as session:
        return [each.storage_key or "" for each in session.query(Selfie)]


def test_faces_end_after_two_notices_and_photos_stay(event: Event) -> None:
    guest = matched(event)
    (key,) = selfie_keys()
    due = faces_until(event)
    # To the guest and to the photographer, once each, however often somebody sweeps.
    asked = (due - 15 * DAY, due - 14 * DAY, due - 13 * DAY, due - 2 * DAY, due - DAY, due - DAY)
    assert sweep_on(*asked) == [0, 2, 0, 2, 0, 0]
    assert [count(each) > 0 for each in COMPUTED] == [True] * 4
    assert sweep_on(due, due) == [0, 0]
    assert [count(each) for each in (*COMPUTED, Selfie)] == [0] * 5
    with pytest.raises(storage.MissingObject):
        storage.get(key)
    assert (count(Photo), count(UserEvent), count(Event)) == (1, 1, 1), "photos, memberships and the event stay"
    assert found_by(guest) == set()
    found = receipts.newest(10).rows
    assert [(each.kind, each.event_id) for each in found] == [("portraits", None), ("faces", event.id)]
    assert found[0].counts == {"selfies": 1}
    assert (found[1].counts["faces"], found[1].counts["matches"]) == (2, 1)
    assert all(each.ended_at is not None for each in found)


def test_notices_say_until_when_and_lead_to_the_photos(event: Event) -> None:
    matched(event)
    events.update(event.id, {"faces_until": datetime(2031, 8, 1, 22, tzinfo=UTC)})
    with transaction() as session:
        session.query(Mail).delete()
    sweep_on(datetime(2031, 7, 30, 22, tzinfo=UTC))
    folder = get_settings().mail_folder
    assert folder is not None
    while delivery.deliver_next(FolderPost(folder), utcnow()):
        pass
    letters = [message_from_bytes(each.read_bytes(), policy=default) for each in folder.glob("*.eml")]
    texts = {str(each["To"]): each.get_body(("plain",)).get_content() for each in letters}  # type: ignore[union-attr]
    assert texts.keys() == {"amy@example.org", "lens@example.org"}
    assert all("Après le 1er août 2031" in each and "Wedding" in each for each in texts.values())
    assert f"/photos?event={event.id}" in texts["amy@example.org"]
    assert f"/studio/{event.id}" in texts["lens@example.org"]
    events.update(event.id, {"faces_until": None})


def test_a_notice_that_waited_is_not_sent_of_an_event_that_is_gone(event: Event) -> None:
    matched(event)
    sweep_on(faces_until(event) - 2 * DAY)
    removal.remove_event(event.id)
    folder = get_settings().mail_folder
    assert folder is not None
    for old in folder.glob("*.eml"):
        old.unlink()
    while delivery.deliver_next(FolderPost(folder), utcnow()):
        pass
    assert [each for each in folder.glob("*.eml") if b"Wedding" in each.read_bytes()] == []


def test_after_the_end_photos_are_stored_without_a_template_and_portraits_refused(event: Event) -> None:
    guest = matched(event)
    faces_end = utcnow() - 5 * DAY
    events.update(event.id, {"faces_until": faces_end})
    sweep_on(utcnow() - 3 * DAY, utcnow())
    photo_id = send_photo(event, 1, 8)
    work()
    with reading() as session:
        assert session.get_one(Photo, photo_id).status == "done"
    assert count(Face) == 0
    with pytest.raises(errors.EventExpired):
        send_selfie(guest, 1)
    # A selfie of another event is not looked for here.
    other = events.create(events.NewEvent(name="Fair"))
    join(guest.id, other.event_code, shown("fr"))
    send_selfie(guest, 1)
    work()
    with reading() as session:
        assert [each.event_id for each in session.query(SelfieEmbedding)] == [other.id]


def test_a_portrait_stays_while_another_event_needs_it(event: Event) -> None:
    guest = matched(event)
    other = events.create(events.NewEvent(name="Fair"))
    join(guest.id, other.event_code, shown("fr"))
    work()
    events.update(other.id, {"faces_until": faces_until(event) + 60 * DAY})
    sweep_on(announced(faces_until(event)))
    assert (count(Selfie), count(SelfieEmbedding)) == (1, 1)
    with reading() as session:
        later = faces_until(session.get_one(Event, other.id))
    sweep_on(announced(later))
    assert (count(Selfie), count(SelfieEmbedding)) == (0, 0)


def test_photos_end_with_their_files_and_the_event_takes_no_more(event: Event) -> None:
    matched(event)
    with reading() as session:
        photo = session.query(Photo).one()
    key = storage_key(event.id, photo.filename, "original")
    assert storage.get(key) == people(1, 2)
    due = photos_until(event)
    sweep_on(announced(faces_until(event)))
    assert sweep_on(due - 14 * DAY, due - 2 * DAY, due) == [2, 2, 0]
    assert count(Photo) == 0
    with pytest.raises(storage.MissingObject):
        storage.get(key)
    assert (count(Event), count(UserEvent)) == (1, 1)
    newest = receipts.newest(1).rows[0]
    assert (newest.kind, newest.counts) == ("photos", {"photos": 1})
    with reading() as session:
        ended = session.get_one(Event, event.id)
    with pytest.raises(errors.PhotosEnded):
        send_photo(ended, 1)


@pytest.mark.parametrize("hours", [24, 24 * 400])
def test_a_clock_that_jumps_delays_the_erasure_and_does_not_hasten_it(event: Event, hours: int) -> None:
    matched(event)
    due = faces_until(event)
    # The last sweep before the jump was too early for the second notice.
    assert sweep_on(due - 14 * DAY, due - 2 * DAY - timedelta(hours=1)) == [2, 0]
    after = due - 2 * DAY - timedelta(hours=1) + timedelta(hours=hours)
    assert sweep_on(after)[0] >= 2
    sweep_on(after + timedelta(hours=23))
    assert count(Face) == 2, "the notice is not a day old"
    sweep_on(max(due, after + 2 * DAY))
    assert count(Face) == 0


def test_a_notice_by_a_clock_that_was_ahead_does_not_count(event: Event) -> None:
    matched(event)
    due = faces_until(event)
    assert sweep_on(due + 100 * DAY) == [2]
    # The clock is right again.
    assert sweep_on(due - 14 * DAY, due - 2 * DAY, due - DAY) == [2, 2, 0]
    sweep_on(due)
    assert count(Face) == 0


def test_a_date_that_is_moved_is_announced_anew(event: Event) -> None:
    matched(event)
    due = announced(faces_until(event))
    events.update(event.id, {"faces_until": due + 20 * DAY})
    assert sweep_on(due, due + 6 * DAY, due + 18 * DAY) == [0, 2, 2]
    assert count(Face) == 2
    # Sooner, and even in the past: two days from now.
    events.update(event.id, {"faces_until": due})
    assert sweep_on(due + 18 * DAY, due + 19 * DAY) == [2, 0]
    assert count(Face) == 2
    sweep_on(due + 20 * DAY)
    assert count(Face) == 0


def test_an_extension_stops_what_is_not_erased_yet(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    matched(event)
    send_photo(event, 3)
    work()
    sweep_on(announced(faces_until(event)))
    monkeypatch.setattr(service, "PHOTOS_AT_ONCE", 1)
    due = announced(photos_until(event))
    # The process ends after the first step.
    assert service.erase_some(event.id, PHOTOS, due)
    assert count(Photo) == 1
    with pytest.MonkeyPatch.context() as late:
        late.setattr(events, "utcnow", lambda: due)
        events.update(event.id, {"photos_until": due + 30 * DAY})
    sweep_on(due, due + DAY)
    assert count(Photo) == 1
    (stopped,) = [each for each in receipts.newest(9).rows if each.kind == PHOTOS]
    assert (stopped.counts, stopped.ended_at is not None) == ({"photos": 1}, True)
    with reading() as session:
        send_photo(session.get_one(Event, event.id), 5)
    assert count(Photo) == 2


def test_what_a_killed_process_left_is_erased_by_the_next_one(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    matched(event)
    monkeypatch.setattr(service, "FACES_AT_ONCE", 1)
    due = announced(faces_until(event))
    assert service.erase_some(event.id, FACES, due)
    assert (count(Face), count(FaceMatch), count(SelfieEmbedding)) == (1, 0, 0)
    assert count(Selfie) == 1
    sweep_on(due)
    assert (count(Face), count(Selfie)) == (0, 0)
    (receipt,) = [each for each in receipts.newest(9).rows if each.kind == FACES]
    assert (receipt.counts["faces"], receipt.counts["matches"]) == (2, 1)


def test_lists_at_a_recogniser_are_given_up(event: Event) -> None:
    matched(event)
    with transaction() as session:
        session.add(RemoteList(event_id=event.id, kind="photos", name="there", made=True))
    sweep_on(announced(faces_until(event)))
    with transaction() as session:
        assert session.query(RemoteList).one().event_id is None
        session.query(RemoteList).delete()


def test_an_event_without_anything_ends_without_a_word(event: Event) -> None:
    guest_of(event)
    assert sweep_on(announced(photos_until(event))) == [0]
    assert count(Mail) == 1, "the one that confirms the address"
    assert receipts.newest(9).rows == []
