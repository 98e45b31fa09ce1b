"""The keys by which names, addresses and codes are compared, and what the databases can hold."""

import unicodedata

MAX_ID = 2**63 - 1


def comparison_key(value: str) -> str:
    """Return the form in which names, addresses and codes are compared: trimmed, NFKC, case-folded."""
    folded = unicodedata.normalize("NFKC", value).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def storable(value: str) -> bool:
    """Tell whether every database takes `value`: no control characters, no lone surrogates."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
