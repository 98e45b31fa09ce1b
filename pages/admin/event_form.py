"""The fields of an event, each named once: the forms, their checks and the comparison with another admin's change."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.events.schemas import EventChange, EventCreate
from models import Event
from pages import formatting
from pages.admin.forms import Field, FieldProblem, Form, Judged, Typed, join_ids
from pages.i18n import text

LOCAL_TIME = "%Y-%m-%dT%H:%M"
OWN, ALL = "own", "all"
MAY, MAY_NOT = "yes", "no"
REMOVED, KEPT = "removed", "kept"
SELFIE, ASKED = "selfie", "asked"
LIVE, APPROVED = "live", "approved"


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


def _read_sight(typed: str, _: Typed) -> bool:
    return typed == ALL


def _sight_value(event: Event) -> str:
    return ALL if event.guests_see_all_photos else OWN


def _sight_words(language: str, event: Event) -> str:
    return text(language, f"admin.event.sees.{_sight_value(event)}")


def _read_sharing(typed: str, _: Typed) -> bool:
    return typed != MAY_NOT


def _sharing_value(event: Event) -> str:
    return MAY if event.guests_may_share else MAY_NOT


def _sharing_words(language: str, event: Event) -> str:
    return text(language, f"admin.event.share.{_sharing_value(event)}")


def _read_details(typed: str, _: Typed) -> bool:
    return typed == KEPT


def _details_value(event: Event) -> str:
    return KEPT if event.keep_capture_details else REMOVED


def _details_words(language: str, event: Event) -> str:
    return text(language, f"admin.event.details.{_details_value(event)}")


def _read_selfie_consent(typed: str, _: Typed) -> bool:
    return typed != ASKED


def _selfie_consent_value(event: Event) -> str:
    return SELFIE if event.selfie_is_consent else ASKED


def _selfie_consent_words(language: str, event: Event) -> str:
    return text(language, f"admin.event.selfie_consent.{_selfie_consent_value(event)}")


def _read_approval(typed: str, _: Typed) -> bool:
    return typed == APPROVED


def _approval_value(event: Event) -> str:
    return APPROVED if event.photos_need_approval else LIVE


def _approval_words(language: str, event: Event) -> str:
    return text(language, f"admin.event.approval.{_approval_value(event)}")


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
SEES_ALL = Field(
    name="guests_see_all_photos",
    label="admin.event.sees",
    widget="choice",
    options=(OWN, ALL),
    initial=OWN,
    read=_read_sight,
    input_value=_sight_value,
    in_words=_sight_words,
)
MAY_SHARE = Field(
    name="guests_may_share",
    label="admin.event.share",
    widget="choice",
    options=(MAY, MAY_NOT),
    initial=MAY,
    read=_read_sharing,
    input_value=_sharing_value,
    in_words=_sharing_words,
)
DETAILS = Field(
    name="keep_capture_details",
    label="admin.event.details",
    hint="admin.event.details_hint",
    widget="choice",
    options=(REMOVED, KEPT),
    initial=REMOVED,
    read=_read_details,
    input_value=_details_value,
    in_words=_details_words,
)
SELFIE_IS_CONSENT = Field(
    name="selfie_is_consent",
    label="admin.event.selfie_consent",
    hint="admin.event.selfie_consent_hint",
    widget="choice",
    options=(SELFIE, ASKED),
    initial=SELFIE,
    read=_read_selfie_consent,
    input_value=_selfie_consent_value,
    in_words=_selfie_consent_words,
)
APPROVAL = Field(
    name="photos_need_approval",
    label="admin.event.approval",
    hint="admin.event.approval_hint",
    widget="choice",
    options=(LIVE, APPROVED),
    initial=LIVE,
    read=_read_approval,
    input_value=_approval_value,
    in_words=_approval_words,
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
