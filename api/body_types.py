"""The declared type of a body: its media type, charset and compression."""

import re

from starlette.datastructures import Headers

import errors

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
UTF8 = ("utf-8", "utf8")
# In every place and spelling in which a parser may look for it: quoted, with "*", twice.
CHARSET = re.compile(r"""charset[\w*]*\s*=\s*("[^"]*"?|'[^']*'?|[^\s;,]*)""", re.IGNORECASE)


def check_encoding(headers: Headers) -> None:
    """Check the declared charset and compression of a body, and that some call takes its media type.

    Raises:
        UnsupportedBody: a charset other than UTF-8 (a parser would decode with any of Python's codecs, some of which
        take minutes or raise), a compressed body, or a media type that no call takes.
    """
    declared = headers.getlist("content-type")
    if declared == ["application/json"] and "content-encoding" not in headers:
        # What nearly every call sends.
        return
    if any(value.strip().lower() not in ("", "identity") for value in headers.getlist("content-encoding")):
        raise errors.UnsupportedBody
    if len(declared) > 1:
        raise errors.UnsupportedBody
    for value in declared:
        if any(found.strip("\"'").strip().lower() not in UTF8 for found in CHARSET.findall(value)):
            raise errors.UnsupportedBody
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        check_media(headers, is_form=None)


def check_media(headers: Headers, *, is_form: bool | None) -> None:
    """Check the media type of a body that is a form, JSON (False) or either (None).

    A body without a `Content-Type` passes: its fields are missing then.

    Raises:
        UnsupportedBody: another one.
    """
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media and not ((is_form is not True and _is_json(media)) or (is_form is not False and media in FORMS)):
        raise errors.UnsupportedBody


def _is_json(media: str) -> bool:
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
