"""The keys of texts that pages and scripts build at run time: how each begins, and all ways in which it can end."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias, get_args

from api.language import LANGUAGES
from audit.actor import SERVICE, SHELL
from audit.log import Action
from guests import wordings
from jobs import kinds as job_kinds
from models import DONE, FAILED, PENDING, PROCESSING, REJECTED, SELFIE, UNKNOWN, WORDS, utcnow
from operations.samples import Point
from pages import badges, enter, formatting, login, posters, requests, resets, second_factor, sections, security
from pages.admin import audit, event_guests, event_photos, events, overview, photographers
from pages.admin.account_form import ACCOUNT, NEW_ACCOUNT
from pages.admin.event_form import BYSTANDER_OPTIONS, NEW_CODE, NEW_EVENT, SETTINGS
from pages.admin.plots import Plot
from pages.failures import BY_NAME, BY_STATUS
from pages.guest import account, children, join, keep, notify, reporting, together
from pages.i18n import FOLDER
from pages.photographer import cameras, helping
from pages.rendering import THEMES
from photos.reports.service import REASONS
from photos.visible.queries import BADGE
from photos.withheld.queries import BY_GUEST, BY_STAFF, REPORTED, UNAPPROVED
from posters.content import DESIGNS, FORMATS

PAGES = FOLDER.parent
FORMS = (SETTINGS, NEW_EVENT, NEW_CODE, ACCOUNT, NEW_ACCOUNT)
POSTER = {"design": DESIGNS, "format": FORMATS, "language": (*LANGUAGES, posters.BOTH)}
# What a photo that is damaged is called in the studio.
WARNING = "incomplete"
MARKS = (UNAPPROVED, BY_GUEST, BY_STAFF, BADGE, REPORTED)
JOB_STATES = (PENDING, PROCESSING, DONE, FAILED)

# What `camera.js` says by name.
CAMERA_WORDS = (
    *("open", "shoot", "send", "again", "retry", "choose", "choose_again"),
    *("blocked", "no_camera", "insecure", "taken", "raw", "heavy"),
)
# The rows of the studio's list of keys.
KEYS = ("arrows", "ends", "space", "shift", "all", "enter", "delete", "escape", "help")

Ends: TypeAlias = dict[str, set[str]]


def in_admin_calls(function: str) -> Iterator[ast.Call]:
    """Yield the calls of a function in the administrators' pages."""
    for path in PAGES.glob("admin/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                yield node


def constants(node: ast.expr) -> set[str]:
    """Return the texts that an expression can be."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    if isinstance(node, ast.List):
        return {name for each in node.elts for name in constants(each)}
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def plots() -> list[Plot]:
    now = utcnow()
    point = Point(now, *(1 for _ in Point.__dataclass_fields__.keys() - {"at"}))
    return overview.plots_of([point], now - timedelta(hours=1), now)


def _of_admin_calls() -> Ends:
    """What the administrators' pages say of a form that is sent."""
    done = {
        name
        for call in in_admin_calls("redirect_with_flash")
        for each in call.keywords
        if each.arg == "done"
        for name in constants(each.value)
    }
    problems = {name for call in in_admin_calls("refused") for each in call.args for name in constants(each)}
    fields = {name for form in FORMS for each in form.fields for name in each.problems}
    return {
        "admin.event.bystanders.": set(BYSTANDER_OPTIONS),
        "guest.privacy.long.strangers.": {*BYSTANDER_OPTIONS, "until_days", "depends"},
        "admin.done.": done,
        "admin.problem.": {each for each in problems if "/" not in each} | fields,
    }


def _of_the_overview() -> Ends:
    """What the overview says of its curves and numbers."""
    return {
        "admin.curve.": {curve.name for plot in plots() for curve in plot.curves},
        "admin.hours.": {str(hours) for hours in overview.HOURS},
        "admin.plot.soon.": {plot.name for plot in plots()},
        "admin.span.": {str(hours) for hours in overview.HOURS},
        "admin.unit.": {name for name, _ in overview.UNITS} | {plot.unit for plot in plots() if plot.unit},
    }


def _of_admin_lists() -> Ends:
    """What the administrators' other pages say."""
    return {
        "admin.audit.action.": {*Action},
        "admin.audit.actor.": {SHELL, SERVICE},
        "admin.audit.kind.": {*audit.KINDS},
        "admin.audit.photos_": {*audit.AFTER_ERASURE},
        "admin.audit.decision_": {*audit.DECISIONS},
        "admin.guest.basis.": {WORDS, SELFIE, UNKNOWN},
        "admin.events.state.": {*events.STATES},
        "admin.kind.": {*job_kinds.BY_NAME},
        "admin.nav.": {"overview", "events", "photographers", "jobs", "reports", "audit"},
        "admin.photos.show.": {event_photos.ALL, *event_photos.STATES},
        "admin.photos.state.": {PENDING, PROCESSING, FAILED},
        "admin.photos.": {"incomplete"},
        "admin.guests.show.": {*event_guests.FILTERS},
        "admin.photographers.state.": {*photographers.STATES},
        "admin.selfie.": {*JOB_STATES, REJECTED, "none"},
        "admin.size.": {*formatting.SIZES},
        "admin.state.": {*JOB_STATES},
    }


def _common() -> Ends:
    """What pages of every audience say."""
    failures = {*BY_NAME.values(), *BY_STATUS.values(), "broken", "invalid"}
    return {
        # Errors without a sentence of their own have a general one.
        "common.error.": set(),
        "common.failure.": {f"{kind}.{part}" for kind in failures for part in ("title", "text")},
        "common.factor.done.": {*second_factor.FLASH_DONE},
        "common.factor.problem.": {*second_factor.FLASH_PROBLEMS},
        "common.login.": {*login.FLASH_PROBLEMS},
        "common.hour.": {"am", "pm"},
        "common.month.": {str(month) for month in range(1, 13)},
        "common.enter.": {*enter.PROBLEMS},
        "common.reset.": {*resets.RESET_PROBLEMS} - {"link"},
        "common.security.done.": {*security.FLASH_DONE},
        "common.security.problem.": {*security.FLASH_PROBLEMS},
        "common.poster.": {f"{name}.{each}" for name, options in POSTER.items() for each in options},
        "common.poster.about.": {*FORMATS},
        "common.poster.problem.": {*posters.PROBLEMS.values()},
        "common.theme.": {*THEMES},
    }


def _of_guests() -> Ends:
    """What guests' pages say."""
    parts = {"what", "who", "long", "erase"}
    return {
        "guest.photos.": {"give_consent", "portrait", "another_portrait"},
        "guest.keep.": {*keep.DONE, *keep.PROBLEMS} - {"address"},
        "guest.account.": {*account.FLASH_DONE} - {"wrong_password"},
        "guest.account.report.": {"open", "kept", "hidden", "deleted"},
        "guest.report.problem.": {*reporting.FLASH_PROBLEMS},
        "guest.report.reason.": {*REASONS},
        "guest.consent.": parts | {f"{part}.title" for part in parts},
        "guest.children.done.": {*children.FLASH_DONE},
        "guest.children.problem.": {*children.FLASH_PROBLEMS},
        "guest.join.": {*join.FLASH_PROBLEMS},
        "guest.portrait.js.": {*CAMERA_WORDS},
        "guest.notify.done.": {*notify.FLASH_DONE},
        "guest.notify.problem.": {*notify.FLASH_PROBLEMS},
        "guest.notify.js.": {
            *("by_mail", "on_devices", "refused", "here", "off", "asking", "blocked", "revoked", "unsupported"),
            *("failed", "stopped"),
        },
        "guest.photos.empty_": {"favourites", "all", "for_everyone", "together", "child"},
        "guest.together.": {*together.FLASH_PROBLEMS},
        "guest.standing.": {
            *("found", "looking", "none", "no_photos", "no_portrait", "failed", "closed", "withdrawn"),
            *("none_rest", "none_quiet", "none_over", "over_empty", "not_asked", "faces_over", "asks_words"),
        },
        "guest.wording.language.": {*wordings.LANGUAGES},
    }


def _of_photographers() -> Ends:
    """What photographers' pages say."""
    return {
        "photographer.requests.act.": {act for acts in get_args(requests.Acts) for act in get_args(acts)},
        "photographer.requests.reason.": {*REASONS},
        "photographer.requests.problem.": {*requests.PROBLEMS.values()},
        "photographer.requests.held.": {UNAPPROVED, BY_STAFF, BY_GUEST},
        "photographer.cameras.unit.": {*cameras.UNITS},
        "photographer.cameras.": {"wrong", "no_direction", "large"},
        "photographer.help.problem.": {*helping.PROBLEMS.values(), helping.UNREADABLE},
        "photographer.js.camera_": {"ahead", "would", "span"},
        "photographer.js.problem.": {
            *("kind", "video", "archive", "document", "raw", "next", "empty", "large", "large_raw", "unreadable"),
        },
        "photographer.keys.": {f"{key}{end}" for key in KEYS for end in ("", ".what")},
        "photographer.js.state.": {"waiting", "ready", "sending", "done", "known"},
        "photographer.sections.problem.": {*sections.PROBLEMS.values(), sections.NO_TIME},
        "photographer.badges.done_": {*badges.DONE},
        "photographer.mark.": {f"{each}{end}" for each in MARKS for end in ("", "_badge")},
        "photographer.photos.": {PENDING, PROCESSING, FAILED, WARNING, f"{WARNING}_badge"},
    }


def ends() -> Ends:
    """Return, for every key that is built at run time, how it begins and all ways in which it can end."""
    return {
        **_of_admin_calls(),
        **_of_the_overview(),
        **_of_admin_lists(),
        **_common(),
        **_of_guests(),
        **_of_photographers(),
    }
