"""Both languages have the same texts, and every text that a page or script uses exists."""

import json
import re
from pathlib import Path

import pytest

from pages.assets import assets
from pages.failures import BY_NAME, BY_STATUS
from pages.i18n import FOLDER, catalogue, number, text
from pages.rendering import SCRIPT_TEXTS

PAGES = FOLDER.parent
FILES = sorted(path.name for path in (FOLDER / "fr").glob("*.json"))
USED = re.compile(r"""\b(?:t|text)\(\s*(?:language,\s*)?["']([a-z_]+\.[\w.]+)["'](?!\s*~)""")
BEGUN = re.compile(r"""\bt\(\s*["']([a-z_]+\.[\w.]*\.)["']\s*~""")


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


def test_every_text_asked_for_exists() -> None:
    known = catalogue("fr")
    sources = [path for pattern in ("*.py", "templates/**/*.html", "static/js/*.js") for path in PAGES.glob(pattern)]
    missing = {f"{path.name}: {key}" for path in sources for key in used_in(path) - known.keys()}
    begun = {key for path in sources for key in BEGUN.findall(path.read_text())}
    assert missing | {key for key in begun if not any(name.startswith(key) for name in known)} == set()


@pytest.mark.parametrize("kind", sorted({*BY_NAME.values(), *BY_STATUS.values(), "broken", "invalid"}))
def test_every_failure_has_its_words(kind: str) -> None:
    assert {f"common.failure.{kind}.title", f"common.failure.{kind}.text"} <= catalogue("fr").keys()


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
    assert sum(len(asset.data) for asset in scripts) < 60_000
