"""The migration that ties a used link to its browser: what was used before works nowhere again."""

import hashlib

import pytest
from sqlalchemy import text

import errors
from accounts import login_links
from database import get_engine
from migrations.upgrade import upgrade
from models import utcnow
from tests.migrations.before import EVENT, go_before

GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, created_at) VALUES (7, 1, 'amy', 'amy', :now)",
    "INSERT INTO user_events (id, user_id, event_id, joined_at) VALUES (1, 7, 1, :now)",
)


LINK = text(
    "INSERT INTO login_links (id, user_id, purpose, token_hash, token_version, created_at, expires_at, used_at) "
    "VALUES (:id, 7, 'help', :hash, 0, :now, '2099-01-01 00:00:00', :used_at)"
)


def test_links_of_the_release_before_still_log_in_once(database: None) -> None:
    go_before("0026", EVENT, *GUEST)
    now = utcnow().strftime("%Y-%m-%d %H:%M:%S")
    with get_engine().begin() as connection:
        for number, used_at in ((1, None), (2, now)):
            token_hash = hashlib.sha256(f"token {number}".encode()).hexdigest()
            connection.execute(LINK, {"id": number, "hash": token_hash, "now": now, "used_at": used_at})
    upgrade()
    assert login_links.owner_of("token 1").id == 7
    login_links.enter("token 1", "a browser", None)
    login_links.enter("token 1", "a browser", None)
    for number, browser in ((1, "another"), (2, "a browser"), (2, "")):
        with pytest.raises(errors.LoginLinkUsed):
            login_links.enter(f"token {number}", browser, None)
