"""The keys by which names, addresses and codes are compared; what the databases can hold; how long texts may be."""

import unicodedata

MAX_ID = 2**63 - 1

# Limits of texts, in characters. Columns, payloads, form fields and messages all read them here; another limit of a
# column needs a migration.
MAX_EVENT_NAME = 200
MAX_EVENT_CODE = 64
# The title of a section of an event, and how many sections one has.
MAX_SECTION_TITLE = 60
# What a person writes about a photo that they report.
MAX_REPORT = 500
MAX_SECTIONS = 40
# The longest name in the time zone database (2026) has 32.
MAX_TIMEZONE = 64
# Days for which an admin may set an event's expiry again: ten years.
MAX_EXPIRY_DAYS = 3650
MAX_BYSTANDER_DAYS = 365
MAX_USERNAME = 150
# RFC 5321, 4.5.3.1.3: a path has at most 256 with its two brackets.
MAX_EMAIL = 254
# Portraits of one guest, members of a group of guests, and groups of a guest in one event.
MAX_PORTRAITS = 5
# Profiles of children that a guest holds.
MAX_CHILDREN = 10
MAX_TOGETHER = 10
MAX_GROUPS = 20
# Photos that a guest chooses at a time, photos behind one link, links of a guest in one event, and their days.
MAX_CHOSEN = 10_000
MAX_LINK_PHOTOS = 200
MAX_PHOTO_LINKS = 50
LINK_DAYS = 7
MAX_LINK_DAYS = 90
MIN_PASSWORD = 8
MIN_STAFF_PASSWORD = 15
MAX_PASSWORD = 1024
MAX_CONSENT_VERSION = 32
MAX_FILENAME = 255
# Characters of the make or the model of a camera.
MAX_CAMERA = 64
# Seconds by which a camera's clock may be shifted: 40 years, as a clock that was never set starts long ago.
MAX_SHIFT = 40 * 366 * 86_400
# 12 random bytes in base64; a browser and a system.
MAX_SESSION_ID = 16
# The address at which a push service takes messages; the longest known, Microsoft's, has about 600. Devices of one
# guest on which one event tells of new photos.
MAX_ENDPOINT = 2048
MAX_DEVICES = 5
MAX_DEVICE = 64
# 12 random bytes in hexadecimal digits.
LINK_KEY_CHARACTERS = 24
# Of a badge's number: 40 bits in base 32.
BADGE_NUMBER_CHARACTERS = 8
# Seconds between two photos of a badge's series: unless an event says otherwise, at least and at most.
BADGE_SECONDS, MIN_BADGE_SECONDS, MAX_BADGE_SECONDS = 90, 10, 600
# Typed text that is only looked up: more than any stored text has.
MAX_TYPED = 1000
# Comparison keys: NFKC and case folding lengthen some texts.
MAX_CODE_KEY = 128
MAX_USERNAME_KEY = 450
MAX_EMAIL_KEY = 320

# Invisible characters: marks, embeddings, overrides and isolates of the writing direction, which phones put around
# copied text; zero-width space, word joiner, byte-order mark, soft hyphen. Not the joiners U+200C and U+200D, which
# change how Persian, Indian scripts and emoji look.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x61C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)


def visible(value: str) -> str:
    """Return `value` without invisible characters, trimmed."""
    return value.translate(_INVISIBLE).strip()


def comparison_key(value: str) -> str:
    """Return the form in which names, addresses and codes are compared: visible characters, NFKC, case-folded."""
    folded = unicodedata.normalize("NFKC", visible(value)).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def lookup_key(typed: str) -> str | None:
    """Return the comparison key of typed text, or None if no stored text can have that key."""
    key = comparison_key(typed)
    return key if key and storable(key) else None


# What people take for one another in print; and the long vowel mark that a Japanese keyboard writes for a hyphen.
_READ_ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1", "\u30fc": None})


def loose_key(value: str) -> str:
    """Return the form in which codes are compared that were typed inexactly: letters and digits alone.

    Beside the case, width and invisible characters, which `comparison_key` evens out, it ignores spaces, hyphens,
    dashes of every kind and other punctuation, and takes O for 0, I and L for 1, and the digits of other scripts for
    their values. Empty if nothing is left. Never longer than the comparison key.
    """
    kept = (each for each in comparison_key(value).translate(_READ_ALIKE) if each.isalnum())
    return "".join(str(unicodedata.decimal(each, each)) for each in kept)


def storable(value: str) -> bool:
    """Return whether every database accepts `value`: no control characters, no lone surrogates."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)


def row_id(text: str) -> int | None:
    """Return the id of a row that `text` writes in decimal digits; None if it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_ID)):
        return None
    return int(text) if 0 < int(text) <= MAX_ID else None
