"""The keys by which names, addresses and codes are compared, and what the databases can hold."""

import unicodedata

MAX_ID = 2**63 - 1
# Characters nobody sees: marks, embeddings, overrides and isolates of the writing direction, which phones wrap around
# what is copied from them, zero-width space and word joiner, byte-order mark, soft hyphen. Not the joiners of
# Persian, Indian scripts and emoji, which change what is seen.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x61C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)


def visible(value: str) -> str:
    """Return `value` without the characters nobody sees, trimmed."""
    return value.translate(_INVISIBLE).strip()


def comparison_key(value: str) -> str:
    """Return the form in which names, addresses and codes are compared: what is visible, NFKC, case-folded."""
    folded = unicodedata.normalize("NFKC", visible(value)).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def lookup_key(typed: str) -> str | None:
    """Return the key of what somebody typed or pasted, or None if nothing can be stored under it."""
    key = comparison_key(typed)
    return key if key and storable(key) else None


def storable(value: str) -> bool:
    """Tell whether every database takes `value`: no control characters, no lone surrogates."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
