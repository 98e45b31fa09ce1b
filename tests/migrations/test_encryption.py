"""The migration that brings encryption: what the release before stored is found as before, and then encrypted."""

import numpy as np
from sqlalchemy import text

import storage
from database import get_engine, reading
from encryption.queries import is_plain
from faces.engine import Embeddings
from jobs.encrypting import Encrypting
from migrations.upgrade import upgrade
from models import Event, Face, Selfie, SelfieEmbedding
from selfies import files
from testkit.builders import people
from tests.jobs.rows import DECODER, ENGINE, work
from tests.migrations.before import EVENT, PHOTO, go_before

GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, user_type, created_at) "
    "VALUES (1, 1, 'amy', 'amy', 'user', :now)"
)
MEMBER = (
    "INSERT INTO user_events (id, user_id, event_id, joined_at, status, requested_at) "
    "VALUES (1, 1, 1, :now, 'pending', :now)"
)
CONSENT = (
    "INSERT INTO consents (user_id, event_id, version, locale, basis, given_at) "
    "VALUES (1, 1, 'selfie', 'fr', 'selfie', :now)"
)
SELFIE = (
    "INSERT INTO selfies (id, user_id, storage_key, status, width, height, created_at) "
    "VALUES (1, 1, 'selfies/old.jpg', 'done', 100, 100, :now)"
)


def test_templates_and_portraits_of_the_release_before_are_found_and_encrypted(database: None) -> None:
    go_before("0032", EVENT, PHOTO, GUEST, MEMBER, CONSENT, SELFIE)
    template: Embeddings = np.asarray(DECODER.stored_selfie(people(1), 100, strict=True), np.float32)
    with get_engine().begin() as connection:
        connection.execute(text("UPDATE events SET active_engine_id = :engine"), {"engine": ENGINE.engine_id})
        connection.execute(
            text(
                "INSERT INTO faces (id, photo_id, event_id, box, landmarks, quality, engine_id, embedding) "
                "VALUES (1, 1, 1, '[1, 1, 2, 2]', '[]', 1, :engine, :template)"
            ),
            {"template": template.tobytes(), "engine": ENGINE.engine_id},
        )
        connection.execute(
            text(
                "INSERT INTO selfie_embeddings (id, selfie_id, event_id, engine_id, embedding) "
                "VALUES (1, 1, 1, :engine, :template)"
            ),
            {"template": template.tobytes(), "engine": ENGINE.engine_id},
        )
    storage.put("selfies/old.jpg", people(1))
    upgrade()
    with reading() as session:
        event = session.get_one(Event, 1)
        assert str(event.key_id).startswith("events/")
        assert (event.is_encrypted, session.get_one(Selfie, 1).is_encrypted) == (False, False)
    assert files.read("selfies/old.jpg") == people(1)
    work()
    encrypting = Encrypting()
    while encrypting.step():
        pass
    with reading() as session:
        assert (session.get_one(Event, 1).is_encrypted, session.get_one(Selfie, 1).is_encrypted) == (True, True)
        stored = (session.get_one(Face, 1).embedding, session.get_one(SelfieEmbedding, 1).embedding)
        assert [is_plain(len(each)) for each in stored] == [False, False]
        found = session.execute(text("SELECT user_id, photo_id FROM face_matches")).all()
    assert [tuple(each) for each in found] == [(1, 1)]
    assert files.is_encrypted(storage.get("selfies/old.jpg"))
    assert files.read("selfies/old.jpg") == people(1)
