"""The fields of an event, each named once: the forms, their checks and the comparison with another admin's change."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.events.fields import EventChange, EventCreate
from keys import MAX_BADGE_SECONDS, MAX_BYSTANDER_DAYS, MIN_BADGE_SECONDS
from models import KEEP, NEVER, UNTIL_EXPIRY, Event
from pages import formatting
from pages.admin.forms import Field, FieldProblem, Form, Judged, Typed, join_ids
from pages.i18n import text

BYSTANDER_OPTIONS = (UNTIL_EXPIRY, KEEP, NEVER)
LOCAL_TIME = "%Y-%m-%dT%H:%M"


def _date_value(event: Event) -> str:
    return event.date.isoformat() if event.date else ""


def _date_words(language: str, event: Event) -> str:
    return formatting.day(language, event.date) if event.date else ""


def _moment(name: str, typed: str, form: Typed) -> datetime:
    """Return a time of the event's clock in UTC."""
    try:
        local = datetime.strptime(typed[:16], LOCAL_TIME).replace(tzinfo=ZoneInfo(form["timezone"]))
        return local.astimezone(UTC)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as error:
        raise FieldProblem(name) from error


def _moment_value(name: str, event: Event) -> str:
    at: datetime | None = getattr(event, name)
    return at.astimezone(ZoneInfo(event.timezone)).strftime(LOCAL_TIME) if at is not None else ""


def _moment_words(name: str, language: str, event: Event) -> str:
    at: datetime | None = getattr(event, name)
    return formatting.moment(language, at, event.timezone) if at is not None else ""


def _moment_field(name: str, label: str, **others: Any) -> Field:
    """Return the field of a time of the event's clock."""
    return Field(
        name=name,
        label=label,
        hint=f"{label}_hint",
        widget="datetime-local",
        # 23:00 in another time zone is another moment.
        depends_on=("timezone",),
        read=partial(_moment, name),
        input_value=partial(_moment_value, name),
        in_words=partial(_moment_words, name),
        **others,
    )


def _choice_field(name: str, label: str, options: Mapping[str, bool], hint: str = "") -> Field:
    """Return a field that is on or off. The first option is the initial one, and stands for any unknown text."""
    initial = next(iter(options))

    def saved(event: Event) -> str:
        return next(option for option, value in options.items() if value == getattr(event, name))

    return Field(
        name=name,
        label=label,
        hint=hint,
        widget="choice",
        options=tuple(options),
        initial=initial,
        read=lambda typed, _: options.get(typed, options[initial]),
        input_value=saved,
        in_words=lambda language, event: text(language, f"{label}.{saved(event)}"),
    )


def _number_field(name: str, label: str, least: int, most: int, **others: Any) -> Field:
    """Return the field of a whole number between these two."""
    return Field(
        name=name,
        label=label,
        hint=f"{label}_hint",
        widget="number",
        attributes={"min": str(least), "max": str(most), "inputmode": "numeric"},
        **others,
    )


def _read_bystanders(typed: str, _: Typed) -> str:
    """Return the option; a text that is none must erase nothing."""
    if typed not in BYSTANDER_OPTIONS:
        raise FieldProblem("bystanders")
    return typed


def _bystander_words(language: str, event: Event) -> str:
    return text(language, f"admin.event.bystanders.{event.bystanders}")


def _read_ids(typed: str, _: Typed) -> list[str]:
    return [each for each in typed.split(",") if each]


def _ids_value(event: Event) -> str:
    return join_ids(str(each.id) for each in event.photographers)


def _photographer_names(_: str, event: Event) -> str:
    return ", ".join(each.username for each in event.photographers)


def _read_code(typed: str, _: Typed) -> str:
    if " " in typed:
        raise FieldProblem("code_spaces")
    return typed


NAME = Field(name="name", label="admin.event.name", attributes={"autocomplete": "off"})
DATE = Field(
    name="date",
    label="admin.event.date",
    hint="admin.event.optional",
    widget="date",
    input_value=_date_value,
    in_words=_date_words,
)
TIMEZONE = Field(
    name="timezone",
    label="admin.event.timezone",
    hint="admin.event.timezone_hint",
    attributes={"list": "zones", "autocomplete": "off", "spellcheck": "false"},
    initial=EventCreate.model_fields["timezone"].default,
)
EXPIRES_AT = _moment_field("expires_at", "admin.event.expires", optional=True, other_problems=("before_date",))
FACES_UNTIL = _moment_field("faces_until", "admin.event.faces_until")
PHOTOS_UNTIL = _moment_field("photos_until", "admin.event.photos_until")
SEES_ALL = _choice_field("guests_see_all_photos", "admin.event.sees", {"own": False, "all": True})
MAY_SHARE = _choice_field("guests_may_share", "admin.event.share", {"yes": True, "no": False})
DETAILS = _choice_field(
    "keep_capture_details", "admin.event.details", {"removed": False, "kept": True}, "admin.event.details_hint"
)
SELFIE_IS_CONSENT = _choice_field(
    "selfie_is_consent",
    "admin.event.selfie_consent",
    {"selfie": True, "asked": False},
    "admin.event.selfie_consent_hint",
)
APPROVAL = _choice_field(
    "photos_need_approval", "admin.event.approval", {"live": False, "approved": True}, "admin.event.approval_hint"
)
BYSTANDERS = Field(
    name="bystanders",
    label="admin.event.bystanders",
    hint="admin.event.bystanders_hint",
    widget="choice",
    options=BYSTANDER_OPTIONS,
    other_problems=("bystanders", "bystanders_azure"),
    read=_read_bystanders,
    in_words=_bystander_words,
)
BYSTANDER_DAYS = _number_field("bystander_days", "admin.event.bystander_days", 1, MAX_BYSTANDER_DAYS)
BADGES = _choice_field("badges", "admin.event.badges", {"off": False, "on": True}, "admin.event.badges_hint")
BADGE_SECONDS = _number_field(
    "badge_seconds",
    "admin.event.badge_seconds",
    MIN_BADGE_SECONDS,
    MAX_BADGE_SECONDS,
    optional=True,
    initial=str(EventCreate.model_fields["badge_seconds"].default),
)
PHOTOGRAPHERS = Field(
    name="photographer_ids",
    label="admin.event.photographers",
    widget="photographers",
    many=True,
    read=_read_ids,
    input_value=_ids_value,
    in_words=_photographer_names,
)
CODE = Field(
    name="event_code",
    label="admin.event.code",
    hint="admin.event.code_hint",
    attributes={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    # A new event gets a random code.
    optional=True,
    other_problems=("code_taken", "code_spaces"),
    read=_read_code,
)

SETTINGS = Form(
    EventChange,
    (
        (NAME,),
        (DATE, TIMEZONE),
        (EXPIRES_AT,),
        (FACES_UNTIL, PHOTOS_UNTIL),
        (SEES_ALL,),
        (MAY_SHARE,),
        (DETAILS,),
        (SELFIE_IS_CONSENT,),
        (APPROVAL,),
        (BYSTANDERS,),
        (BYSTANDER_DAYS,),
        (BADGES, BADGE_SECONDS),
        (PHOTOGRAPHERS,),
    ),
)
NEW_EVENT = Form(EventChange, (*SETTINGS.rows, (CODE,)))
# The code has a form of its own: a change stops the printed posters from working.
NEW_CODE = Form(EventChange, ((CODE,),))


def judge_event(form: Form, given: Typed, typed: Typed) -> Judged:
    """Judge the fields in `given` of the whole form `typed`: guests can join at least until the day of the event."""
    judged = form.judge(given, typed)
    if "timezone" in judged.problems:
        # Without its time zone nothing can be said about times.
        moments = (EXPIRES_AT.name, FACES_UNTIL.name, PHOTOS_UNTIL.name)
        judged.problems = [problem for problem in judged.problems if problem not in moments]
    elif not {"date", "expires_at"} & {*judged.problems} and _ends_before_date(given, typed):
        judged.problems.append("before_date")
    return judged


def _ends_before_date(given: Typed, typed: Typed) -> bool:
    expiry_day = typed["expires_at"][:10]
    return bool({"date", "expires_at"} & given.keys()) and bool(expiry_day) and expiry_day < typed["date"]
