"""Types of fields that several payloads share: each checks and normalises its value."""

from datetime import datetime
from typing import Annotated, LiteralString

from email_validator import EmailNotValidError, validate_email
from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from api.messages import CHILD_NAME, CONTROL_CHARACTERS, LINK_DAYS, Problem
from keys import (
    MAX_CHOSEN,
    MAX_CODE_KEY,
    MAX_CONSENT_VERSION,
    MAX_EMAIL,
    MAX_EMAIL_KEY,
    MAX_EVENT_CODE,
    MAX_EVENT_NAME,
    MAX_ID,
    MAX_LINK_DAYS,
    MAX_PASSWORD,
    MAX_TYPED,
    MAX_USERNAME,
    MAX_USERNAME_KEY,
    comparison_key,
    storable,
    visible,
)


def _clean(value: str) -> str:
    if not storable(value):
        raise PydanticCustomError(CONTROL_CHARACTERS, Problem.CONTROL_CHARACTERS)
    return value


def _told_as(kind: LiteralString, problem: LiteralString) -> WrapValidator:
    """Return a validator whose errors have this type, for which `api.messages` has a sentence of its own.

    For fields with other bounds than most of the same name. Control characters keep their own error.
    """

    def judge(value: object, judged: ValidatorFunctionWrapHandler) -> object:
        try:
            return judged(value)
        except ValidationError as error:
            if error.errors()[0]["type"] == CONTROL_CHARACTERS:
                raise
            raise PydanticCustomError(kind, problem) from error

    return WrapValidator(judge)


def shown(value: str) -> str:
    """Return a text as it is stored: without invisible characters.

    Raises:
        ValueError: it holds control characters, or nothing that can be seen.
    """
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
        # No look-up of the domain: guests wait on the slow Wi-Fi of a venue.
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
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_EVENT_NAME), AfterValidator(shown)
]
Username = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_USERNAME),
    AfterValidator(shown),
    AfterValidator(_username),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_EMAIL),
    AfterValidator(shown),
    AfterValidator(_email),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD), AfterValidator(_no_surrogates)]
EventCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_EVENT_CODE),
    AfterValidator(shown),
    AfterValidator(_event_code),
]
Otp = Annotated[str, StringConstraints(min_length=6, max_length=32), AfterValidator(_no_surrogates)]
# A typed code or name is looked up whatever it is, never refused for its form.
TypedCode = Annotated[str, StringConstraints(max_length=MAX_TYPED)]

CONSENT = "Version of the consent text that the guest agreed to, in the language of the call, such as 2026-11.2."
ConsentVersion = Annotated[str, StringConstraints(pattern=rf"^[0-9A-Za-z._-]{{1,{MAX_CONSENT_VERSION}}}$")]

# Other bounds than the days until an event expires, whose field has the same name.
LinkDays = Annotated[int, Field(ge=1, le=MAX_LINK_DAYS), _told_as(LINK_DAYS, Problem.LINK_DAYS)]
# Shorter than the name of an event.
ChildName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_USERNAME),
    AfterValidator(shown),
    _told_as(CHILD_NAME, Problem.NAME_LENGTH),
]

UtcTime = Annotated[datetime, PlainSerializer(_zulu, return_type=str, when_used="json")]

PhotoIds = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_ID)]],
    Field(min_length=1, max_length=MAX_CHOSEN, description="One that comes twice counts once.", examples=[[42]]),
]
RowId = Annotated[int, Path(ge=1, le=MAX_ID)]
Limit = Annotated[int | None, Query(ge=1, le=1000, description="Largest number of entries; without it, all of them.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`X-Next-Cursor` of the page before.")]
