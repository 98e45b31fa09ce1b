"""The migration to several portraits keeps every match of the release before, and has the guests matched again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine
from migrations.upgrade import config, upgrade
from models import Base
from tests.conftest import DATABASES, fresh_database

BEFORE = "0010"
THEN = "2026-11-25 10:00:00"
LATER, EARLIER = "2099-01-01 00:00:00", "2026-11-01 00:00:00"


def event(number: int, expires: str) -> tuple[str, dict[str, Any]]:
    code = {"event_code": f"E{number}", "code_key": f"e{number}"}
    rest = {"expires_at": expires, "active_engine_id": "e", "created_at": THEN}
    return "events", {"id": number, "name": "Party", **code, **rest}


def guest(number: int, of_event: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows of a guest with a portrait, and of a photo that is matched with it."""
    name, row = f"g{number}", {"id": number}
    account = {"username": name, "username_key": name, "email": f"{name}@x", "email_key": f"{name}@x"}
    file = {"original_filename": "p", "filename": f"{name}.jpg", "content_type": "image/jpeg", "sha256": name}
    found_there = {"box": "[1, 2, 3, 4]", "landmarks": "[]", "quality": 1.0, "engine_id": "e", "embedding": b"\0" * 8}
    ids = {"user_id": number, "photo_id": number, "face_id": number, "selfie_id": number}
    there, done = {"event_id": of_event}, {"status": "done"}
    return [
        ("users", {**row, **there, **account, "hashed_password": "x", "created_at": THEN}),
        ("user_events", {**row, **there, **done, "user_id": number, "joined_at": THEN}),
        ("selfies", {**row, **done, "user_id": number, "storage_key": name, "created_at": THEN}),
        ("photos", {**row, **there, **done, **file, "size": 1, "width": 9, "height": 9, "uploaded_at": THEN}),
        ("faces", {**row, **there, **found_there, "photo_id": number}),
        ("face_matches", {**row, **ids, "confidence_score": 61.5, "detected_at": THEN}),
    ]


# Two guests of an open event, and one of an event that is over.
ROWS = [event(1, LATER), event(2, EARLIER), *guest(1, 1), *guest(2, 1), *guest(3, 2)]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with fresh_database(request, tmp_path):
        yield


def found(statement: str) -> list[tuple[Any, ...]]:
    with get_engine().connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_matches_stay_and_become_candidates(database: None) -> None:
    command.downgrade(config(), BEFORE)
    with get_engine().begin() as connection:
        for table, row in ROWS:
            values = ", ".join(f":{name}" for name in row)
            statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"  # noqa: S608 - our own names
            connection.execute(text(statement), row)
    before = found("SELECT id, user_id, photo_id, face_id, confidence_score FROM face_matches ORDER BY id")
    upgrade()
    assert found("SELECT id, user_id, photo_id, face_id, confidence_score FROM face_matches ORDER BY id") == before
    assert not any(row[0] for row in found("SELECT declared FROM face_matches"))
    assert not any(row[0] for row in found("SELECT keep FROM selfies"))
    candidates = "SELECT user_id, face_id, event_id, selfie_id, similarity, standing FROM face_candidates ORDER BY 1"
    assert found(candidates) == [(n, n, of_event, n, 0.615, "match") for n, of_event in ((1, 1), (2, 1), (3, 2))]
    # The guests of the open event are compared with one another, in the background.
    assert found("SELECT id, status FROM user_events ORDER BY id") == [(1, "pending"), (2, "pending"), (3, "done")]
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    command.downgrade(config(), BEFORE)
    assert found("SELECT id, user_id, photo_id, face_id, confidence_score FROM face_matches ORDER BY id") == before
    upgrade()
