"""Both languages have the same texts, and every text that a page or script uses exists."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import errors
from api.language import LANGUAGES
from audit.actor import SERVICE, SHELL
from audit.log import Action
from guests import wordings
from jobs import kinds as job_kinds
from models import DONE, FAILED, PENDING, PROCESSING, REJECTED, SELFIE, UNKNOWN, WORDS, utcnow
from operations.samples import Point
from pages import enter, formatting, login, posters, requests, resets, second_factor, sections, security
from pages.admin import audit, event_guests, event_photos, events, overview, photographers
from pages.admin.account_form import ACCOUNT, NEW_ACCOUNT
from pages.admin.event_form import NEW_CODE, NEW_EVENT, SETTINGS
from pages.admin.plots import Plot
from pages.assets import assets
from pages.failures import BY_NAME, BY_STATUS
from pages.guest import account, join, keep, notify, reporting, together
from pages.i18n import FOLDER, catalogue, number, text
from pages.photographer import cameras, helping
from pages.rendering import SCRIPT_TEXTS, THEMES
from photos.reports.service import REASONS
from posters.content import DESIGNS, FORMATS

PAGES = FOLDER.parent
FILES = sorted(path.name for path in (FOLDER / "fr").glob("*.json"))
SOURCES = [path for pattern in ("**/*.py", "templates/**/*.html", "static/js/*.js") for path in PAGES.glob(pattern)]
SECTION = r"(?:admin|common|guest|photographer)\."
USED = re.compile(rf"""["'`]({SECTION}[\w.]*\w)(?<!\.html)["'`](?!\s*~)""")
# The beginning of a key whose end is only known when the page is made.
BUILT = re.compile(
    rf"""["']({SECTION}[\w.]*)["']\s*~|["']({SECTION}[\w.]*\.)["']\)\s*\}}|"""
    rf"""f["']({SECTION}[\w.]*)\{{|`({SECTION}[\w.]*)\$"""
)
FORMS = (SETTINGS, NEW_EVENT, NEW_CODE, ACCOUNT, NEW_ACCOUNT)
POSTER = {"design": DESIGNS, "format": FORMATS, "language": (*LANGUAGES, posters.BOTH)}
# What a photo that is damaged is called in the studio.
WARNING = "incomplete"
JOB_STATES = (PENDING, PROCESSING, DONE, FAILED)

# What `camera.js` says by name.
CAMERA_WORDS = (
    *("open", "shoot", "send", "again", "retry", "choose", "choose_again"),
    *("blocked", "no_camera", "insecure", "taken", "raw", "heavy"),
)


def placeholders(sentence: str | dict[str, str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", json.dumps(sentence)))


@pytest.mark.parametrize("name", FILES)
def test_both_languages_have_the_same_texts(name: str) -> None:
    french, english = (json.loads((FOLDER / language / name).read_text()) for language in ("fr", "en"))
    assert french.keys() == english.keys()
    assert [key for key in french if placeholders(french[key]) != placeholders(english[key])] == []
    plural = {key for key, sentence in (french | english).items() if isinstance(sentence, dict)}
    assert [key for key in plural if {*french[key]} != {"one", "other"} or {*english[key]} != {"one", "other"}] == []


def used_in(path: Path) -> set[str]:
    return set(USED.findall(path.read_text()))


def built_in(path: Path) -> set[str]:
    return {"".join(found) for found in BUILT.findall(path.read_text())}


def test_every_text_asked_for_exists() -> None:
    missing = {f"{path.name}: {key}" for path in SOURCES for key in used_in(path) - catalogue("fr").keys()}
    assert missing == set()


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


# The rows of the studio's list of keys.
KEYS = ("arrows", "ends", "space", "shift", "all", "enter", "delete", "escape", "help")


def ends() -> dict[str, set[str]]:
    """Return, for every key that is built at run time, how it begins and all ways in which it can end."""
    done = {
        name
        for call in in_admin_calls("redirect_with_flash")
        for each in call.keywords
        if each.arg == "done"
        for name in constants(each.value)
    }
    problems = {name for call in in_admin_calls("refused") for each in call.args for name in constants(each)}
    fields = {name for form in FORMS for each in form.fields for name in each.problems}
    parts = {"what", "who", "long", "erase"}
    failures = {*BY_NAME.values(), *BY_STATUS.values(), "broken", "invalid"}
    return {
        "admin.curve.": {curve.name for plot in plots() for curve in plot.curves},
        "admin.audit.action.": {*Action},
        "admin.audit.actor.": {SHELL, SERVICE},
        "admin.audit.kind.": {*audit.KINDS},
        "admin.done.": done,
        "photographer.requests.act.": {"approve", "approve_all", "show", "keep", "hide", "delete"},
        "photographer.requests.reason.": {"me", "child", "private", "offensive", "other"},
        "photographer.requests.problem.": {*requests.PROBLEMS.values()},
        "photographer.requests.held.": {"approval", "staff", "guest"},
        "admin.guest.basis.": {WORDS, SELFIE, UNKNOWN},
        "admin.events.state.": {*events.STATES},
        "admin.hours.": {str(hours) for hours in overview.HOURS},
        "admin.kind.": {*job_kinds.BY_NAME},
        "admin.nav.": {"overview", "events", "photographers", "jobs", "audit"},
        "admin.plot.soon.": {plot.name for plot in plots()},
        "admin.span.": {str(hours) for hours in overview.HOURS},
        "admin.photos.show.": {event_photos.ALL, *event_photos.STATES},
        "admin.photos.state.": {PENDING, PROCESSING, FAILED},
        "admin.photos.": {"incomplete"},
        "admin.guests.show.": {*event_guests.FILTERS},
        "admin.photographers.state.": {*photographers.STATES},
        "admin.problem.": {each for each in problems if "/" not in each} | fields,
        "admin.selfie.": {*JOB_STATES, REJECTED, "none"},
        "admin.size.": {*formatting.SIZES},
        "admin.state.": {*JOB_STATES},
        "admin.unit.": {name for name, _ in overview.UNITS} | {plot.unit for plot in plots() if plot.unit},
        # Errors without a sentence of their own have a general one.
        "common.error.": set(),
        "common.failure.": {f"{kind}.{part}" for kind in failures for part in ("title", "text")},
        "common.factor.done.": {*second_factor.FLASH_DONE},
        "common.factor.problem.": {*second_factor.FLASH_PROBLEMS},
        "common.login.": {*login.FLASH_PROBLEMS},
        "photographer.cameras.unit.": {*cameras.UNITS},
        "common.hour.": {"am", "pm"},
        "guest.photos.": {"give_consent", "portrait", "another_portrait"},
        "common.month.": {str(month) for month in range(1, 13)},
        "common.enter.": {*enter.PROBLEMS},
        "guest.keep.": {*keep.DONE, *keep.PROBLEMS} - {"address"},
        "common.reset.": {*resets.RESET_PROBLEMS} - {"link"},
        "common.security.done.": {*security.FLASH_DONE},
        "common.security.problem.": {*security.FLASH_PROBLEMS},
        "common.poster.": {f"{name}.{each}" for name, options in POSTER.items() for each in options},
        "common.poster.about.": {*FORMATS},
        "common.poster.problem.": {*posters.PROBLEMS.values()},
        "common.theme.": {*THEMES},
        "guest.account.": {*account.FLASH_DONE} - {"wrong_password"},
        "guest.account.report.": {"open", "kept", "hidden", "deleted"},
        "guest.report.problem.": {*reporting.FLASH_PROBLEMS},
        "guest.report.reason.": {*REASONS},
        "guest.consent.": parts | {f"{part}.title" for part in parts},
        "guest.join.": {*join.FLASH_PROBLEMS},
        "guest.portrait.js.": {*CAMERA_WORDS},
        "guest.notify.done.": {*notify.FLASH_DONE},
        "guest.notify.problem.": {*notify.FLASH_PROBLEMS},
        "guest.notify.js.": {
            *("by_mail", "on_devices", "refused", "here", "off", "asking", "blocked", "revoked", "unsupported"),
            *("failed", "stopped"),
        },
        "guest.photos.empty_": {"favourites", "all", "for_everyone", "together"},
        "guest.together.": {*together.FLASH_PROBLEMS},
        "guest.standing.": {
            *("found", "looking", "none", "no_photos", "no_portrait", "failed", "closed", "withdrawn"),
            *("none_rest", "none_quiet", "none_over", "over_empty", "not_asked", "faces_over"),
        },
        "guest.wording.language.": {*wordings.LANGUAGES},
        "photographer.cameras.": {"wrong", "no_direction", "large"},
        "photographer.help.problem.": {*helping.PROBLEMS.values(), helping.UNREADABLE},
        "photographer.js.camera_": {"ahead", "would", "span"},
        "photographer.js.problem.": {
            *("kind", "video", "archive", "document", "raw", "next", "empty", "large", "large_raw", "unreadable"),
        },
        "photographer.keys.": {f"{key}{end}" for key in KEYS for end in ("", ".what")},
        "photographer.js.state.": {"waiting", "ready", "sending", "done", "known"},
        "photographer.sections.problem.": {*sections.PROBLEMS.values(), sections.NO_TIME},
        "photographer.photos.": {PENDING, PROCESSING, FAILED, WARNING, f"{WARNING}_badge"},
    }


def test_every_key_that_is_built_at_run_time_is_known() -> None:
    found = {begin: path.name for path in SOURCES for begin in built_in(path)}
    assert found.keys() == ends().keys()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_text_whose_key_is_built_exists(language: str) -> None:
    assert {begin + end for begin, all_ends in ends().items() for end in all_ends} - catalogue(
        language
    ).keys() == set()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_field_of_a_form_has_its_texts(language: str) -> None:
    fields = [each for form in FORMS for each in form.fields]
    wanted = {key for each in fields for key in (each.label, each.hint) if key}
    wanted |= {f"{each.label}.{option}" for each in fields for option in each.options}
    assert wanted - catalogue(language).keys() == set()


def test_no_text_is_left_over() -> None:
    used = {key for path in SOURCES for key in used_in(path)}
    used |= {begin + end for begin, all_ends in ends().items() for end in all_ends}
    used |= {f"common.error.{name}" for name in errors.catalogue()}
    for field in (each for form in FORMS for each in form.fields):
        used |= {field.label, field.hint, *(f"{field.label}.{option}" for option in field.options)}
    assert sorted(catalogue("fr").keys() - used) == []


def sentences(language: str) -> Iterator[tuple[str, str]]:
    """Yield every sentence with its key, each plural form for itself, and the mails, each with its path."""
    for key, sentence in catalogue(language).items():
        yield from ((key, each) for each in (sentence.values() if isinstance(sentence, dict) else (sentence,)))
    for path in (PAGES.parent / "mail" / "templates" / language).iterdir():
        yield path.name, re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", "", path.read_text())


def banned(language: str) -> list[str]:
    """Return the words that the glossary of docs/pages.md does without, in a language."""
    table = (PAGES.parent / "docs" / "pages.md").read_text().partition("### Glossary")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in table.split("\n") if row.count("|") == 6]
    column = {"fr": 4, "en": 5}[language]
    return [word for row in rows[2:] for word in re.findall(r"“([^”]+)”", row[column])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_keep_to_the_glossary(language: str) -> None:
    words = banned(language)
    assert len(words) > 8
    found = [
        f"{key}: {word}: {sentence}"
        for key, sentence in sentences(language)
        for word in words
        if re.search(rf"(?<![\w-]){re.escape(word)}", re.sub(r"\{\w+\}", "", sentence), re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_quotes_and_spaces_are_those_of_the_language(language: str) -> None:
    wrong = r"['\"]| {2}|\.\.\." + ("|[“”]" if language == "fr" else "|[«»]|\\w [:;?!]")
    texts = [(key, each) for key, each in sentences(language) if not key.endswith((".txt", ".html"))]
    assert [f"{key}: {each}" for key, each in texts if re.search(wrong, each)] == []


def imports(path: Path) -> set[Path]:
    found = {path}
    for name in re.findall(r"""from\s+"\./([\w-]+\.js)";""", path.read_text()):
        found |= imports(path.with_name(name))
    return found


def test_every_page_carries_the_texts_of_its_scripts() -> None:
    missing = []
    for template in PAGES.glob("templates/**/*.html"):
        source = template.read_text()
        named = {name: re.search(rf"set {name} = (\[[^\]]*\])", source) for name in ("scripts", "script_texts")}
        scripts, prefixes = ([*re.findall(r'"([^"]+)"', found[1])] if found else [] for found in named.values())
        for script in {path for name in scripts for path in imports(PAGES / "static" / name)}:
            missing += [
                f"{template.name}: {key} of {script.name}"
                for key in used_in(script)
                if not key.startswith((*SCRIPT_TEXTS, *prefixes))
            ]
    assert missing == []


def test_plural_forms_and_numbers_follow_the_language() -> None:
    assert text("fr", "guest.standing.found", count=0) == "0 photo de vous."
    assert text("en", "guest.standing.found", count=0) == "0 photos of you."
    assert [number(language, 12345.5) for language in ("fr", "en")] == ["12\u202f345,5", "12,345.5"]


def test_the_scripts_stay_small() -> None:
    scripts = [asset for name, asset in assets().items() if name.startswith("js/")]
    assert len(scripts) > 5
    # As browsers get them.
    assert sum(len(asset.packed or asset.data) for asset in scripts) < 70_000
