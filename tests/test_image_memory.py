"""A decode at the limit of its format leaves a child process of 1 GB room for the engine."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
images.inspect(data, 120_000_000)
images.decode(data)
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
}


@pytest.mark.long
@pytest.mark.parametrize("name", LARGE)
def test_a_decode_at_the_limit_fits_into_a_child(name: str, tmp_path: Path) -> None:
    data = LARGE[name]()
    header = judge.read(data)
    limit = min(MAX_PHOTO, images._affordable(header))
    assert 0.97 * limit < header.pixels <= limit, "the picture is at the limit of its kind"
    path = tmp_path / "large"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < MEGABYTES, done.stdout


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
