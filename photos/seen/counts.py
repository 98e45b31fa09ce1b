"""The number of photos that an account may see, for the profile."""

from dataclasses import dataclass

import errors
from accounts.second_factor import service as second_factor
from database import reading
from events.service import home_event
from models import ADMIN, PHOTOGRAPHER, User
from photos.queries import count_for_guest, count_with_guest
from photos.seen import queries


@dataclass(frozen=True, slots=True)
class PhotoCounts:
    """The number of photos, and of those with a face: for guests the own face, for staff any."""

    photos: int
    with_face: int


def counts_for(user: User) -> PhotoCounts:
    """Return the counts of the guest's home event; for staff those of all photos they may see.

    Raises:
        SecondFactorMissing: the account must have a second factor first.
    """
    second_factor.check_present(user)
    with reading() as session:
        if user.user_type == ADMIN:
            return PhotoCounts(*queries.counts_of_all(session))
        if user.user_type == PHOTOGRAPHER:
            return PhotoCounts(*queries.counts_of_photographer(session, user.id))
        try:
            event = home_event(session, user)
        except errors.NoSuchEvent:
            return PhotoCounts(0, 0)
        return PhotoCounts(count_for_guest(session, user.id, event.id), count_with_guest(session, user.id, event.id))
