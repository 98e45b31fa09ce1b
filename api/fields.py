"""Field types that several payloads share."""

from datetime import datetime
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from fastapi import Path, Query
from pydantic import AfterValidator, PlainSerializer, StringConstraints

from api.messages import Problem
from keys import MAX_ID, comparison_key, storable, visible

MAX_USERNAME_KEY = 450
MAX_EMAIL_KEY = 320
MAX_CODE_KEY = 128


def _clean(value: str) -> str:
    if not storable(value):
        raise ValueError(Problem.CONTROL_CHARACTERS)
    return value


def _shown(value: str) -> str:
    value = visible(value)
    if not value:
        raise ValueError(Problem.NOTHING_VISIBLE)
    return _clean(value)


def _username(value: str) -> str:
    if not 0 < len(comparison_key(value)) <= MAX_USERNAME_KEY:
        raise ValueError(Problem.NAME_LENGTH)
    return value


def _email(value: str) -> str:
    try:
        # Guests are on the venue's Wi-Fi: no look-up of the domain while they wait.
        address = validate_email(value, check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError as error:
        raise ValueError(Problem.ADDRESS) from error
    if len(comparison_key(address)) > MAX_EMAIL_KEY:
        raise ValueError(Problem.ADDRESS_LENGTH)
    return address


def _event_code(value: str) -> str:
    if not 0 < len(comparison_key(value)) <= MAX_CODE_KEY:
        raise ValueError(Problem.CODE_LENGTH)
    return value


def _no_surrogates(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(Problem.NOT_UNICODE) from error
    return value


def _zulu(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Text = Annotated[str, AfterValidator(_clean)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_shown)]
Username = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=150),
    AfterValidator(_shown),
    AfterValidator(_username),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_shown),
    AfterValidator(_email),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_no_surrogates)]
EventCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(_shown),
    AfterValidator(_event_code),
]
# A code somebody typed: whatever it is, it is looked up, never refused for its form.
TypedCode = Annotated[str, StringConstraints(max_length=1000)]

CONSENT = "The version of the words the guest agreed to, such as 2026-11."
ConsentVersion = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,32}$")]

UtcTime = Annotated[datetime, PlainSerializer(_zulu, return_type=str, when_used="json")]

RowId = Annotated[int, Path(ge=1, le=MAX_ID)]
Limit = Annotated[int | None, Query(ge=1, le=1000, description="At most so many; without it, all of them.")]
Cursor = Annotated[str | None, Query(max_length=200, description="The `X-Next-Cursor` of the page before this one.")]
