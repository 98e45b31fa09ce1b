"""The texts of the pages in French and English: one JSON file per language and audience, `texts/fr/guest.json`."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("texts")
Sentence = str | dict[str, str]
# French writes these with a space at which no line may end; the files have an ordinary one, which is easier to type.
_FRENCH_SPACES = re.compile(r" (?=[:;?!»])|(?<=«) ")
# The thousands separator and the decimal separator.
SEPARATORS = {"fr": ("\u202f", ","), "en": (",", ".")}


@lru_cache
def catalogue(language: str) -> Mapping[str, Sentence]:
    """Return every text of a language by its key: the name of the file, a dot, and the key in the file."""
    return {
        f"{path.stem}.{key}": _spaced(language, sentence)
        for path in sorted((FOLDER / language).glob("*.json"))
        for key, sentence in json.loads(path.read_text()).items()
    }


def _spaced(language: str, sentence: Sentence) -> Sentence:
    """Return a text with the spaces of French punctuation made such that no line ends there."""
    if language != "fr":
        return sentence
    if isinstance(sentence, dict):
        return {form: _FRENCH_SPACES.sub("\u00a0", each) for form, each in sentence.items()}
    return _FRENCH_SPACES.sub("\u00a0", sentence)


def text(language: str, key: str, **values: Any) -> str:
    """Return a text with its `{placeholders}` filled in; `count` selects the plural form.

    Raises:
        KeyError: there is no such text, or a placeholder has no value.
    """
    sentence = catalogue(language)[key]
    if isinstance(sentence, dict):
        sentence = sentence[plural(language, values["count"])]
    shown = {
        name: number(language, value) if isinstance(value, int | float) else value for name, value in values.items()
    }
    return sentence.format_map(shown)


def plural(language: str, count: float) -> str:
    """Return the CLDR plural category, `one` or `other`, of a whole number below a million."""
    return "one" if count == 1 or (language == "fr" and 0 <= count < 2) else "other"


def number(language: str, value: float) -> str:
    """Return a number with the separators of the language."""
    thousands, decimal = SEPARATORS[language]
    return f"{value:,}".translate({ord(","): thousands, ord("."): decimal})


def section(language: str, prefixes: tuple[str, ...]) -> dict[str, Sentence]:
    """Return the texts whose keys begin with one of the prefixes: those that a page's scripts need."""
    return {key: sentence for key, sentence in catalogue(language).items() if key.startswith(prefixes)}
