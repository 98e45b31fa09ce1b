"""How well and at what cost guests' badges are read: `.venv/bin/python -m bench.badges`.

Prints the figures of docs/privacy.md. Badges are held into real photos (`../shared/photos`) that are enlarged to 12
megapixels, turned by up to 45 degrees, and saved as JPEG. Each is decoded as the photo's job decodes it, with the
local engine's size, and searched for its badge. `--rounds` badges for each size of a module, tilt and blur. The cost
is processor time of the decoder's task for a photo, in turns with and without the search.
"""

import argparse
import json
import random
import statistics
import sys
import time
from itertools import product
from pathlib import Path

import cv2
import numpy as np

import images
import storage
from decoding.badges import codes_in
from decoding.decoder import InThisProcess, StoredPhoto
from faces.engine import BgrImage
from faces.fake import FakeEngine
from faces.local import PHOTO_LONG_SIDE
from photos.badges.codes import code_of, new_number
from settings import get_settings
from testkit.badge_pictures import held_into
from testkit.servers import temporary_folder

WIDTH, HEIGHT, QUALITY = 4000, 3000, 90
MODULES, TILTS, BLURS = (3, 4, 5, 6, 8, 12), (0, 30, 50), (0.0, 1.5, 3.0)
TURNED = 45
PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos" / "event" / "photos"
COSTS = 30


def photos(folder: Path) -> list[BgrImage]:
    """Return some real photos, enlarged to 12 megapixels.

    Raises:
        SystemExit: the folder has none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".jpeg"))[:6]
    if not found:
        sys.exit(f"no photos in {folder}")
    pictures = [cv2.imread(str(path)) for path in found]
    return [np.asarray(cv2.resize(each, (WIDTH, HEIGHT)), np.uint8) for each in pictures if each is not None]


def rate(pictures: list[BgrImage], module: int, tilt: float, blur: float, rounds: int) -> float:
    """Return the share of badges that are read."""
    dice, read = random.Random(module), 0
    for number in range(rounds):
        code = code_of(dice.randrange(1, 9999), new_number())
        turned = dice.uniform(-TURNED, TURNED)
        photo = pictures[number % len(pictures)]
        shown = held_into(photo, code, module=module, turned=turned, tilted=tilt, blur=blur)
        image = images.decode(images.to_jpeg(shown, QUALITY), long_side=max(images.WEB_LONG_SIDE, PHOTO_LONG_SIDE))
        read += codes_in(image) == [code]
    return read / rounds


def costs(picture: BgrImage) -> tuple[float, float]:
    """Return the processor time in ms of a photo's task without and with the search; without a search for faces."""
    decoder = InThisProcess(FakeEngine)
    key = "photos/1/original/bench.jpg"
    storage.put(key, images.to_jpeg(picture, QUALITY))
    renditions = {size: f"photos/1/{size}/bench.jpg" for size in ("thumb", "medium", "web")}
    found: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(COSTS):
        for searched in (False, True):
            began = time.process_time()
            decoder.photo(StoredPhoto(key, renditions, WIDTH, HEIGHT, searched))
            found[searched].append((time.process_time() - began) * 1000)
    return statistics.median(found[False]), statistics.median(found[True])


def main() -> None:
    """Print the rates as a table, and the costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    asked = parser.parse_args()
    pictures = photos(asked.photos)
    print(f"share of badges read, {asked.rounds} each; tilt in degrees, blur in px of 12 megapixels")
    print(f"{'px a module':>12}" + "".join(f"{tilt:>8}°/{blur:<3}" for tilt, blur in product(TILTS, BLURS)))
    for module in MODULES:
        shares = [rate(pictures, module, tilt, blur, asked.rounds) for tilt, blur in product(TILTS, BLURS)]
        print(f"{module:>12}" + "".join(f"{share:>11.0%} " for share in shares), flush=True)
    false = sum(bool(codes_in(each)) for each in pictures)
    with temporary_folder() as folder:
        get_settings().storage_url = f"file://{folder}/storage"
        storage.prepare()
        before, after = costs(pictures[0])
    print(json.dumps({"false": false, "ms_without": round(before, 1), "ms_with": round(after, 1)}))


if __name__ == "__main__":
    main()
