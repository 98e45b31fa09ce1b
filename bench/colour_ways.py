"""CPU of the renditions of a picture in Display P3: without converting, by tables, by LittleCMS, and by pyvips.

All run in turn in one process, the median of the rounds is printed. pyvips is no package of the service; without it
(`pip install pyvips pyvips-binary`) that column is left out.
"""

import importlib
import io
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from PIL import Image

import images
from bench.ingest import twelve_megapixel_photo
from colours.conversion import LittleCms, Tables
from colours.spaces import coded
from testkit.colour_profiles import made
from testkit.pictures import saved

ROUNDS = 9
DISPLAY_P3 = (12, 13)


def _profile() -> bytes:
    space = coded(*DISPLAY_P3)
    assert space is not None
    return made(space)


def _by_vips(vips: Any, data: bytes, options: dict[str, str]) -> None:
    """Make both renditions as pyvips does best: shrunk while it is loaded, then, by `options`, converted."""
    web = vips.Image.thumbnail_buffer(
        data, images.WEB_LONG_SIDE, height=images.WEB_LONG_SIDE, **options
    ).copy_memory()
    web.jpegsave_buffer(Q=images.WEB_QUALITY, keep="none")
    web.thumbnail_image(images.THUMB_LONG_SIDE).jpegsave_buffer(Q=images.THUMB_QUALITY, keep="none")


def ways(plain: bytes, tagged: bytes) -> dict[str, Callable[[], object]]:
    """Return what is measured, by name: of one picture without profile and with."""
    size = images.WEB_LONG_SIDE
    image = images.decode(plain, long_side=size)
    space = coded(*DISPLAY_P3)
    assert space is not None
    tables, little = Tables(space), LittleCms(_profile())
    found: dict[str, Callable[[], object]] = {
        "renditions, not converted": lambda: images.renditions(images.decode(plain, long_side=size)),
        "renditions, converted": lambda: images.renditions(images.decode(tagged, long_side=size)),
        "tables alone": lambda: tables(image.copy()),
        "LittleCMS alone": lambda: little(image.copy()),
    }
    try:
        vips = importlib.import_module("pyvips")
    except ImportError:
        return found
    vips.cache_set_max(0)
    return {
        **found,
        "pyvips, not converted": lambda: _by_vips(vips, plain, {}),
        "pyvips, converted": lambda: _by_vips(vips, tagged, {"export_profile": "srgb", "intent": "relative"}),
    }


def main() -> None:
    """Measure a JPEG, a PNG and a WebP of 12 megapixels."""
    picture = Image.open(io.BytesIO(twelve_megapixel_photo()))
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 90},
        "PNG": {"compress_level": 1},
        "WEBP": {"method": 0},
    }
    for kind, how in options.items():
        files = saved(picture, kind, **how), saved(picture, kind, icc_profile=_profile(), **how)
        taken: dict[str, list[float]] = defaultdict(list)
        for _ in range(ROUNDS):
            for name, way in ways(*files).items():
                began = time.process_time()
                way()
                taken[name].append(time.process_time() - began)
        for name, seconds in taken.items():
            print(f"{kind:5} {name:28}{1000 * statistics.median(seconds):8.1f} ms")


if __name__ == "__main__":
    main()
