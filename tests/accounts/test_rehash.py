"""The predecessor's hash of a password gives way to a new one, never to that of a password changed meanwhile."""

import bcrypt
import pytest

from accounts import login
from accounts import service as accounts
from accounts.passwords import hash_password
from accounts.service import NewAccount
from database import transaction
from errors import BadCredentials
from models import PHOTOGRAPHER, User
from testkit.passwords import OTHER_PASSWORD, PASSWORD


@pytest.fixture
def photographer(quiet_database: None) -> User:
    """A photographer with the predecessor's hash of the password `old`."""
    made = accounts.create_staff(NewAccount("lens", "lens@example.org", PASSWORD), PHOTOGRAPHER)
    with transaction() as session:
        session.get_one(User, made.id).hashed_password = bcrypt.hashpw(b"old", bcrypt.gensalt(4)).decode()
    return made


def test_a_password_changed_while_the_old_one_is_hashed_again_stays_changed(
    photographer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_after_the_change(password: str) -> str:
        monkeypatch.setattr(login, "hash_password", hash_password)
        accounts.update_photographer(photographer.id, password=OTHER_PASSWORD)
        return hash_password(password)

    monkeypatch.setattr(login, "hash_password", hash_after_the_change)
    with pytest.raises(BadCredentials):
        login.log_in("lens", "old", None)
    assert login.log_in("lens", OTHER_PASSWORD, None)
    with pytest.raises(BadCredentials):
        login.log_in("lens", "old", None)
