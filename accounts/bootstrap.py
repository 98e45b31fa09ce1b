"""The first admin: made at start-up from the environment or with a random password, never through a call."""

import secrets

import errors
from accounts import queries
from accounts.service import NewAccount, create_staff
from database import reading
from models import ADMIN
from settings import Settings, UnsafeSettings


def ensure_admin(settings: Settings) -> str | None:
    """Make an admin if there is none; return the password if it was drawn at random, else None.

    Raises:
        AccountTaken: the name belongs to an account that is not an admin.
        UnsafeSettings: `ADMIN_PASSWORD` breaks a rule for staff. With an admin in the database it is not looked at.
    """
    with reading() as session:
        if queries.has_admin(session):
            return None
    password = settings.admin_password or secrets.token_urlsafe(12)
    name = settings.admin_username
    email = name if "@" in name else f"{name}@localhost"
    try:
        create_staff(NewAccount(name, email, password), ADMIN)
    except errors.RefusedPassword as refused:
        raise UnsafeSettings(
            f"ADMIN_PASSWORD cannot be the password of the first administrator. {refused.english}"
        ) from refused
    except errors.AccountTaken:
        # Two processes started for the first time at once: the other one made the account.
        with reading() as session:
            if not queries.has_admin(session):
                raise
        return None
    return None if settings.admin_password else password
