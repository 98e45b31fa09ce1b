"""What an admin typed into a form: read, judged field by field, and kept where something is not right."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from api.accounts.schemas import PhotographerChange
from api.events.schemas import EventChange
from models import Event
from pages.redirects import redirect_with_flash

EVENT_FIELDS = ("name", "date", "timezone", "expires_at", "sees", "event_code")
PEOPLE = "photographer_ids"
ACCOUNT_FIELDS = ("username", "email")
# One more than any field may have: what is longer stays too long.
MAX_KEPT = 321
MAX_KEPT_PEOPLE = 1500
MIN_PASSWORD = 8
LOCAL_TIME = "%Y-%m-%dT%H:%M"


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]


def text_in(sent: FormData, name: str) -> str:
    """Return a field as it was typed; empty, where there is none."""
    value = sent.get(name)
    return value if isinstance(value, str) else ""


@dataclass(slots=True)
class Judged:
    """What of a form can be used, and the names of the texts `admin.problem.…` about what cannot."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _checked(model: type[BaseModel], values: Mapping[str, Any]) -> Judged:
    """Judge values by the rules of the API."""
    try:
        good = model(**values)
    except ValidationError as error:
        return Judged(problems=sorted({str(problem["loc"][0]) for problem in error.errors()}))
    return Judged({name: getattr(good, name) for name in values})


# --- events --------------------------------------------------------------------------------------


def typed_event(sent: FormData) -> dict[str, str]:
    """Return what was typed about an event; the photographers' numbers joined by commas."""
    people = [each for each in sent.getlist(PEOPLE) if isinstance(each, str)]
    return {**{name: text_in(sent, name)[:MAX_KEPT].strip() for name in EVENT_FIELDS}, PEOPLE: _joined(people)}


def _joined(people: Iterable[str]) -> str:
    return ",".join(sorted(people, key=lambda each: (len(each), each)))[:MAX_KEPT_PEOPLE]


def fields_of(event: Event) -> dict[str, str]:
    """Return an event as its form shows it."""
    return {
        "name": event.name,
        "date": event.date.isoformat() if event.date else "",
        "timezone": event.timezone,
        "expires_at": event.expires_at.astimezone(ZoneInfo(event.timezone)).strftime(LOCAL_TIME),
        "sees": "all" if event.guests_see_all_photos else "own",
        PEOPLE: _joined(str(each.id) for each in event.photographers),
    }


def shown_before(sent: FormData) -> dict[str, Any]:
    """Return the fields as the form showed them when it was opened."""
    before: Any = None
    with suppress(ValueError):
        before = json.loads(text_in(sent, "before"))
    return before if isinstance(before, dict) else {}


def changed(before: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, str]:
    """Return what differs from what the form showed: what somebody else changed meanwhile is left alone."""
    different = {name: value for name, value in typed.items() if before.get(name) != value}
    # The hour of another zone is another moment.
    if "timezone" in different:
        different["expires_at"] = typed["expires_at"]
    return different


def overtaken(before: Mapping[str, Any], given: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the fields in `given` that somebody else has changed to something else since the form was opened."""
    return [name for name, value in given.items() if before.get(name, now[name]) != now[name] != value]


def judge_event(given: Mapping[str, str], typed: Mapping[str, str]) -> Judged:
    """Judge the fields `given` of an event; `typed` is the whole form."""
    values: dict[str, Any] = {name: given[name] for name in ("name", "timezone") if name in given}
    if "date" in given:
        values["date"] = given["date"] or None
    if "sees" in given:
        values["guests_see_all_photos"] = given["sees"] == "all"
    if PEOPLE in given:
        values[PEOPLE] = [each for each in given[PEOPLE].split(",") if each]
    if given.get("event_code"):
        values["event_code"] = given["event_code"]
    judged = _checked(EventChange, values)
    if " " in given.get("event_code", ""):
        judged.problems.append("code_spaces")
    if typed["expires_at"] and given.keys() & {"expires_at", "date"} and "timezone" not in judged.problems:
        _judge_expiry(given, typed, judged)
    return judged


def _judge_expiry(given: Mapping[str, str], typed: Mapping[str, str], judged: Judged) -> None:
    try:
        clock = datetime.strptime(typed["expires_at"][:16], LOCAL_TIME).replace(tzinfo=ZoneInfo(typed["timezone"]))
        expires_at = clock.astimezone(UTC)
        EventChange(expires_at=expires_at)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        judged.problems.append("expires_at")
        return
    if "date" not in judged.problems and clock.date().isoformat() < typed["date"]:
        judged.problems.append("before_date")
    if "expires_at" in given:
        judged.values["expires_at"] = expires_at


# --- photographers -------------------------------------------------------------------------------


def typed_account(sent: FormData) -> dict[str, str]:
    """Return what was typed about an account, without the password."""
    return {name: text_in(sent, name)[:MAX_KEPT].strip() for name in ACCOUNT_FIELDS}


def judge_account(sent: FormData, *, needs_password: bool) -> Judged:
    """Judge a photographer's name, address and password; an empty password stays out where none is needed."""
    values: dict[str, Any] = typed_account(sent)
    password = text_in(sent, "password")
    if password or needs_password:
        values["password"] = password
    judged = _checked(PhotographerChange, values)
    if "password" in values and len(password) < MIN_PASSWORD and "password" not in judged.problems:
        judged.problems.append("password")
    return judged


# --- both ----------------------------------------------------------------------------------------


def refused(request: Request, path: str, problems: list[str], typed: Mapping[str, str]) -> Response:
    """Lead back to the form, which says the problems and shows what was typed."""
    return redirect_with_flash(request, path, problems=problems, **typed)
