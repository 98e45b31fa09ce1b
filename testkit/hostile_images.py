"""Hostile image files, made from pictures of every format by a seed: the same seed makes the same files."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from image_headers import exif
from testkit.pictures import person, saved

BOMB_SIDE = 7999
BOMB_SHARE = 0.01
PERCENT = 100


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file, the format of the picture it was made from, and what was done to it."""

    format: str
    kind: str
    data: bytes


def _metadata() -> Image.Exif:
    block = Image.Exif()
    block[exif.ORIENTATION] = 6
    block.get_ifd(exif.SUB_IFD)[0x9003] = "2026:06:20 18:30:05"
    return block


@cache
def seeds() -> dict[str, list[bytes]]:
    """Return whole pictures of every format, in the variants that decoders treat differently."""
    one = person(1)
    one.thumbnail((240, 240))
    other, grey, glass = one.transpose(Image.Transpose.ROTATE_180), one.convert("L"), one.convert("RGBA")
    glass.putalpha(grey)
    turned: dict[str, Any] = {"exif": _metadata()}
    film: dict[str, Any] = {"save_all": True, "append_images": [other], "duration": 100}
    deep = np.asarray(one).astype(np.uint16) * 257
    grid = io.BytesIO()
    one.resize((512, 512)).save(grid, "HEIF", tile_size=256)
    deep_heic = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", one.size, deep.tobytes()).save(deep_heic)
    return {
        "JPEG": [
            saved(one, "JPEG", **turned),
            saved(one, "JPEG", progressive=True, subsampling=0, **turned),
            saved(one.convert("CMYK"), "JPEG"),
            saved(grey, "JPEG", restart_marker_blocks=4),
            saved(one, "MPO", save_all=True, append_images=[other]),
        ],
        "PNG": [
            saved(one, "PNG", **turned),
            saved(glass, "PNG"),
            saved(one.quantize(16), "PNG", transparency=3),
            saved(one, "PNG", **film),
        ],
        "GIF": [saved(one, "GIF"), saved(one, "GIF", **film)],
        "WEBP": [
            saved(one, "WEBP", **turned),
            saved(glass, "WEBP", lossless=True),
            saved(one, "WEBP", **film),
        ],
        "HEIF": [saved(one, "HEIF", **turned), saved(glass, "HEIF"), grid.getvalue(), deep_heic.getvalue()],
        "AVIF": [saved(one, "AVIF", speed=10, **turned), saved(glass, "AVIF", speed=10), saved(one, "AVIF", **film)],
    }


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@cache
def png_bomb(side: int = BOMB_SIDE) -> bytes:
    """Return a PNG of `side` by `side` clear pixels, 4 bytes each, in about 250 kB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side * 4)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@cache
def gif_bomb(side: int = BOMB_SIDE) -> bytes:
    """Return a GIF of one colour."""
    return saved(Image.new("P", (side, side)), "GIF")


@cache
def webp_bomb(side: int = BOMB_SIDE) -> bytes:
    """Return a lossless WebP of one colour."""
    return saved(Image.new("RGB", (side, side)), "WEBP", lossless=True, method=0)


@cache
def jpeg_without_end(side: int = BOMB_SIDE) -> bytes:
    """Return a JPEG of one colour without its end marker."""
    return saved(Image.new("RGB", (side, side), (90, 120, 150)), "JPEG", quality=1)[:-2]


@cache
def many_scans(scans: int, side: int = 64) -> bytes:
    """Return a grey progressive JPEG of `scans` scans: its last one comes again and again."""
    data = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True, quality=50)
    begin = data.rfind(b"\xff\xda")
    tables = data.rfind(b"\xff\xc4", 0, begin)
    if tables >= 0 and tables + 2 + int.from_bytes(data[tables + 2 : tables + 4], "big") == begin:
        begin = tables
    return data[:-2] + data[begin:-2] * (scans - data.count(b"\xff\xda")) + data[-2:]


# The largest selfies that are not JPEGs have 25 megapixels; larger ones are only decoded as photos.
SELFIE_SIDE = 4999
BOMBS: dict[str, list[Callable[[], bytes]]] = {
    "JPEG": [jpeg_without_end, lambda: many_scans(100, 2000), lambda: many_scans(20_000)],
    "PNG": [png_bomb, lambda: png_bomb(SELFIE_SIDE)],
    "GIF": [gif_bomb, lambda: gif_bomb(SELFIE_SIDE)],
    "WEBP": [webp_bomb, lambda: webp_bomb(SELFIE_SIDE)],
}


def _flipped(dice: random.Random, data: bytes, _: str) -> bytes:
    changed = bytearray(data)
    for _number in range(dice.choice((1, 2, 8, 64))):
        # Half of the flips hit the first kB, where the headers are.
        at = dice.randrange(min(len(data), 1024) if dice.random() < 0.5 else len(data))
        changed[at] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _with_odd_bytes(dice: random.Random, data: bytes, _: str) -> bytes:
    changed = bytearray(data)
    for _number in range(dice.choice((1, 4, 16))):
        at = dice.randrange(min(len(data), 1024) if dice.random() < 0.7 else len(data))
        odd = dice.choice((b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
        changed[at : at + len(odd)] = odd
    return bytes(changed)


def _lying(dice: random.Random, data: bytes, kind: str) -> bytes:
    """Replace the size where the header has it: two numbers side by side, as wide as the format writes them."""
    marks = {"PNG": b"IHDR", "JPEG": b"\xff\xc0", "GIF": b"GIF8", "WEBP": b"VP8", "HEIF": b"ispe", "AVIF": b"ispe"}
    found = [at for at in range(len(data)) if data.startswith(marks[kind], at)] or [0]
    order, width, offset = {
        "PNG": (">", "I", 4), "JPEG": (">", "H", 5), "GIF": ("<", "H", 6), "WEBP": ("<", "H", 14),
        "HEIF": (">", "I", 8), "AVIF": (">", "I", 8),
    }[kind]  # fmt: skip
    sizes = (0, 1, 7, 120, 1000, 4000, 16_000, 65_535)
    lie = struct.pack(f"{order}2{width}", dice.choice(sizes), dice.choice(sizes))
    at = dice.choice(found) + offset
    return data[:at] + lie + data[at + len(lie) :]


def _repeated(dice: random.Random, data: bytes, _: str) -> bytes:
    """Repeat a piece of the file: a segment, a scan, a chunk or a frame where the dice meet its borders."""
    marks = [at for at in range(len(data)) if data[at : at + 1] in (b"\xff", b"I", b"f", b",", b"!")]
    begin = dice.choice(marks or [0])
    end = min(len(data), begin + dice.choice((4, 8, 12, 64, 512, 4096)))
    return data[:end] + data[begin:end] * dice.choice((1, 10, 1000)) + data[end:]


def _swapped(dice: random.Random, data: bytes, kind: str) -> bytes:
    """Put the beginning of another format before the rest."""
    other = dice.choice(seeds()[dice.choice([each for each in seeds() if each != kind])])
    cut = dice.choice((3, 8, 12, 16, 32, 200))
    return other[:cut] + data[cut:]


def _polyglot(dice: random.Random, data: bytes, _: str) -> bytes:
    """Append a picture of another format, a page or an archive."""
    other = dice.choice(
        (dice.choice(seeds()[dice.choice(list(seeds()))]), b"PK\x05\x06" + bytes(18), b"<html><script>")
    )
    return data + other


def _spliced(dice: random.Random, data: bytes, kind: str) -> bytes:
    """Join the first part of one picture with the last part of another of its format."""
    other = dice.choice(seeds()[kind])
    return data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]


def _odd_exif(dice: random.Random, data: bytes, _: str) -> bytes:
    """Fill the EXIF block with noise behind its first bytes, so that counts and offsets lead anywhere."""
    at = max(data.find(b"II*\0"), data.find(b"MM\0*"))
    if at < 0:
        return _flipped(dice, data, "")
    noise = bytes(dice.choice((0, 0, 1, 0xFF, dice.randrange(256))) for _ in range(60))
    begin = at + dice.choice((4, 8, 10, 20))
    return data[:begin] + noise + data[begin + len(noise) :]


KINDS: dict[str, Callable[[random.Random, bytes, str], bytes]] = {
    "bit flips": _flipped,
    "odd bytes": _with_odd_bytes,
    "lying size": _lying,
    "repeated parts": _repeated,
    "swapped header": _swapped,
    "polyglot": _polyglot,
    "spliced": _spliced,
    "odd EXIF": _odd_exif,
}


def hostile(seed: int, count: int) -> Iterator[Hostile]:
    """Yield `count` hostile files: formats in turn, each cut at every percent, and every other kind by the dice."""
    formats = list(seeds())
    for number in range(count):
        dice = random.Random(f"{seed}:{number}")
        kind, round_ = formats[number % len(formats)], number // len(formats)
        data = dice.choice(seeds()[kind])
        if dice.random() < BOMB_SHARE and kind in BOMBS:
            yield Hostile(kind, "bomb", dice.choice(BOMBS[kind])())
        elif round_ % 8 == 0:
            yield Hostile(kind, "cut off", data[: len(data) * (round_ // 8 % PERCENT) // PERCENT])
        else:
            name = dice.choice(list(KINDS))
            changed = KINDS[name](dice, data, kind)
            yield Hostile(kind, name, changed)
