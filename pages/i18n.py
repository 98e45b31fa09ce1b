"""What the pages say, in French and in English: one JSON file per language and audience, `texts/fr/guest.json`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("texts")
Sentence = str | dict[str, str]
# Between thousands and before the decimal sign, as each language writes numbers.
SEPARATORS = {"fr": ("\u202f", ","), "en": (",", ".")}


@lru_cache
def catalogue(language: str) -> Mapping[str, Sentence]:
    """Return every text of a language by its key: the file's name, a dot, and the key in the file."""
    return {
        f"{path.stem}.{key}": sentence
        for path in sorted((FOLDER / language).glob("*.json"))
        for key, sentence in json.loads(path.read_text()).items()
    }


def text(language: str, key: str, **values: Any) -> str:
    """Return a text with its `{placeholders}` filled in; one with plural forms goes by `count`.

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
    """Return `one` or `other`, as CLDR has it for whole numbers below a million."""
    return "one" if count == 1 or (language == "fr" and 0 <= count < 2) else "other"


def number(language: str, value: float) -> str:
    """Return a number as the language writes it."""
    thousands, decimal = SEPARATORS[language]
    return f"{value:,}".translate({ord(","): thousands, ord("."): decimal})


def section(language: str, prefixes: tuple[str, ...]) -> dict[str, Sentence]:
    """Return the texts whose keys begin so: what a page's scripts say."""
    return {key: sentence for key, sentence in catalogue(language).items() if key.startswith(prefixes)}
