"""File names of downloads: the names that cameras gave, safe on every file system, with the ending of the content."""

import unicodedata
from collections.abc import Sequence

# Bytes of UTF-8: file systems allow 255, which leaves room for " (12345)" and the extension.
MAX_NAME = 200
FORBIDDEN = frozenset('<>:"/\\|?*')
# File names that Windows reserves for devices, whatever the extension.
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(1, 10))}
# Endings in use for the content that the first one names. What is in no row has one ending.
SAME = (
    (".jpg", ".jpeg", ".jpe", ".jfif"),
    (".heic", ".heif", ".hif"),
    (".tif", ".tiff"),
)
# Endings of pictures, which are replaced where they do not fit. Any other may be a part of the name: "Mme. Dupont".
PICTURES = frozenset(
    {ending for row in SAME for ending in row}
    | {".png", ".apng", ".webp", ".gif", ".avif", ".avifs", ".heics", ".jxl", ".jp2", ".bmp", ".mpo", ".svg"}
    | {".raw", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".srw", ".raf", ".orf"}
    | {".rw2", ".pef", ".rwl", ".3fr", ".iiq", ".x3f"}
)


def fitting(name: str, stored: str) -> str:
    """Return a name with the ending of the stored file, whose own ending follows from its content.

    An ending that names the same content stays as it is written (`.JPG`, `.jpeg`). That of another kind of picture is
    replaced, and to anything else the ending is added.
    """
    stem, ending = parts(name, stored)
    return f"{stem or 'photo'}{ending}"


def parts(name: str, stored: str) -> tuple[str, str]:
    """Return what is before the ending, and the ending with its dot; see `fitting`."""
    wanted = f".{stored.rpartition('.')[2]}".lower()
    stem, dot, last = name.rpartition(".")
    ending = f"{dot}{last}"
    if ending.lower() in _same(wanted):
        return stem, ending
    return (stem, wanted) if ending.lower() in PICTURES else (name, wanted)


def _same(ending: str) -> Sequence[str]:
    return next((row for row in SAME if ending in row), (ending,))


def unique(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return one file name for each (original name, stored name): readable, unique, safe on every file system.

    Names that differ only in case count as equal, as on Windows and macOS.
    """
    taken: set[str] = set()
    # The last number used for each name: a camera may give every photo the same name.
    numbers: dict[str, int] = {}
    result = []
    for own, stored in names:
        stem, ending = _safe_parts(own, stored)
        name = plain = stem + ending
        while name.casefold() in taken:
            number = numbers[plain.casefold()] = numbers.get(plain.casefold(), 1) + 1
            name = f"{stem} ({number}){ending}"
        taken.add(name.casefold())
        result.append(name)
    return result


def _safe_parts(own: str, stored: str) -> tuple[str, str]:
    stem, ending = parts(safe(own), stored)
    stem = stem.encode()[:MAX_NAME].decode(errors="ignore").strip(". ")
    if not stem or stem.split(".")[0].strip().lower() in DEVICES:
        stem = f"photo {stem}".strip()
    return stem, ending


def safe(name: str) -> str:
    """Remove characters that a file system forbids, control characters and bidirectional marks."""
    kept = (each for each in unicodedata.normalize("NFC", name) if each not in FORBIDDEN)
    return "".join(each for each in kept if unicodedata.category(each)[0] not in "CZ" or each == " ").strip(". ")
