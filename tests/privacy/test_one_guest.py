"""After a guest is erased, nothing stored has their numbers, names, addresses, keys or templates any more."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from audit.log import Action, record
from database import get_engine, reading, transaction
from encryption import store
from events import service as events
from events.service import NewEvent
from guests import erasure
from jobs import pairing
from matching.queries import portrait_embeddings
from models import (
    ADMIN,
    Badge,
    BadgeMark,
    Base,
    Confirmation,
    Evaluation,
    Event,
    Favourite,
    GivenPhoto,
    LinkedPhoto,
    LoginLink,
    Mail,
    PasswordReset,
    PhotoChoice,
    PhotoLink,
    PhotoReport,
    Refusal,
    Selfie,
    SelfieEmbedding,
    Subscription,
    TogetherGroup,
    TogetherMember,
    User,
    UserSession,
    WithheldPhoto,
    utcnow,
)
from photos import service as photos
from privacy.audit import audit
from privacy.findings import Scope
from settings import get_settings
from stored import erasure_log
from tests.conftest import DATABASES, fresh_database
from tests.jobs.rows import guest_of, send_photo, send_selfie, work
from tests.privacy.searching import hits_in_file, hits_in_files, hits_in_rows, number_from

NAME, BADGE = "zaphodia-quux", "ZQXW4711"
# Rows of staff alone; of photos and links without an account, which keep nothing of a guest.
NOT_OF_GUESTS = {
    "second_factors",
    "recovery_codes",
    "event_photographers",
    "photos",
    "trashed_photos",
    "badge_marks",
    "uploads",
}


@pytest.fixture(scope="module", params=DATABASES)
def _database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fresh_database(request, tmp_path_factory.mktemp("one")):
        assert pairing.problem() is None
        number_from(get_engine(), {"users": 7_700_000, "selfies": 5_500_000, "selfie_embeddings": 4_400_000})
        yield


def leave_traces(guest: User, event: Event, photo: int, other: int, gone: int) -> None:
    """Write a row of every kind that a guest may have, beside those of registration and matching."""
    now = utcnow()
    soon = now + timedelta(days=1)
    user_id, event_id = guest.id, event.id
    with transaction() as session:
        record(session, Action.SELFIE_VIEWED, subject_id=user_id)
        group = TogetherGroup(event_id=event_id)
        link = PhotoLink(user_id=user_id, event_id=event_id, link_key="k" * 22, shows_name=True, expires_at=soon)
        badge = Badge(user_id=user_id, event_id=event_id, number=BADGE)
        session.get_one(Event, event_id).badges_used = True
        session.add_all([group, link, badge])
        session.flush()
        session.add_all(
            [
                Favourite(user_id=user_id, photo_id=photo),
                WithheldPhoto(user_id=user_id, event_id=event_id, photo_id=photo, reason="guest"),
                WithheldPhoto(user_id=user_id, event_id=event_id, photo_id=gone, reason="guest"),
                PhotoReport(user_id=user_id, event_id=event_id, photo_id=photo, reason="me", text=guest.email),
                Refusal(user_id=user_id, photo_id=other),
                BadgeMark(event_id=event_id, photo_id=photo, kind="seen", badge_id=badge.id),
                GivenPhoto(user_id=user_id, event_id=event_id, photo_id=photo, given_by="badge", shown=True),
                GivenPhoto(user_id=user_id, event_id=event_id, photo_id=gone, given_by="hand", shown=True),
                Confirmation(user_id=user_id, photo_id=photo, box=[0.0, 0.0, 9.0, 9.0]),
                LinkedPhoto(link_id=link.id, photo_id=photo),
                PhotoChoice(user_id=user_id, event_id=event_id, photo_ids=[photo]),
                TogetherMember(group_id=group.id, user_id=user_id),
                Evaluation(event_id=event_id, user_id=user_id, provider="fake", result={}, status="done"),
                Mail(kind="login_link", user_id=user_id, asked_address=guest.email, language="fr"),
                PasswordReset(
                    user_id=user_id, token_hash="r" * 64, account_mark="m" * 64, by_mail=True, expires_at=soon
                ),
                LoginLink(
                    user_id=user_id,
                    purpose="mail",
                    token_hash="l" * 64,
                    token_version=0,
                    address=guest.email,
                    expires_at=soon,
                ),
                UserSession(id="session", user_id=user_id, token_version=0, last_used_at=now, expires_at=soon),
                Subscription(user_id=user_id, event_id=event_id, channel="mail", language="fr", told=[photo]),
                User(username="lou", username_key="lou", event_id=event_id, guardian_id=user_id),
            ]
        )
    photos.remove(User(id=0, user_type=ADMIN), [gone])


def test_nothing_of_an_erased_guest_is_found_anywhere(_database: None) -> None:  # noqa: PT019 - it is the database
    event = events.create(NewEvent("One"))
    guest, stays = guest_of(event, NAME), guest_of(event, "stays")
    for number, each in enumerate((guest, stays), 1):
        send_selfie(each, number)
    photo, other, gone = send_photo(event, 1, 2), send_photo(event, 2), send_photo(event, 3, 4)
    work()
    leave_traces(guest, event, photo, other, gone)
    with reading() as session:
        (selfie,) = session.query(Selfie).filter(Selfie.user_id == guest.id)
        (template,) = session.query(SelfieEmbedding).filter(SelfieEmbedding.selfie_id == selfie.id)
        traces = [str(selfie.storage_key).removeprefix("selfies/").removesuffix(".jpg"), str(selfie.sha256)]
        known = portrait_embeddings(session, guest.id, event.id, template.engine_id)[0]
    vector, mean = bytes(template.embedding), bytes(template.mean or b"?")
    assert known.embedding not in everything(), "templates are encrypted"
    key_store = Path(store.url().removeprefix("file://"))
    needles = [str(guest.id), NAME, BADGE, str(selfie.id), str(template.id), *traces]
    assert len(hits_in_files(key_store, needles)) == 1
    folder = Path(get_settings().storage_url.removeprefix("file://"))
    before = {hit.partition(".")[0] for hit in hits_in_rows(get_engine(), needles)}
    ought = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(each.column.table.name in ("users", "user_events") for each in table.foreign_keys)
    }
    assert before >= ought - NOT_OF_GUESTS, "a kind of row of guests is missing in `leave_traces`"
    assert len(hits_in_files(folder, needles)) == 1
    assert vector in everything()

    with transaction() as session:
        account = session.get_one(User, guest.id)
        account.hashed_password = None
    erasure.erase(account, "")
    assert hits_in_rows(get_engine(), needles) == []
    assert hits_in_file(get_engine(), needles) == []
    assert hits_in_files(folder, needles) == []
    assert hits_in_files(key_store, needles) == []
    assert not any(needle in erasure_log.place().read_text() for needle in needles)
    left = everything()
    assert vector not in left
    assert mean not in left
    work()
    assert audit(Scope(timedelta(0), pictures=None), pause=0) == []
    assert hits_in_rows(get_engine(), ["stays"]), "the search finds what is there"


def everything() -> bytes:
    """Return every column of bytes of every table, one after another; without the faces of the photos.

    The engine of the tests finds there the very embedding of the selfie; whose face it was is not known any more.
    """
    metadata, found = MetaData(), []
    with get_engine().connect() as connection:
        metadata.reflect(connection)
        for name, table in metadata.tables.items():
            for row in connection.execute(table.select()) if name != "faces" else ():
                found += [bytes(value) for value in row if isinstance(value, (bytes, memoryview))]
    return b"|".join(found)
