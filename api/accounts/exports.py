"""The answer that has everything held about an account: to its owner, or to an admin who answers a letter."""

from fastapi import Request, Response

import errors
from api.photos.zips import zip_response
from guests.export import service as export
from throttling import slots

EXPORT_ERRORS = (errors.DownloadChanged, errors.RangeNotSatisfiable, errors.TooManyRequests)


def export_response(request: Request, user_id: int, caller_id: int, language: str) -> Response:
    """Return the ZIP of an account, in a slot of the caller.

    Raises:
        NoSuchUser: there is no such account. TooManyRequests: the caller downloads too many ZIPs.
    """
    # Before the rows are read and the storage is asked for the size of each photo.
    slot = slots.take(caller_id)
    try:
        return zip_response(request, export.archive(user_id, language), (user_id, 0, "export"), lambda: slot)
    except BaseException:
        slot.release()
        raise
