"""Both languages have the same texts, and every text that a page or script uses exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import errors
from api.language import LANGUAGES
from pages.assets import assets
from pages.i18n import FOLDER, catalogue, number, text
from pages.rendering import SCRIPT_TEXTS
from tests.pages.built_keys import FORMS, ends

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
