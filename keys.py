"""The keys by which names, addresses and codes are compared, and what the databases can hold."""

import unicodedata

MAX_ID = 2**63 - 1


def comparison_key(value: str) -> str:
    """Return the form in which names, addresses and codes are compared: trimmed, NFKC, case-folded."""
    folded = unicodedata.normalize("NFKC", value).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def lookup_key(typed: str) -> str | None:
    """Return the key of what somebody typed or pasted, or None if nothing can be stored under it."""
    key = comparison_key(typed)
    return key if key and storable(key) else None


def storable(value: str) -> bool:
    """Tell whether every database takes `value`: no control characters, no lone surrogates."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
