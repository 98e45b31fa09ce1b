"""The declared type of a body: its media type, charset and compression."""

import re

from starlette.datastructures import Headers

import errors

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
UTF8 = ("utf-8", "utf8")
# In every place and spelling in which a parser may look for it: quoted, with "*", twice.
CHARSET = re.compile(r"""charset[\w*]*\s*=\s*("[^"]*"?|'[^']*'?|[^\s;,]*)""", re.IGNORECASE)


def check_body_type(headers: Headers, *, is_form: bool | None) -> None:
    """Check the `Content-Type` and the `Content-Encoding` of a body that is a form, JSON (False) or either (None).

    A body without a `Content-Type` passes: its fields are missing then.

    Raises:
        UnsupportedBody: another type, a charset other than UTF-8 (a parser would decode with any of Python's codecs,
        some of which take minutes or raise), or a compressed body.
    """
    if any(value.strip().lower() not in ("", "identity") for value in headers.getlist("content-encoding")):
        raise errors.UnsupportedBody
    declared = headers.getlist("content-type")
    if len(declared) > 1:
        raise errors.UnsupportedBody
    for value in declared:
        if any(found.strip("\"'").strip().lower() not in UTF8 for found in CHARSET.findall(value)):
            raise errors.UnsupportedBody
        media = value.partition(";")[0].strip().lower()
        if media and not _fits(media, is_form):
            raise errors.UnsupportedBody


def _fits(media: str, is_form: bool | None) -> bool:
    if is_form is None:
        return True
    if is_form:
        return media in FORMS
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
