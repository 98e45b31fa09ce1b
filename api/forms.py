"""Forms and uploads: how many fields and files one may have, how large a field may be, what goes to disk."""

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartParser

from api.body_types import check_media

# Fields of a form are kept in memory; a photographer's route allows more files.
FORM_LIMITS = {"max_fields": 20, "max_files": 20, "max_part_size": 16 * 1024}
# A page's form may list the photographers of an event, each in a field.
PAGE_FIELDS, PAGE_FIELD_BYTES = 1000, 64 * 1024
# A larger file goes to disk while it comes in: uploads do not add up in memory.
FILE_BYTES_IN_MEMORY = 16 * 1024


def keep_files_on_disk() -> None:
    """Make the parser write files of more than FILE_BYTES_IN_MEMORY to `$TMPDIR`; by default, of a megabyte."""
    MultiPartParser.spool_max_size = FILE_BYTES_IN_MEMORY


async def read_form(request: Request) -> FormData:
    """Return the fields of a page's form.

    Raises:
        UnsupportedBody: the body is not a form.
    """
    check_media(request.headers, is_form=True)
    return await request.form(max_files=1, max_fields=PAGE_FIELDS, max_part_size=PAGE_FIELD_BYTES)
