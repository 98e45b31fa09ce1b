"""The wordings that guests have agreed to or may agree to, by version, language and digest.

A wording is a file in `consent_texts/`, named by its version, its language and, where the text says who compares the
faces, the provider. It is never edited: new words are new files with a new version. A consent refers to its wording
by the SHA-256 of the file (`docs/decisions/0031-consent-in-force.md`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import errors
from models import utcnow
from settings import get_settings

FOLDER = Path(__file__).with_name("consent_texts")
LANGUAGES = ("fr", "en")
# The version that the pages show. A new text gets a new version: the month in which it was written.
CURRENT = "2026-11.2"
# Each version, and when another one replaced it.
REPLACED: dict[str, datetime | None] = {"2026-11": datetime(2026, 11, 26, tzinfo=UTC), CURRENT: None}
# What guardians agree to for a child. It is no consent for oneself, nor is one for oneself any for a child.
GUARDIAN = "guardian-2026-11"
REPLACED_OF_GUARDIANS: dict[str, datetime | None] = {GUARDIAN: None}
# So long after its replacement a version is accepted: other front ends need time for new words.
ACCEPTED_FOR = timedelta(days=365)
AZURE = "azure"


@dataclass(frozen=True, slots=True)
class Wording:
    """A text that guests agree to; `provider` is `azure` if the text says that Microsoft compares the faces."""

    version: str
    language: str
    provider: str
    text: str
    sha256: str

    @property
    def paragraphs(self) -> list[list[str]]:
        """The paragraphs of the text, each as its lines: what is agreed to, then titles with their details."""
        return [each.splitlines() for each in self.text.strip().split("\n\n")]


@lru_cache
def all_wordings() -> tuple[Wording, ...]:
    """Return every wording there is, the oldest version first."""
    return tuple(
        _read(path, version, language, provider)
        for version in (*REPLACED, *REPLACED_OF_GUARDIANS)
        for language in LANGUAGES
        for provider in ("", AZURE)
        if (path := FOLDER / ".".join(filter(None, (version, language, provider, "txt")))).exists()
    )


def _read(path: Path, version: str, language: str, provider: str) -> Wording:
    data = path.read_bytes()
    return Wording(version, language, provider, data.decode(), hashlib.sha256(data).hexdigest())


def wordings_of(version: str, language: str) -> list[Wording]:
    """Return the wordings of a version in a language: one for each provider that the text names."""
    return [each for each in all_wordings() if (each.version, each.language) == (version, language)]


def shown(language: str, version: str = CURRENT) -> Wording:
    """Return the wording that this installation shows: the one that names its provider, where there is one.

    Raises:
        UnknownConsentVersion: there is no such version.
    """
    of_azure = get_settings().face_recognizer_provider == AZURE
    found = {each.provider: each for each in wordings_of(version, language)}
    wording = found.get(AZURE if of_azure else "") or found.get("")
    if wording is None:
        raise errors.UnknownConsentVersion
    return wording


def accepted(version: str, language: str) -> Wording:
    """Return the wording that a client says its guest has agreed to, in this language.

    Raises:
        UnknownConsentVersion: there is no such version, or it was replaced more than a year ago.
    """
    return _accepted(version, language, REPLACED)


def accepted_for_child(version: str, language: str) -> Wording:
    """Return the wording that a guardian has agreed to for a child, in this language.

    Raises:
        UnknownConsentVersion: there is no such version for guardians, or it was replaced more than a year ago.
    """
    return _accepted(version, language, REPLACED_OF_GUARDIANS)


def _accepted(version: str, language: str, versions: Mapping[str, datetime | None]) -> Wording:
    if version not in versions:
        raise errors.UnknownConsentVersion
    wording = shown(language, version)
    replaced = versions[version]
    if replaced is not None and utcnow() > replaced + ACCEPTED_FOR:
        raise errors.UnknownConsentVersion
    return wording
