"""The migration that ties a used link to its browser: what was used before works nowhere again."""

import hashlib

import pytest

import errors
from accounts import login_links
from migrations.upgrade import upgrade
from tests.migrations.before import EVENT, go_before

GUEST = (
    "INSERT INTO users (id, event_id, username, username_key, created_at) VALUES (7, 1, 'amy', 'amy', :now)",
    "INSERT INTO user_events (id, user_id, event_id, joined_at) VALUES (1, 7, 1, :now)",
)


def _link(number: int, used_at: str) -> str:
    token_hash = hashlib.sha256(f"token {number}".encode()).hexdigest()
    return (
        "INSERT INTO login_links (id, user_id, purpose, token_hash, token_version, created_at, expires_at, used_at) "
        f"VALUES ({number}, 7, 'help', '{token_hash}', 0, :now, '2099-01-01 00:00:00', {used_at})"  # noqa: S608
    )


def test_links_of_the_release_before_still_log_in_once(database: None) -> None:
    go_before("0026", EVENT, *GUEST, _link(1, "NULL"), _link(2, "CURRENT_TIMESTAMP"))
    upgrade()
    assert login_links.owner_of("token 1").id == 7
    login_links.enter("token 1", "a browser", None)
    login_links.enter("token 1", "a browser", None)
    for number, browser in ((1, "another"), (2, "a browser"), (2, "")):
        with pytest.raises(errors.LoginLinkUsed):
            login_links.enter(f"token {number}", browser, None)
