"""The photos that guests keep."""

from sqlalchemy.exc import IntegrityError

from database import reading, transaction
from models import User
from photos import queries
from photos.queries import Page
from photos.service import PhotoList, guest_event, listed, seen_by


def keep(user: User, photo_id: int) -> None:
    """Make a photo one of the guest's favourites; again, it changes nothing.

    Raises:
        NoSuchPhoto: there is none, or it is not theirs to see.
    """
    seen_by(user, photo_id)
    try:
        with transaction() as session:
            queries.keep(session, user.id, photo_id)
    except IntegrityError:
        # Somebody deleted the photo, or another tap of the guest came first.
        seen_by(user, photo_id)


def let_go(user: User, photo_id: int) -> None:
    """Make a photo no favourite of the guest's.

    Raises:
        NoSuchPhoto: there is none, or it is not theirs to see.
    """
    seen_by(user, photo_id)
    with transaction() as session:
        queries.let_go(session, user.id, photo_id)


def favourites_of(user: User, event_id: int, page: Page) -> PhotoList:
    """Return the guest's favourites in one of their events that they may still see.

    Raises:
        NotInEvent: not one of the guest's events.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        rows = queries.favourites(session, user.id, event.id, page)
        return listed(rows, page, queries.count_favourites(session, user.id, event.id))
