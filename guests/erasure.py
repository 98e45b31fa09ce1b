"""Erase a guest's account with everything that was computed from it."""

import errors
from accounts import queries
from accounts.passwords import verify_password
from audit.log import Action, record
from database import transaction
from events import queries as event_queries
from models import User
from selfies import queries as selfie_queries
from stored.erasure import erase as erase_files


def erase(user: User, password: str) -> None:
    """Erase the account, its selfies, embeddings, matches, favourites, refusals and consents.

    Raises:
        BadCredentials: the password is wrong.
        InvalidToken: the account has just been deleted.
    """
    if not verify_password(password, user.hashed_password):
        raise errors.BadCredentials
    with transaction() as session:
        # Lock the events' rows first: a running match ends before, and the next one finds no guest.
        event_queries.lock_joined_events(session, user.id)
        if queries.lock_user(session, user.id) is None:
            raise errors.InvalidToken
        event_queries.request_rematch_of_rivals(session, user.id)
        keys = selfie_queries.all_keys(session, user.id)
        record(session, Action.ACCOUNT_ERASED, subject_id=user.id)
        queries.remove(session, user.id)
        erase_files(session, keys)
