"""How small may a portrait be? The same faces at several sizes and qualities, against what was sent before.

Each portrait is framed as by a phone held at three distances (the face takes 45, 30 and 18 % of the height), with a
sensor's noise, and embedded as the service does. Genuine photos of the same people differ from each other by far
more: the thresholds begin at a cosine of 0.40.
"""

import io
import statistics
import sys

import numpy as np
from PIL import Image

from bench.report import Measured, Result, run_part
from decoding.portraits import embedding_of
from faces.engine import FaceEngine
from faces.providers import make_engine
from settings import get_settings
from testkit.sample_pictures import sample_file

SOURCES = (
    ("skimage", "data/astronaut.png"),
    ("insightface", "data/images/Tom_Hanks_54745.png"),
    ("insightface", "data/images/t1.jpg"),
)
SHARES = (0.45, 0.3, 0.18)
# Long side in px and quality, as before first.
BEFORE = (1600, 92)
FORMS = ((1280, 85), (960, 80), (800, 80), (640, 80), (640, 70), (480, 80))


def _framed(engine: FaceEngine) -> list[Image.Image]:
    dice, found = np.random.default_rng(1), list[Image.Image]()
    for source in SOURCES:
        image = Image.open(sample_file(*source)).convert("RGB")
        pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
        for face in engine.locate(pixels, long_side=640, scale=1.0):
            x, y, width, height = face.box
            for share in SHARES:
                tall, middle = height / share, (x + width / 2, y + height / 2)
                wide = tall * 0.75
                box = [round(side) for side in (middle[0] - wide / 2, middle[1] - tall / 2)]
                cut = image.crop((box[0], box[1], box[0] + round(wide), box[1] + round(tall))).resize((1200, 1600))
                noisy = np.asarray(cut, np.int16) + dice.integers(-9, 10, (1600, 1200, 3), np.int16)
                found.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    return found


def _jpeg(image: Image.Image, side: int, quality: int) -> bytes:
    scale = side / max(image.size)
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def measure(quick: bool) -> Measured:
    """Return, by form, the bytes and the cosine with the portrait as it was sent before."""
    engine = make_engine(get_settings())
    portraits = _framed(engine)[: 6 if quick else None]
    before = [embedding_of(_jpeg(each, *BEFORE), engine, strict=False) for each in portraits]
    results = []
    for side, quality in FORMS:
        sizes, cosines = list[int](), list[float]()
        for portrait, row in zip(portraits, before, strict=True):
            data = _jpeg(portrait, side, quality)
            sizes.append(len(data))
            cosines.append(float(embedding_of(data, engine, strict=False) @ row))
        note = f"least {min(cosines):.3f}; {statistics.median(sizes) / 1000:.0f} kB, at most {max(sizes) / 1000:.0f}"
        results.append(Result(f"cosine, {side} px at {quality}", statistics.median(cosines), "", note=note))
    return Measured("portrait_size", results)


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
