"""Photos and portraits for a demo: from folders, or made from sample files of installed packages."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from testkit.servers import ROOT

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif"}
SHARED_EVENT = ROOT.parent / "shared" / "photos" / "event"


class NoPictures(Exception):
    """A folder is missing or holds no pictures; the message says which."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Photos, the portraits of each guest in order, and for each photo the guests in it where that is known."""

    photos: list[Path]
    portraits: dict[str, list[Path]]
    truth: dict[str, set[str]] | None

    @property
    def events(self) -> int:
        """The number of events to play: portrait k of each guest is used in event k."""
        return max(len(each) for each in self.portraits.values())


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)


def read_folders(photos: Path, selfies: Path, truth: dict[str, set[str]] | None = None) -> Pictures:
    """Read two folders; each guest is a picture or a folder of pictures in `selfies`.

    Without `truth`, it is read from `truth.json` in or beside the photos, if there is one.

    Raises:
        NoPictures: a folder is missing or empty.
    """
    for folder in (photos, selfies):
        if not folder.is_dir():
            raise NoPictures(f"there is no folder {folder}")
    portraits = {path.stem: [path] for path in _pictures_in(selfies)}
    for folder in sorted(path for path in selfies.iterdir() if path.is_dir()):
        if found := _pictures_in(folder):
            portraits[folder.name] = found
    taken = _pictures_in(photos)
    if not taken or not portraits:
        raise NoPictures(f"{selfies if taken else photos} holds no pictures ({', '.join(sorted(SUFFIXES))})")
    return Pictures(taken, portraits, _truth(photos) if truth is None else truth)


def _truth(photos: Path) -> dict[str, set[str]] | None:
    for path in (photos / "truth.json", photos.parent / "truth.json"):
        if path.is_file():
            shown = json.loads(path.read_text())["guests_in_photos"]
            return {photo: set(names) for photo, names in shown.items()}
    return None


def default_pictures(folder: Path) -> Pictures:
    """Return the pictures of the shared event; where it is missing, those of `sample_event(folder)`."""
    if SHARED_EVENT.is_dir():
        return read_folders(SHARED_EVENT / "photos", SHARED_EVENT / "selfies")
    return sample_event(folder)


def sample_file(package: str, name: str) -> Path:
    """Return the path of a data file of a package, without importing the package.

    Raises:
        NoPictures: the package is not installed.
    """
    found = importlib.util.find_spec(package)
    for place in (found.submodule_search_locations or []) if found else []:
        if (path := Path(place) / name).is_file():
            return path
    raise NoPictures(f"the sample pictures of {package} are not installed; run this through make")


def sample_event(folder: Path) -> Pictures:
    """Write three photos of six people, and selfies of two of them and of two other people; return all."""
    photos, selfies = folder / "photos", folder / "selfies"
    photos.mkdir()
    selfies.mkdir()
    group = np.asarray(cv2.imread(str(sample_file("insightface", "data/images/t1.jpg"))))
    mirrored = cv2.flip(group, 1)
    dim = np.asarray(group * 0.7, np.uint8)
    for name, picture in (("group.jpg", group), ("mirrored.jpg", mirrored), ("dim.jpg", dim)):
        cv2.imwrite(str(photos / name), picture)
    shown = _cut_selfies(group, selfies)
    stranger = sample_file("insightface", "data/images/Tom_Hanks_54745.png")
    (selfies / "stranger.png").write_bytes(stranger.read_bytes())
    astronaut = sample_file("skimage", "data/astronaut.png")
    (selfies / "astronaut.png").write_bytes(astronaut.read_bytes())
    truth = {"guests_in_photos": {path.name: shown for path in _pictures_in(photos)}}
    (folder / "truth.json").write_text(json.dumps(truth))
    return read_folders(photos, selfies)


def _cut_selfies(group: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", selfies: Path) -> list[str]:
    """Save the two faces of the highest quality as selfies; return the names of their files."""
    from faces.local import LocalEngine

    names = []
    for number, face in enumerate(sorted(LocalEngine().locate(group), key=lambda each: -each.quality)[:2], 1):
        x, y, width, height = (round(value) for value in face.box)
        margin = round(0.3 * height)
        cut = group[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
        names.append(f"person{number}")
        cv2.imwrite(str(selfies / f"{names[-1]}.png"), cut)
    return names
