"""Composes an event of real faces in synthetic scenes with known answers, and scores a matching against them.

From a folder of labelled portraits (`Name_0001.jpg`, 150 px, tightly cropped): each guest has one selfie and six
further pictures spread over the photos; strangers stand among them.
"""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from testkit.sample_pictures import NoPictures
from testkit.servers import ROOT

SHARED = ROOT.parent / "shared" / "photos"
PORTRAIT, FACE_IN_PORTRAIT = 150, 87
SIZE = (2400, 1600)
# Px of a face in a photo.
SMALLEST, LARGEST = 60, 150
PICTURES_EACH = 6


@dataclass(frozen=True, slots=True)
class ComposedEvent:
    """Selfies by guest, photos by name, and the guests that are in each photo."""

    selfies: dict[str, bytes]
    photos: dict[str, bytes]
    truth: dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall of a matching over all pairs of guest and photo."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def score(found: Iterable[tuple[str, str]], truth: dict[str, set[str]]) -> Score:
    """Score pairs of photo and guest; without any match, precision is 1 and recall 0."""
    claimed = set(found)
    there = {(photo, guest) for photo, guests in truth.items() for guest in guests}
    right = len(claimed & there)
    return Score(right / len(claimed) if claimed else 1.0, right / len(there) if there else 1.0)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    target = BytesIO()
    image.save(target, "JPEG", quality=quality)
    return target.getvalue()


def _mask() -> Image.Image:
    mask = Image.new("L", (PORTRAIT, PORTRAIT), 0)
    ImageDraw.Draw(mask).rounded_rectangle((4, 4, 145, 145), 30, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(3))


def _place(dice: random.Random, side: int, taken: list[tuple[int, int, int]]) -> tuple[int, int] | None:
    for _ in range(500):
        x, y = dice.randint(0, SIZE[0] - side), dice.randint(0, SIZE[1] - side)
        if all(x + side < a or a + c < x or y + side < b or b + c < y for a, b, c in taken):
            return x, y
    return None


def _photo(people: list[Path], back: Path, dice: random.Random) -> tuple[bytes, list[Path]]:
    scene = Image.open(back).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    taken, shown, mask = list[tuple[int, int, int]](), [], _mask()
    for person in people:
        side = round(PORTRAIT * dice.uniform(SMALLEST, LARGEST) / FACE_IN_PORTRAIT)
        place = _place(dice, side, taken)
        if place is None:
            continue
        taken.append((*place, side))
        turn = dice.uniform(-12, 12)
        face = Image.open(person).convert("RGB").rotate(turn, Image.Resampling.BICUBIC)
        face = face.resize((side, side), Image.Resampling.LANCZOS)
        scene.paste(face, place, mask.rotate(turn).resize((side, side)))
        shown.append(person)
    return _jpeg(scene, 90), shown


def _selfie(portrait: Path) -> bytes:
    image = Image.open(portrait).convert("RGB").resize((600, 600), Image.Resampling.LANCZOS)
    edge = np.asarray(image)[5, 5]
    return _jpeg(ImageOps.expand(image, PORTRAIT, (int(edge[0]), int(edge[1]), int(edge[2]))), 92)


def _name(portrait: Path) -> str:
    return portrait.stem[:-5]


def compose(guests: int, seed: int = 7, folder: Path = SHARED) -> ComposedEvent:
    """Return an event of that many guests.

    Raises:
        NoPictures: there are no labelled portraits.
    """
    portraits = defaultdict[str, list[Path]](list)
    for path in sorted((folder / "faces").glob("*_[0-9][0-9][0-9][0-9].jpg")):
        portraits[_name(path)].append(path)
    backs = sorted((folder / "backgrounds").glob("*.jpg"))
    many = [name for name, paths in portraits.items() if len(paths) > PICTURES_EACH]
    single = [paths[0] for paths in portraits.values() if len(paths) == 1]
    if not many or not backs:
        raise NoPictures(f"{folder} holds no labelled portraits")
    dice = random.Random(seed)
    dice.shuffle(many)
    dice.shuffle(single)
    chosen, strangers = many[:guests], iter(single)
    pool = [path for name in chosen for path in portraits[name][1 : PICTURES_EACH + 1]]
    dice.shuffle(pool)
    photos, truth = dict[str, bytes](), dict[str, set[str]]()
    while pool:
        group, wanted = dict[str, Path](), dice.randint(3, 6)
        for path in pool:
            if len(group) < wanted:
                group.setdefault(_name(path), path)
        pool = [path for path in pool if path not in group.values()]
        people = [*group.values(), *(next(strangers) for _ in range(dice.randint(1, 4)))]
        name = f"p{len(photos):03}.jpg"
        photos[name], shown = _photo(people, backs[len(photos) % len(backs)], dice)
        truth[name] = {_name(path) for path in shown} & set(chosen)
    return ComposedEvent({name: _selfie(portraits[name][0]) for name in chosen}, photos, truth)
