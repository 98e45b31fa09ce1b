"""One person with two accounts: a link proves the first one, in a browser that has just got another."""

from accounts import login_links
from database import reading
from events import queries as event_queries
from guests.children import queries as child_queries
from models import GUEST, User


def is_second_account(current: User, first: User) -> bool:
    """Tell whether `current` may be erased for `first`.

    It is newer, kept nowhere, holds no child's profile, and is in no event that `first` is not in.
    """
    if current.user_type != GUEST or current.id <= first.id or login_links.is_kept(current):
        return False
    with reading() as session:
        joined = {event.id for event, _ in event_queries.joined(session, current.id)}
        if child_queries.count(session, current.id):
            return False
        return bool(joined) and joined <= {event.id for event, _ in event_queries.joined(session, first.id)}
