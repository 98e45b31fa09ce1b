"""Reads a folder of selfies, photos and `truth.json`.

`selfies/` has for each guest a picture `NAME.jpg`, or a folder `NAME/` of pictures of that person. `truth.json` is
`{"guests_in_photos": {"p001.jpg": ["NAME", …], …}}`: which guests each photo shows. A photo that shows none has an
empty list. Further keys are ignored.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testkit.sample_pictures import NoPictures, read_folders

TRUTH, KEY = "truth.json", "guests_in_photos"
# Names listed in a sentence.
A_FEW = 5


class BadFolder(Exception):
    """The folder cannot be evaluated; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Portraits by guest, the photos whose answer is known, and the guests in each; `unknown` have no answer."""

    portraits: dict[str, list[Path]]
    photos: list[Path]
    truth: dict[str, set[str]]
    unknown: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> KnownEvent:
    """Return what the folder holds.

    Raises:
        BadFolder: something is missing, or the truth has another form or names what is not there.
    """
    if not folder.is_dir():
        raise BadFolder(f"There is no folder {folder}.")
    truth = _truth(folder / TRUTH)
    try:
        # The truth is read above, with words for each defect.
        pictures = read_folders(folder / "photos", folder / "selfies", truth=truth)
    except NoPictures as error:
        raise BadFolder(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    named = {path.name for path in pictures.photos}
    _all_there(truth.keys() - named, "photos that are not in photos/")
    guests = {name for shown in truth.values() for name in shown}
    _all_there(guests - pictures.portraits.keys(), "guests without a picture in selfies/")
    return KnownEvent(
        pictures.portraits,
        [path for path in pictures.photos if path.name in truth],
        truth,
        sorted(named - truth.keys()),
    )


def _truth(path: Path) -> dict[str, set[str]]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadFolder(f"There is no {TRUTH} in {path.parent}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadFolder(f"{path} cannot be read as JSON: {error}.") from error
    shown = found.get(KEY) if isinstance(found, dict) else None
    if not isinstance(shown, dict):
        raise BadFolder(f'{path} has no object "{KEY}".')
    for photo, names in shown.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BadFolder(f"{path} has no list of names for {photo}.")
    if not shown:
        raise BadFolder(f"{path} names no photo.")
    return {photo: set(names) for photo, names in shown.items()}


def _all_there(missing: set[str], what: str) -> None:
    if missing:
        few = ", ".join(sorted(missing)[:A_FEW])
        more = f" and {len(missing) - A_FEW} more" if len(missing) > A_FEW else ""
        raise BadFolder(f"{TRUTH} names {what}: {few}{more}.")
