"""A guest's favourite photos."""

from sqlalchemy.exc import IntegrityError

from database import reading, transaction
from models import User
from photos import queries
from photos.queries import Page
from photos.service import PhotoList, guest_event, listed, visible_photo


def add_favourite(user: User, photo_id: int) -> None:
    """Make a photo one of the guest's favourites. Idempotent.

    Raises:
        NoSuchPhoto: there is no such photo, or the guest may not see it.
    """
    visible_photo(user, photo_id)
    try:
        with transaction() as session:
            queries.add_favourite(session, user.id, photo_id)
    except IntegrityError:
        # The photo was deleted meanwhile, or a second call of the guest was faster.
        visible_photo(user, photo_id)


def remove_favourite(user: User, photo_id: int) -> None:
    """Remove a photo from the guest's favourites. Idempotent.

    Raises:
        NoSuchPhoto: there is no such photo, or the guest may not see it.
    """
    visible_photo(user, photo_id)
    with transaction() as session:
        queries.delete_favourite(session, user.id, photo_id)


def favourites_of(user: User, event_id: int, page: Page) -> PhotoList:
    """Return one page of the guest's favourites in an event, without those they may no longer see.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with reading() as session:
        event = guest_event(session, user, event_id)
        rows = queries.favourites(session, user.id, event.id, page)
        return listed(rows, page, queries.count_favourites(session, user.id, event.id))
