"""A decode at the limit of its format leaves a child process of 1 GB room for the engine."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pylibjxl
import pytest
from PIL import Image

import images
from image_headers import exif, judge
from testkit.hostile_images import png_bomb
from testkit.pictures import saved
from testkit.servers import ROOT

MEGABYTES = 1024 - 200
MAX_PHOTO = 120_000_000
DECODE = """
import sys
from pathlib import Path
import images
data = Path(sys.argv[1]).read_bytes()
images.inspect(data, 120_000_000, reduced=220_000_000)
images.decode(data, long_side=int(sys.argv[2]) or None)
# Unlike `ru_maxrss`, this does not count what the parent held.
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")))
"""


def turned() -> Image.Exif:
    block = Image.Exif()
    block[exif.ORIENTATION] = 6
    return block


def flat(megapixels: float, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (10_000, int(megapixels * 100)), 100)


def jxl(megapixels: float) -> bytes:
    data: bytes = pylibjxl.encode(np.asarray(flat(megapixels, "RGBA")), effort=1)
    return data


LARGE: dict[str, Callable[[], bytes]] = {
    "JPEG, turned": lambda: saved(flat(119), "JPEG", exif=turned()),
    "JPEG, progressive": lambda: saved(flat(119), "JPEG", progressive=True),
    "JPEG, progressive 4:4:4": lambda: saved(flat(83), "JPEG", progressive=True, subsampling=0, exif=turned()),
    "JPEG, CMYK": lambda: saved(flat(107, "CMYK"), "JPEG"),
    "PNG with alpha": lambda: png_bomb(9680),
    "GIF": lambda: saved(flat(119, "P"), "GIF"),
    "WebP with alpha": lambda: saved(flat(83, "RGBA"), "WEBP", lossless=True, method=0),
    "AVIF with alpha": lambda: saved(flat(46, "RGBA"), "AVIF", speed=10),
    "HEIC": lambda: saved(flat(49), "HEIF", enc_params={"preset": "ultrafast"}),
    "TIFF in strips": lambda: saved(flat(92), "TIFF", compression="tiff_lzw", strip_size=1_000_000),
    "TIFF in one strip": lambda: saved(flat(62, "CMYK"), "TIFF", compression="tiff_adobe_deflate", strip_size=10**9),
    "JPEG XL with alpha": lambda: jxl(67),
}


@pytest.mark.long
@pytest.mark.parametrize("name", LARGE)
def test_a_decode_at_the_limit_fits_into_a_child(name: str, tmp_path: Path) -> None:
    data = LARGE[name]()
    header = judge.read(data)
    limit = min(MAX_PHOTO, images._affordable(header))
    assert 0.97 * limit < header.pixels <= limit, "the picture is at the limit of its kind"
    assert memory_of(data, tmp_path) < MEGABYTES


def memory_of(data: bytes, folder: Path, long_side: int = 0) -> int:
    """Return the megabytes that a process takes which decodes a picture, at half of its size with `long_side`."""
    path = folder / "large"
    path.write_bytes(data)
    command = [sys.executable, "-c", DECODE, str(path), str(long_side)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.long
@pytest.mark.parametrize("options", [{"exif": True}, {"progressive": True}])
def test_a_jpeg_of_200_megapixels_is_taken_and_decoded_at_half_of_its_size(
    options: dict[str, bool], tmp_path: Path
) -> None:
    chosen = {"exif": turned()} if "exif" in options else options
    data = saved(Image.new("RGB", (16_000, 12_400)), "JPEG", **chosen)
    assert memory_of(data, tmp_path, 8000) < MEGABYTES


def declared(data: bytes, width: int, height: int) -> bytes:
    """Return a JPEG of 800 x 800 px whose header declares another size."""
    size = (800).to_bytes(2, "big") * 2
    assert size in data
    return data.replace(size, height.to_bytes(2, "big") + width.to_bytes(2, "big"), 1)


def test_how_large_a_jpeg_may_be_depends_on_what_must_be_decoded_whole() -> None:
    square = Image.new("RGB", (800, 800))
    baseline, progressive = saved(square, "JPEG"), saved(square, "JPEG", progressive=True, subsampling=0)

    def limit(data: bytes) -> int | None:
        try:
            images.inspect(data, MAX_PHOTO, reduced=220_000_000)
        except images.TooManyPixels as refusal:
            return refusal.limit
        return None

    assert limit(declared(baseline, 16_320, 12_240)) is None
    assert limit(declared(baseline, 20_000, 12_000)) == 220_000_000
    assert limit(declared(progressive, 10_000, 10_000)) is None
    assert 100_000_000 < (limit(declared(progressive, 16_320, 12_240)) or 0) < MAX_PHOTO
    png = saved(Image.new("L", (10, 10)), "PNG")
    vast = png.replace((10).to_bytes(4, "big") * 2, (12_000).to_bytes(4, "big") * 2, 1)
    assert limit(vast) == 93_750_000


def test_what_needs_more_memory_than_a_child_has_is_refused_with_the_limit() -> None:
    data = saved(Image.new("RGB", (8000, 8000)), "JPEG", progressive=True, subsampling=0)
    assert images.inspect(data, MAX_PHOTO).width == 8000
    # The same picture, 12,000 px wide and high by its header.
    size = (8000).to_bytes(2, "big") * 2
    larger = data.replace(size, (12_000).to_bytes(2, "big") * 2, 1)
    with pytest.raises(images.TooManyPixels) as refusal:
        images.inspect(larger, 200_000_000)
    assert 80_000_000 < refusal.value.limit < 90_000_000
    again = pickle.loads(pickle.dumps(refusal.value))  # noqa: S301 - its own bytes
    assert again.limit == refusal.value.limit, "the limit reaches the process that asked a child"
    with pytest.raises(images.TooManyPixels):
        images.decode(larger)
