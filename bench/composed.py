"""Composes an event of real faces in synthetic scenes with known answers, and scores a matching against them.

From a folder of labelled portraits (`Name_0001.jpg`, 150 px, tightly cropped): each guest has one selfie and six
further pictures spread over the photos; strangers stand among them.

`python -m bench.composed --out DIR` writes such an event as the folder that `make evaluate` reads.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from testkit.sample_pictures import NoPictures, Pictures, read_folders
from testkit.servers import ROOT

SHARED = ROOT.parent / "shared" / "photos"
PORTRAIT, FACE_IN_PORTRAIT = 150, 87
SIZE = (2400, 1600)
# Px of a face in a photo.
SMALLEST, LARGEST = 60, 150
PICTURES_EACH = 6
GUESTS, SEED = 60, 7


@dataclass(frozen=True, slots=True)
class ComposedEvent:
    """Selfies by guest, photos by name, and the guests that are in each photo."""

    selfies: dict[str, bytes]
    photos: dict[str, bytes]
    truth: dict[str, set[str]]


def _jpeg(image: Image.Image, quality: int) -> bytes:
    target = BytesIO()
    image.save(target, "JPEG", quality=quality)
    return target.getvalue()


def soft_mask() -> Image.Image:
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
    taken, shown, mask = list[tuple[int, int, int]](), [], soft_mask()
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


def selfie(portrait: Path) -> bytes:
    image = Image.open(portrait).convert("RGB").resize((600, 600), Image.Resampling.LANCZOS)
    edge = np.asarray(image)[5, 5]
    return _jpeg(ImageOps.expand(image, PORTRAIT, (int(edge[0]), int(edge[1]), int(edge[2]))), 92)


def name_of(portrait: Path) -> str:
    return portrait.stem[:-5]


def portraits_and_backgrounds(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the labelled portraits of `folder` by the person's name, and the backgrounds.

    Raises:
        NoPictures: there are none.
    """
    portraits = defaultdict[str, list[Path]](list)
    for path in sorted((folder / "faces").glob("*_[0-9][0-9][0-9][0-9].jpg")):
        portraits[name_of(path)].append(path)
    backs = sorted((folder / "backgrounds").glob("*.jpg"))
    if not portraits or not backs:
        raise NoPictures(f"{folder} holds no labelled portraits")
    return portraits, backs


def compose(guests: int, seed: int = SEED, folder: Path = SHARED) -> ComposedEvent:
    """Return an event of that many guests.

    Raises:
        NoPictures: there are no labelled portraits.
    """
    portraits, backs = portraits_and_backgrounds(folder)
    many = [name for name, paths in portraits.items() if len(paths) > PICTURES_EACH]
    single = [paths[0] for paths in portraits.values() if len(paths) == 1]
    if not many:
        raise NoPictures(f"{folder} holds too few portraits of each person")
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
                group.setdefault(name_of(path), path)
        pool = [path for path in pool if path not in group.values()]
        people = [*group.values(), *(next(strangers) for _ in range(dice.randint(1, 4)))]
        name = f"p{len(photos):03}.jpg"
        photos[name], shown = _photo(people, backs[len(photos) % len(backs)], dice)
        truth[name] = {name_of(path) for path in shown} & set(chosen)
    return ComposedEvent({name: selfie(portraits[name][0]) for name in chosen}, photos, truth)


def write(event: ComposedEvent, folder: Path) -> Pictures:
    """Write the event's pictures and `truth.json` into a new or empty folder; return the files."""
    files = {f"selfies/{name}.jpg": data for name, data in event.selfies.items()}
    files |= {f"photos/{name}": data for name, data in event.photos.items()}
    files["truth.json"] = json.dumps(
        {"guests_in_photos": {name: sorted(who) for name, who in event.truth.items()}}
    ).encode()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return read_folders(folder / "photos", folder / "selfies")


def main() -> int:
    """Return the exit status: 1 if there are no labelled portraits, or the folder is in use."""
    parser = argparse.ArgumentParser(prog="python -m bench.composed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet or is empty")
    parser.add_argument("--guests", type=int, default=GUESTS, help="at most; fewer if there are not enough portraits")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    if asked.guests < 1:
        parser.error("--guests must be 1 or more")
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        print(f"{asked.out} is not an empty folder", file=sys.stderr)
        return 1
    try:
        pictures = write(compose(asked.guests, asked.seed), asked.out)
    except NoPictures as problem:
        print(problem, file=sys.stderr)
        return 1
    appearances = sum(map(len, (pictures.truth or {}).values()))
    print(f"{len(pictures.portraits)} guests, {len(pictures.photos)} photos, {appearances} appearances: {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
