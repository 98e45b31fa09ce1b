"""The first admin: made from the environment or with a random password, never by whoever calls first."""

import secrets

import errors
from accounts import queries
from accounts.service import NewAccount, create_staff
from database import reading
from models import ADMIN
from settings import Settings


def ensure_admin(settings: Settings) -> str | None:
    """Make an admin if there is none; return the random password if one was made up.

    Raises:
        AccountTaken: the name belongs to somebody who is no admin.
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
        # Two first starts at once: the other one made it.
        with reading() as session:
            if not queries.has_admin(session):
                raise
        return None
    return None if settings.admin_password else password
