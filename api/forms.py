"""Forms and uploads: how many fields and files one may have, how large a field may be, what goes to disk."""

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartParser

from api.body_types import check_media

# Fields of a form are kept in memory; a photographer's route allows more files.
MAX_FIELDS, MAX_FILES, MAX_FIELD_BYTES = 20, 20, 16 * 1024
# A page's form may list the photographers of an event, each in a field.
PAGE_FIELDS, PAGE_FIELD_BYTES = 1000, 64 * 1024
# A larger file goes to disk while it comes in: to memory first costs a small upload a millisecond less.
FILE_BYTES_IN_MEMORY, FILE_BYTES_OF_MANY = 1024 * 1024, 16 * 1024
# What an upload takes that begins in memory: its files so far, and the one that is coming in.
UPLOAD_BYTES_IN_MEMORY = 2 * FILE_BYTES_IN_MEMORY


def begin_files_in_memory(allowed: bool) -> None:
    """Set from what size on files that begin now go to `$TMPDIR`; called before a piece of an upload is parsed.

    The parser keeps the limit of a file from its beginning, and runs before any other task of the event loop.
    """
    MultiPartParser.spool_max_size = FILE_BYTES_IN_MEMORY if allowed else FILE_BYTES_OF_MANY


async def read_form(request: Request) -> FormData:
    """Return the fields of a page's form.

    Raises:
        UnsupportedBody: the body is not a form.
    """
    check_media(request.headers, is_form=True)
    return await request.form(max_files=1, max_fields=PAGE_FIELDS, max_part_size=PAGE_FIELD_BYTES)
