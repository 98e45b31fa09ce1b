"""The first admin: made at start-up from the environment or with a random password, never through a call."""

import secrets

import errors
from accounts import queries
from accounts.service import NewAccount, create_staff
from database import reading
from models import ADMIN
from settings import Settings


def ensure_admin(settings: Settings) -> str | None:
    """Make an admin if there is none; return the password if it was drawn at random, else None.

    Raises:
        AccountTaken: the name belongs to an account that is not an admin.
    """
    with reading() as session:
        if queries.has_admin(session):
            return None
    password = settings.admin_password or secrets.token_urlsafe(12)
    name = settings.admin_username
    email = name if "@" in name else f"{name}@localhost"
    try:
        create_staff(NewAccount(name, email, password), ADMIN)
    except errors.AccountTaken:
        # Two processes started for the first time at once: the other one made the account.
        with reading() as session:
            if not queries.has_admin(session):
                raise
        return None
    return None if settings.admin_password else password
