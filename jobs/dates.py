"""Erases what is past its date: hourly, with the sweep."""

from accounts import expired
from evaluation import service as evaluations
from photos.chosen import service as photo_choices
from photos.links import service as photo_links
from photos.uploads import sweep as uploads


def erase_old() -> None:
    """Erase evaluations, choices of photos and uploads after a day; logins and links after their end.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    evaluations.erase_old()
    photo_choices.erase_old()
    photo_links.erase_old()
    expired.erase_old()
    uploads.erase_old()
