"""The faces of one photo, for an account that may see the photo."""

from collections.abc import Sequence
from dataclasses import dataclass

from database import reading
from models import User
from photos.seen import queries
from photos.seen.queries import FaceRow
from photos.service import visible_photo


@dataclass(frozen=True, slots=True)
class FacesOfPhoto:
    """The faces that the event's engine found in a photo; `width` and `height` are those of the upright original."""

    width: int
    height: int
    faces: Sequence[FaceRow]


def faces_for(user: User, photo_id: int) -> FacesOfPhoto:
    """Return the photo's faces with their boxes, and the score of the user's own match only.

    Raises:
        NoSuchPhoto: there is no such photo, or the account may not see it.
        SecondFactorMissing: the account must have a second factor first.
    """
    photo = visible_photo(user, photo_id)
    with reading() as session:
        return FacesOfPhoto(photo.width, photo.height, queries.faces_seen_by(session, photo_id, user.id))
