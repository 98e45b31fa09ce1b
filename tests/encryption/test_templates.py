"""What the database and the storage hold cannot be read without its key, and the key goes with what it encrypts."""

import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

import storage
from database import get_engine, reading, transaction
from encryption import keys, store
from encryption.store import NoSuchKey
from encryption.templates import SCALE, EventCipher, portrait_place, quantised, reading_cipher, template_of
from ending import service as ending
from events import service as events
from events.service import NewEvent
from guests import consent, erasure, portraits, removal
from jobs.encrypting import Encrypting
from jobs.unnamed_keys import sweep
from matching import matrices
from matching.forgetting import ForgettingThread
from models import Event, Face, Selfie, SelfieEmbedding, utcnow
from privacy.audit import audit
from privacy.findings import Scope
from selfies import files
from settings import get_settings
from stored import erasure as file_erasure
from testkit.builders import people
from tests.encryption.conftest import Party
from tests.jobs.rows import DECODER, found_by, guest_of, send_photo, send_selfie, work
from tests.privacy.searching import hits_in_file

EVERYTHING = Scope(timedelta(0), pictures=None)


def portrait_of(number: int) -> bytes:
    """Return the template that the engine makes of this person, as float32 bytes."""
    found = DECODER.stored_selfie(people(number), 100, strict=True)
    return np.asarray(found, np.float32).tobytes()


def key_of_event(event: Event) -> str:
    with reading() as session:
        return keys.of_event(session, event.id) or ""


def everything() -> bytes:
    """Return all bytes of the database's file (SQLite), or of its templates."""
    with reading() as session:
        found = [bytes(each) for each in (found_face for (found_face,) in session.query(Face.embedding))]
        for embedding, mean in session.query(SelfieEmbedding.embedding, SelfieEmbedding.mean):
            found += [bytes(embedding), bytes(mean or b"")]
    url = get_engine().url
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    hits_in_file(get_engine(), [])
    return b"|".join(found) + (path.read_bytes() if path is not None else b"")


def test_no_template_and_no_portrait_can_be_read_in_what_is_stored(party: Party) -> None:
    plain = portrait_of(1)
    small = quantised(np.frombuffer(plain, np.float32)).tobytes()
    held = everything()
    assert len(held) > 1000
    for whole in (plain, small):
        assert whole[:24] not in held
    stored = storage.get(str(party.selfie_of(party.amy).storage_key))
    assert b"\xff\xd8\xff" not in stored[:64]
    assert b"JFIF" not in stored
    assert portraits.image_of(party.amy.id, party.selfie_of(party.amy).id).startswith(b"\xff\xd8\xff")
    assert party.photo_id in found_by(party.amy, party.event)


def test_a_template_is_read_in_its_own_row_only(party: Party) -> None:
    first, second = party.faces()
    with reading() as session:
        cipher = reading_cipher(session, party.event.id)
        own = template_of(session, first)
    assert own is not None
    of_engine = [np.frombuffer(portrait_of(number), np.float32) for number in (1, 2)]
    assert min(np.abs(np.frombuffer(own, np.float32) - each).max() for each in of_engine) <= 0.51 / SCALE
    assert cipher.opened_face(party.photo_id + 1, first.embedding) is None
    amy, bob = party.embedding_of(party.amy), party.embedding_of(party.bob)
    key = str(party.selfie_of(party.amy).storage_key)
    assert cipher.opened_portrait(key, portrait_place(amy.selfie_id), amy.embedding) == portrait_of(1)
    assert cipher.opened_portrait(key, portrait_place(amy.selfie_id, "mean"), amy.embedding) is None
    assert cipher.opened_portrait(key, portrait_place(bob.selfie_id), bob.embedding) is None
    other = events.create(NewEvent("Other"))
    send_photo(other, 1)
    work()
    with reading() as session:
        assert reading_cipher(session, other.id).opened_face(first.photo_id, first.embedding) is None
    assert first.embedding != second.embedding


def test_nothing_plain_is_written_without_a_key() -> None:
    with pytest.raises(ValueError, match="nothing plain is written"):
        EventCipher(None).face(1, portrait_of(1))


# --- keys end with what they encrypt --------------------------------------------------------------------


def test_an_erased_guests_portrait_cannot_be_read_in_an_old_backup(party: Party) -> None:
    selfie, embedding = party.selfie_of(party.amy), party.embedding_of(party.amy)
    key, copy = str(selfie.storage_key), storage.get(str(selfie.storage_key))
    assert store.has(keys.of_portrait(key))
    erasure.erase_guest(party.amy.id)
    assert not store.has(keys.of_portrait(key))
    # As a backup brings them back.
    storage.put(key, copy)
    keys.start_anew()
    with pytest.raises(storage.MissingObject):
        files.read(key)
    with reading() as session:
        cipher = reading_cipher(session, party.event.id)
        assert cipher.opened_portrait(key, portrait_place(selfie.id), embedding.embedding) is None
    storage.delete([key])
    assert party.photo_id in found_by(party.bob, party.event), "others are found as before"


def test_a_copy_that_shares_the_key_store_of_its_original_destroys_no_key(party: Party) -> None:
    key = keys.of_portrait(str(party.selfie_of(party.amy).storage_key))
    keys.claim()
    own = str(store.owner())
    store.put(store.OWNER, b"the original")
    erasure.erase_guest(party.amy.id)
    assert file_erasure.retry() == 0
    assert sweep(timedelta(0)) == 0
    assert store.has(key)
    keys.claim()
    assert store.owner() == own
    assert file_erasure.retry() > 0
    assert not store.has(key)


def test_many_keys_are_read_at_once_and_a_destroyed_one_is_left_out(party: Party) -> None:
    names = [keys.of_portrait(str(party.selfie_of(each).storage_key)) for each in (party.amy, party.bob)]
    keys.start_anew()
    keys.load([*names, *names, "selfies/destroyed"])
    assert keys.held() == 2
    assert all(keys.key(name) for name in names)


def test_replaced_and_withdrawn_portraits_lose_their_keys(party: Party) -> None:
    first = keys.of_portrait(str(party.selfie_of(party.amy).storage_key))
    send_selfie(party.amy, 1)
    work()
    second = keys.of_portrait(str(party.selfie_of(party.amy).storage_key))
    assert (store.has(first), store.has(second)) == (False, True)
    consent.withdraw(party.amy.id, party.event.id)
    assert not store.has(second)


def test_the_key_of_an_event_goes_with_it(party: Party) -> None:
    name, faces = key_of_event(party.event), party.faces()
    removal.remove_event(party.event.id)
    assert not store.has(name)
    with pytest.raises(NoSuchKey):
        keys.key(name)
    assert EventCipher(None).opened_face(party.photo_id, faces[0].embedding) is None


def test_after_the_end_of_faces_a_new_key_serves_an_event_that_goes_on(party: Party) -> None:
    name = key_of_event(party.event)
    now = utcnow()
    with transaction() as session:
        event = session.get_one(Event, party.event.id)
        event.expires_at, event.faces_until = now - timedelta(days=40), now - timedelta(days=3)
    ending.sweep(now - timedelta(days=4))
    ending.sweep(now)
    ending.sweep(now + timedelta(days=3))
    assert party.faces() == []
    assert not store.has(name)
    assert {each.check for each in audit(EVERYTHING, pause=0)} <= {"past-its-date"}
    with transaction() as session:
        event = session.get_one(Event, party.event.id)
        event.expires_at = event.faces_until = now + timedelta(days=40)
        event.faces_ended_at = None
    later = guest_of(party.event, "later")
    send_selfie(later, 3)
    photo_id = send_photo(party.event, 3)
    work()
    assert found_by(later, party.event) == {photo_id}
    assert store.has(key_of_event(party.event))


def test_faces_of_a_destroyed_key_are_left_out_and_new_ones_found(party: Party) -> None:
    # A restored backup of an event that was erased since.
    keys.destroy([key_of_event(party.event)])
    matrices.clear()
    send_selfie(party.amy, 1)
    photo_id = send_photo(party.event, 1)
    work()
    assert found_by(party.amy, party.event) == {photo_id}
    assert {each.check for each in audit(EVERYTHING, pause=0)} == {"lost-key"}
    removal.remove_event(party.event.id)


# --- memory ---------------------------------------------------------------------------------------------


def test_what_another_process_erases_leaves_memory_without_a_match(party: Party) -> None:
    assert matrices.held()
    assert keys.held()
    thread = ForgettingThread()
    thread.look()
    with get_engine().begin() as elsewhere:
        elsewhere.execute(delete(Face).where(Face.photo_id == party.photo_id))
        elsewhere.execute(update(Event).where(Event.id == party.event.id).values(version=Event.version + 1))
    assert party.event.id in matrices.held_events()
    thread.look()
    assert party.event.id not in matrices.held_events()
    erasure.erase_guest(party.bob.id)
    thread.look()
    assert keys.held() == 0


def test_the_thread_looks_within_five_seconds(party: Party) -> None:
    thread = ForgettingThread()
    thread.start()
    try:
        removal.remove_event(party.event.id)
        ends = time.monotonic() + 5
        while party.event.id in matrices.held_events() and time.monotonic() < ends:
            time.sleep(0.1)
        assert party.event.id not in matrices.held_events()
    finally:
        thread.stop(5)


# --- what earlier releases stored plain --------------------------------------------------------------------


def test_plain_templates_and_portraits_are_found_and_then_encrypted(party: Party) -> None:
    selfie = party.selfie_of(party.amy)
    key, jpeg = str(selfie.storage_key), files.read(str(selfie.storage_key))
    storage.put(key, jpeg)
    with transaction() as session:
        event = session.get_one(Event, party.event.id)
        event.is_encrypted, session.get_one(Selfie, selfie.id).is_encrypted = False, False
        for face in session.query(Face).filter(Face.event_id == event.id):
            face.embedding = template_of(session, face) or b""
        for each, number in ((party.amy, 1), (party.bob, 2)):
            (stored,) = (
                session.query(SelfieEmbedding)
                .join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
                .filter(Selfie.user_id == each.id)
            )
            stored.embedding, stored.mean = portrait_of(number), portrait_of(number)
    matrices.clear()
    assert files.read(key) == jpeg
    extra = send_photo(party.event, 1)
    work()
    assert found_by(party.amy, party.event) == {party.photo_id, extra}, "before it is encrypted, too"
    assert {each.check for each in audit(EVERYTHING, pause=0)} == {"plain-template"}
    encrypting = Encrypting()
    while encrypting.step():
        pass
    assert audit(EVERYTHING, pause=0) == []
    assert files.is_encrypted(storage.get(key))
    assert portrait_of(1)[:24] not in everything()
    matrices.clear()
    last = send_photo(party.event, 1)
    work()
    assert found_by(party.amy, party.event) == {party.photo_id, extra, last}


# --- keys without a row -------------------------------------------------------------------------------------


def test_a_key_without_a_row_is_set_aside_and_comes_back_if_it_is_needed(party: Party) -> None:
    lost = f"events/{'0' * 32}"
    keys.ensure(lost)
    name = key_of_event(party.event)
    assert "orphan-key" in {each.check for each in audit(EVERYTHING, pause=0)}
    assert sweep(timedelta(0)) == 1
    assert store.stored(lost) is None
    assert audit(EVERYTHING, pause=0) == []
    store.set_aside(name)
    keys.start_anew()
    assert keys.key(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(get_settings(), "orphan_quarantine_days", 0)
        sweep(timedelta(0))
    keys.start_anew()
    assert not store.has(lost)
    assert store.has(name)
