"""Deletes expired sessions, expired links that log in, and expired links that reset a password."""

from accounts import login_links, queries
from accounts.links import queries as link_queries
from accounts.resets import queries as reset_queries
from database import transaction
from models import utcnow

# In one transaction, so that no login waits for long.
MOST_SESSIONS = 5000


def erase_old() -> None:
    """Delete expired sessions and links of all accounts; of links that log in, those that expired two months ago.

    Logins and new links do so too. This is for accounts and installations where no login follows.
    """
    now = utcnow()
    with transaction() as session:
        queries.delete_expired_sessions(session, now, MOST_SESSIONS)
        reset_queries.delete_expired(session, now)
        link_queries.delete_old(session, now - login_links.REASON_KEPT, but=login_links.PERSONAL)
