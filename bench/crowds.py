"""Composes large crowds of real faces with known answers, and measures which are found and matched, by their size.

`python -m bench.crowds` shows a table over 20 crowds of 24 megapixels with 60 faces of 24 to 200 px each; `--out DIR`
writes them as a folder that `make evaluate` reads. Each crowd is an event of its own, at the service's thresholds.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from bench.composed import FACE_IN_PORTRAIT, PORTRAIT, SHARED, portraits_and_backgrounds, selfie, soft_mask
from bench.matched import matched_faces
from decoding.portraits import embedding_of
from decoding.tasks import faces_in, reduced
from faces.engine import DetectedFace
from faces.local import LocalEngine
from images import WEB_LONG_SIDE
from testkit.sample_pictures import NoPictures

CROWDS, SEED = 20, 12
WIDTH, HEIGHT = 6000, 4000
# Px of a face, and how many of each size stand in a crowd: the last of each are strangers.
SIZES = (24, 32, 40, 48, 54, 72, 96, 132, 200)
OF_EACH, STRANGERS = 7, 1
QUALITY = 88


@dataclass(frozen=True, slots=True)
class Person:
    """Where a person's face is in a crowd, and how large, in px; `selfie` is None of a stranger."""

    name: str
    size: int
    middle: tuple[float, float]
    selfie: bytes | None


@dataclass(frozen=True, slots=True)
class Crowd:
    """A photo, and who is in it."""

    photo: bytes
    people: list[Person]


@dataclass(slots=True)
class Row:
    """The counts of one size of face; `wrong` counts faces matched with another guest."""

    faces: int = 0
    found: int = 0
    twice: int = 0
    guests: int = 0
    matched: int = 0
    wrong: int = 0


@dataclass(slots=True)
class Table:
    """The counts by size, and what was taken for a face but is none, and how many of these were matched."""

    rows: dict[int, Row] = field(default_factory=lambda: defaultdict(Row))
    no_faces: int = 0
    wrong: int = 0


def _scene(back: Path, dice: random.Random) -> Image.Image:
    """Return a background of the crowd's size, with sensor noise."""
    scene = Image.open(back).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(dice.randrange(2**32)).integers(-6, 7, (HEIGHT, WIDTH, 3), np.int16)
    return Image.fromarray((np.asarray(scene).astype(np.int16) + noise).clip(0, 255).astype(np.uint8))


def _place(dice: random.Random, side: int, taken: list[tuple[int, int, int]]) -> tuple[int, int]:
    while True:
        x, y = dice.randint(0, WIDTH - side), dice.randint(0, HEIGHT - side)
        if all(x + side < a or a + c < x or y + side < b or b + c < y for a, b, c in taken):
            return x, y


def crowd(number: int, seed: int = SEED, folder: Path = SHARED) -> Crowd:
    """Return one crowd; each `number` has other people in other places.

    Raises:
        NoPictures: there are no labelled portraits.
    """
    portraits, backs = portraits_and_backgrounds(folder)
    dice = random.Random(f"{seed} {number}")
    guests = dice.sample([name for name, paths in portraits.items() if len(paths) > 1], len(SIZES) * OF_EACH)
    strangers = dice.sample([name for name, paths in portraits.items() if len(paths) == 1], len(SIZES) * OF_EACH)
    scene, taken, people = _scene(backs[number % len(backs)], dice), list[tuple[int, int, int]](), list[Person]()
    for size in reversed(SIZES):
        for place in range(OF_EACH):
            is_guest = place < OF_EACH - STRANGERS
            name = guests.pop() if is_guest else strangers.pop()
            side = round(PORTRAIT * size / FACE_IN_PORTRAIT)
            x, y = _place(dice, side, taken)
            taken.append((x, y, side))
            _paste(scene, portraits[name][-1], (x, y, side), dice)
            sent = selfie(portraits[name][0]) if is_guest else None
            people.append(Person(name, size, (x + side / 2, y + side / 2), sent))
    target = BytesIO()
    scene.save(target, "JPEG", quality=QUALITY)
    return Crowd(target.getvalue(), people)


def _paste(scene: Image.Image, portrait: Path, place: tuple[int, int, int], dice: random.Random) -> None:
    x, y, side = place
    turn = dice.uniform(-12, 12)
    face = Image.open(portrait).convert("RGB").rotate(turn, Image.Resampling.BICUBIC)
    face = ImageEnhance.Brightness(face).enhance(dice.uniform(0.7, 1.15))
    face = face.resize((side, side), Image.Resampling.LANCZOS)
    scene.paste(face, (x, y), soft_mask().rotate(turn).resize((side, side)))


def _nearest(people: list[Person], face: DetectedFace) -> int | None:
    """Return the index of the person whose face this is; None if no person of the crowd has it."""
    x, y = face.box[0] + face.box[2] / 2, face.box[1] + face.box[3] / 2
    for place, person in enumerate(people):
        if max(abs(person.middle[0] - x), abs(person.middle[1] - y)) < 0.4 * person.size:
            # A part of a face is none.
            return place if 0.6 < max(face.box[2:]) / person.size < 2.0 else None
    return None


def count(table: Table, seen: Crowd, engine: LocalEngine) -> None:
    """Add what the engine and the matching make of a crowd."""
    image = reduced(lambda: engine, seen.photo, WEB_LONG_SIDE)
    faces = faces_in(lambda: engine, image, seen.photo, WIDTH)
    owners = [_nearest(seen.people, face) for face in faces]
    guests = [place for place, person in enumerate(seen.people) if person.selfie is not None]
    rows = [embedding_of(seen.people[place].selfie or b"", engine, strict=False) for place in guests]
    matches = matched_faces([face.embedding for face in faces], rows)
    for place, person in enumerate(seen.people):
        row, times = table.rows[person.size], owners.count(place)
        row.faces += 1
        row.found += times > 0
        row.twice += max(0, times - 1)
        row.guests += person.selfie is not None
    table.no_faces += owners.count(None)
    for face, number in matches:
        owner = owners[face]
        if owner is None:
            table.wrong += 1
        elif owner == guests[number]:
            table.rows[seen.people[owner].size].matched += 1
        else:
            table.rows[seen.people[owner].size].wrong += 1


def show(table: Table) -> None:
    """Print the counts."""
    print(f"{'px':>5}{'faces':>8}{'found':>8}{'twice':>8}{'guests':>8}{'matched':>9}{'wrong':>7}")
    for size, row in sorted(table.rows.items()):
        print(f"{size:5}{row.faces:8}{row.found:8}{row.twice:8}{row.guests:8}{row.matched:9}{row.wrong:7}")
    print(f"taken for a face: {table.no_faces}; of these matched with a guest: {table.wrong}")


def write(crowds: list[Crowd], folder: Path) -> None:
    """Write the crowds as an event of one folder, as `make evaluate` reads it."""
    truth = dict[str, list[str]]()
    for part in ("photos", "selfies"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(crowds):
        (folder / "photos" / f"crowd{number:02}.jpg").write_bytes(each.photo)
        truth[f"crowd{number:02}.jpg"] = sorted(person.name for person in each.people if person.selfie)
        for person in each.people:
            if person.selfie:
                (folder / "selfies" / f"{person.name}.jpg").write_bytes(person.selfie)
    (folder / "truth.json").write_text(json.dumps({"guests_in_photos": truth}))


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 1 if there are no labelled portraits."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--crowds", type=int, default=CROWDS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, help="write the crowds there instead")
    asked = parser.parse_args(arguments)
    try:
        if asked.out is not None:
            write([crowd(number, asked.seed) for number in range(asked.crowds)], asked.out)
            return 0
        table, engine = Table(), LocalEngine()
        for number in range(asked.crowds):
            count(table, crowd(number, asked.seed), engine)
    except NoPictures as problem:
        print(problem, file=sys.stderr)
        return 1
    show(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
