"""Prepare an event for load tests on a running server: `python -m bench.load_event --server URL …`.

Faces are real: those of `--faces`, a folder of portraits (`Name_0001.jpg`), one guest per person, without people whom
the engine confuses; by default the eight people of the test packages' pictures. Each guest is in two photos
with five others; further photos show only strangers. Selfies have three megapixels, as a phone's front camera.
"""

import argparse
import os
import random
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx2
import numpy as np

from bench.load_plan import DEFAULT_PLAN, LoadGuest, LoadPlan
from faces.engine import BgrImage
from faces.local import LocalEngine
from testkit.sample_pictures import NoPictures, sample_file
from testkit.servers import BenchError, Server, create_event, wait_until

SELFIE_SIZE, PHOTO_SIZE = (2048, 1536), (2400, 1600)
FACES_PER_PHOTO = 6
PHOTOS_PER_GUEST = 2
STRANGER_PHOTOS = 20
# Well below the service's threshold of 0.40, mirrored or not: no two chosen people look alike to the engine.
MOST_ALIKE = 0.33
PROCESS_SECONDS = 900.0
BATCH = 20


@dataclass(frozen=True, slots=True)
class Person:
    """One person's portrait."""

    portrait: BgrImage


def _portraits(folder: Path | None) -> Iterator[BgrImage]:
    if folder is not None:
        paths = sorted(folder.glob("*_0001.jpg")) or sorted(folder.glob("*.jpg"))
        random.Random(1).shuffle(paths)
        yield from (np.asarray(cv2.imread(str(path)), np.uint8) for path in paths)
        return
    group = np.asarray(cv2.imread(str(sample_file("insightface", "data/images/t1.jpg"))), np.uint8)
    for face in LocalEngine().locate(group):
        x, y, width, height = (round(value) for value in face.box)
        margin = height // 2
        yield group[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
    yield np.asarray(cv2.imread(str(sample_file("insightface", "data/images/Tom_Hanks_54745.png"))), np.uint8)
    yield np.asarray(cv2.imread(str(sample_file("skimage", "data/astronaut.png"))), np.uint8)


def choose_people(folder: Path | None, number: int) -> list[Person]:
    """Return up to `number` people, each alone in the portrait and dissimilar to all others."""
    engine, chosen = LocalEngine(), list[Person]()
    known = np.zeros((2 * number, engine.dimensions), np.float32)
    for portrait in _portraits(folder):
        if len(chosen) == number:
            break
        upright, faces = engine.locate_portrait(portrait)
        if len(faces) != 1:
            continue
        mirrored, reflections = engine.locate_portrait(np.asarray(cv2.flip(portrait, 1), np.uint8))
        if len(reflections) != 1:
            continue
        rows = np.stack([engine.embed(upright, faces)[0], engine.embed(mirrored, reflections)[0]])
        if (known[: 2 * len(chosen)] @ rows.T < MOST_ALIKE).all():
            known[2 * len(chosen) : 2 * len(chosen) + 2] = rows
            chosen.append(Person(portrait))
    return chosen


def _jpeg(canvas: BgrImage, dice: np.random.Generator, quality: int) -> bytes:
    """Encode with sensor noise, so that the file is as large as a camera's."""
    noise = dice.integers(-5, 6, canvas.shape, np.int16)
    picture = np.clip(canvas.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def _canvas(size: tuple[int, int]) -> BgrImage:
    shade = np.linspace(90, 170, size[0], dtype=np.uint8)
    return np.ascontiguousarray(np.broadcast_to(shade[None, :, None], (size[1], size[0], 3)))


def _paste(canvas: BgrImage, portrait: BgrImage, left: int, top: int, side: int) -> None:
    scale = side / max(portrait.shape[:2])
    picture = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture


def selfie_of(person: Person, dice: np.random.Generator) -> bytes:
    """Return a selfie of 2048 x 1536 px: the face is half as high as the picture."""
    canvas = _canvas(SELFIE_SIZE)
    _paste(canvas, person.portrait, 424, 168, 1200)
    return _jpeg(canvas, dice, 85)


def photo_of(people: list[Person], dice: np.random.Generator) -> bytes:
    """Return a photo of 2400 x 1600 px with up to six people, mirrored and in other light."""
    canvas = _canvas(PHOTO_SIZE)
    for place, person in enumerate(people):
        light = float(dice.uniform(0.85, 1.1))
        portrait = cv2.convertScaleAbs(cv2.flip(person.portrait, 1), alpha=light)
        _paste(canvas, np.asarray(portrait, np.uint8), 60 + place % 3 * 780, 60 + place // 3 * 760, 600)
    return _jpeg(canvas, dice, 88)


def draw(folder: Path, people: list[Person], guests: int) -> tuple[list[LoadGuest], list[Path], list[Path]]:
    """Write all pictures; return the guests, the event's photos, and the photos of strangers."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(1)
    shown: list[list[str]] = [[] for _ in range(guests)]
    photos: list[Path] = []
    for _ in range(PHOTOS_PER_GUEST):
        order = [int(each) for each in dice.permutation(guests)]
        for start in range(0, guests, FACES_PER_PHOTO):
            group = order[start : start + FACES_PER_PHOTO]
            path = folder / f"photo{len(photos):04}.jpg"
            path.write_bytes(photo_of([people[each] for each in group], dice))
            photos.append(path)
            for each in group:
                shown[each].append(path.name)
    strangers, more = people[guests:], list[Path]()
    for number in range(STRANGER_PHOTOS if strangers else 0):
        group_of = [strangers[(number * FACES_PER_PHOTO + each) % len(strangers)] for each in range(FACES_PER_PHOTO)]
        more.append(folder / f"strangers{number:02}.jpg")
        more[-1].write_bytes(photo_of(group_of[: len(strangers)], dice))
    found = []
    for number in range(guests):
        path = folder / f"selfie{number:04}.jpg"
        path.write_bytes(selfie_of(people[number], dice))
        found.append(LoadGuest(str(path.resolve()), sorted(shown[number])))
    return found, photos, more


def prepare(server: Server, plan_file: Path, *, faces: Path | None, guests: int) -> LoadPlan:
    """Make the pictures and the event, wait until its photos are processed, and write the plan.

    Raises:
        BenchError: a call failed. NoPictures: there are no faces.
    """
    people = choose_people(faces, guests + FACES_PER_PHOTO * STRANGER_PHOTOS // 2)
    # At least a quarter of the people are strangers.
    guests = min(guests, len(people) * 3 // 4)
    if guests < 1:
        raise NoPictures(f"{faces} holds no portraits with one face each")
    print(f"{guests} guests and {len(people) - guests} strangers; drawing their pictures", flush=True)
    found, photos, more = draw(plan_file.parent / "pictures", people, guests)
    name, password = f"load-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    event = create_event(server, name, password, name="Load test")
    for start in range(0, len(photos), BATCH):
        event.photographer.upload(event.id, photos[start : start + BATCH])
        print(f"  {min(start + BATCH, len(photos))} of {len(photos)} photos sent", flush=True)

    def processed() -> bool:
        listed = event.photographer.call("GET", f"/api/photographer/events/{event.id}/photos")
        return all(photo["processing_status"] == "done" for photo in listed)

    wait_until(processed, PROCESS_SECONDS, "the photos to be processed")
    plan = LoadPlan(
        server.url,
        event.id,
        event.code,
        name,
        password,
        found,
        [str(each.resolve()) for each in more],
    )
    plan.write(plan_file)
    return plan


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--server", default="http://localhost:8000")
    parser.add_argument("--admin", default=os.environ.get("ADMIN_USERNAME", "admin"))
    parser.add_argument("--password", default=os.environ.get("ADMIN_PASSWORD", ""), help="or ADMIN_PASSWORD")
    parser.add_argument("--faces", type=Path, help="a folder of portraits, one person each")
    parser.add_argument("--guests", type=int, default=400)
    parser.add_argument("--out", type=Path, default=DEFAULT_PLAN)
    given = parser.parse_args(arguments)
    server = Server(given.server.rstrip("/"), given.admin, given.password, 0)
    try:
        plan = prepare(server, given.out, faces=given.faces, guests=given.guests)
    except (BenchError, NoPictures) as problem:
        print(f"No event was prepared: {problem}", file=sys.stderr)
        return 1
    except httpx2.TransportError as problem:
        print(f"No event was prepared: {given.server} does not answer: {problem}", file=sys.stderr)
        return 1
    print(f"Event {plan.event_code} with {len(plan.guests)} guests: {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
