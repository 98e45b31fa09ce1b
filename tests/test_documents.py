"""The documents: links lead somewhere, files they name exist, and every setting is explained."""

import re
from pathlib import Path

import pytest

from settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)|src=\"([^\"]+)\"")
# Documents of the pages name templates and static files without their folder.
PLACES = (ROOT, ROOT / "pages", ROOT / "pages" / "static", ROOT / "pages" / "templates")
FILE = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|js|json|css|html|sh))`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    targets = {first or second for first, second in LINK.findall(document.read_text())}
    inside = {target for target in targets if "://" not in target}
    assert {target for target in inside if not (document.parent / target).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(document: Path) -> None:
    named = set(FILE.findall(document.read_text()))
    assert {name for name in named if not any((place / name).exists() for place in PLACES)} == set()


def test_every_setting_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text()))
    assert {name.upper() for name in Settings.model_fields} - explained == set()
