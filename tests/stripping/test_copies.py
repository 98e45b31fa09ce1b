"""Copies of pictures hold the same picture, bit for bit, and nothing of what was noted in the file."""

import io
import random
import struct
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageSequence

import images
from image_headers.dcf import is_adobe_rgb
from image_headers.exif import orientation
from stripping.copies import WALKS, Plans, plans
from stripping.plan import MAX_PARTS, CannotStrip, Plan
from stripping.reader import chunks_of
from testkit import colour_profiles
from testkit.hostile import slow_jpeg
from testkit.hostile_images import hostile, many_scans
from testkit.metadata import file_of, iptc_of, with_segments, xmp_of
from testkit.pictures import opened, person, saved

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
TAKEN, RIGHTS = "2026:06:20 18:30:05", "© Léa Martin"
# What must never be found in a copy, in whatever block it stood.
SECRETS = (
    b"SERIAL-77",
    b"OWNER-77",
    b"MAKER-77",
    b"COMMENT-77",
    b"ns.adobe.com",
    b"SOFTWARE-77",
    b"THUMB-77",
    b"TAIL-77",
)
SCAN, END = b"\xff\xda", b"\xff\xd9"


def exif(turned: int = 6) -> bytes:
    """Return the EXIF block of a camera: owner, place, serial number, maker's note, time and copyright."""
    block = Image.Exif()
    block[0x0112], block[0x8298], block[0x0131], block[0x013B] = turned, RIGHTS, "SOFTWARE-77", "OWNER-77"
    camera = {0x9003: TAKEN, 0x9011: "+02:00", 0x9291: "25", 0xA431: "SERIAL-77", 0xA430: "OWNER-77"}
    block.get_ifd(0x8769).update({**camera, 0x927C: b"MAKER-77", 0x9286: b"ASCII\0\0\0COMMENT-77"})
    block.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return block.tobytes()


def picture() -> Image.Image:
    """Return a picture in which every place differs."""
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (48, 64, 3), dtype=np.uint8))


def noted(kind: str) -> bytes:
    """Return a file with everything that cameras and software write into one of its format."""
    if kind == "JPEG":
        plain = saved(picture(), "JPEG", dpi=(300, 300), comment=b"COMMENT-77")
        profiled = colour_profiles.in_jpeg(plain, bytes(200) + b"profile", size=100)
        filled = with_segments(profiled, exif(), xmp_of('photoshop:Owner="OWNER-77"'), iptc_of(_80="OWNER-77"))
        multi = b"MPF\0" + b"THUMB-77"
        filled = filled[:2] + b"\xff\xe2" + struct.pack(">H", len(multi) + 2) + multi + filled[2:]
        # A second picture behind the first, as of an Ultra HDR or motion photo, and a trailer.
        return filled + saved(picture(), "JPEG", comment=b"TAIL-77") + b"ftypmp42 TAIL-77"
    if kind == "PNG":
        plain = file_of("PNG", exif(), xmp_of('photoshop:Owner="OWNER-77"'))
        extra = {
            b"gAMA": (45455).to_bytes(4, "big"),
            b"pHYs": struct.pack(">IIB", 11811, 11811, 1),
            b"tEXt": b"Author\0OWNER-77",
            b"zTXt": b"Comment\0\0COMMENT-77",
            b"tIME": bytes(7),
            b"mkBT": b"MAKER-77",
        }
        return colour_profiles.in_png(plain, extra) + b"TAIL-77"
    image = saved(picture(), "WEBP", exif=exif(), xmp=xmp_of('photoshop:Owner="OWNER-77"'), lossless=True)
    unknown = b"MKBT" + struct.pack("<I", 9) + b"MAKER-77X\0"
    size = struct.pack("<I", len(image) - 8 + len(unknown))
    return b"RIFF" + size + image[8:] + unknown + b"TAIL-77"


def copy(plan: Plan, data: bytes, step: int = 7) -> bytes:
    """Return a copy of a file, read in chunks of a few bytes."""

    def read(start: int, end: int) -> Iterator[bytes]:
        return (data[at : min(at + step, end)] for at in range(start, end, step))

    made = b"".join(plan.chunks(read))
    assert len(made) == plan.size
    return made


def planned(data: bytes, kind: str = "JPEG", step: int = 1024) -> Plans:
    return plans(TYPES[kind], (data[at : at + step] for at in range(0, len(data), step)))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("detailed", [False, True])
def test_a_copy_shows_the_same_and_tells_nothing(kind: str, detailed: bool) -> None:
    data = noted(kind)
    found = planned(data, kind, 3)
    made = copy(found.detailed if detailed else found.plain, data)
    assert not [each for each in SECRETS if each in made]
    assert np.array_equal(images.decode(made), images.decode(data))
    shown, known = opened(made), opened(data)
    assert shown.tobytes() == known.tobytes()
    told = shown.getexif()
    camera = dict(told.get_ifd(0x8769))
    assert told[0x0112] == 6
    assert dict(told.get_ifd(0x8825)) == {}
    times = {0x9003: TAKEN, 0x9011: "+02:00", 0x9291: "25", 0x9000: b"0232"}
    assert camera == (times if detailed else {})
    assert (told.get(0x8298) is not None) == detailed
    assert (b"a Martin" in made) == detailed


def test_a_jpeg_keeps_its_tables_scans_profile_and_density() -> None:
    data = noted("JPEG")
    made = copy(planned(data).plain, data)
    first = data.index(SCAN)
    assert made[made.index(SCAN) :] == data[first : data.index(END, first) + 2]
    assert opened(made).info["icc_profile"] == bytes(200) + b"profile"
    assert opened(made).info["dpi"] == (300, 300)
    assert made.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"restart_marker_blocks": 2},
        {"mode": "CMYK"},
        {"mode": "L"},
        {"keep_rgb": True},
        {"subsampling": 0, "optimize": True},
    ],
    ids=str,
)
def test_every_kind_of_jpeg_keeps_its_numbers(options: dict[str, object]) -> None:
    given = dict(options)
    mode = str(given.pop("mode", "RGB"))
    data = with_segments(saved(picture().convert(mode), "JPEG", **given), exif())
    made = copy(planned(data).plain, data)
    assert opened(made).tobytes() == opened(data).tobytes()
    assert orientation(opened(made).info["exif"]) == 6


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_film_keeps_its_frames(kind: str) -> None:
    frames = [picture(), picture().rotate(180)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=90, lossless=True, exif=exif(1))
    made = copy(planned(data, kind).plain, data)
    was, now = (
        [each.convert("RGB").tobytes() for each in ImageSequence.Iterator(Image.open(io.BytesIO(file)))]
        for file in (data, made)
    )
    assert len(now) == 2
    assert now == was
    assert b"SERIAL-77" not in made


@pytest.mark.parametrize("kind", TYPES)
def test_colours_that_only_exif_names_are_kept(kind: str) -> None:
    block = Image.Exif()
    camera = block.get_ifd(0x8769)
    camera[0xA001], camera[0xA005] = 65535, {1: "R03"}
    data = file_of(kind, block.tobytes())
    assert is_adobe_rgb(block.tobytes())
    made = copy(planned(data, kind).plain, data)
    assert is_adobe_rgb(opened(made).info["exif"])
    assert np.array_equal(images.decode(made), images.decode(data))


@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_without_notes_is_its_own_copy(kind: str) -> None:
    data = saved(person(1), kind)
    assert copy(planned(data, kind).plain, data, 4096) == data


def test_each_part_of_a_copy_can_be_had_alone() -> None:
    data = noted("JPEG")
    plan = Plan.of_json(planned(data).detailed.as_json())
    assert plan == planned(data).detailed
    whole, dice = copy(plan, data), random.Random(5)
    for _ in range(200):
        start, end = sorted(dice.choices(range(len(whole) + 1), k=2))
        assert copy(plan.cut(start, end), data) == whole[start:end]


NOT_STRIPPED = {
    "no end": saved(picture(), "JPEG")[:-2],
    "no picture": b"\xff\xd8\xff\xd9",
    "something else": b"GIF89a" + bytes(100),
    "nothing": b"",
    "an unknown part in the scan": saved(picture(), "JPEG").replace(SCAN, b"\xff\x05\0\x02" + SCAN),
    "a part that is cut off": saved(picture(), "JPEG")[:2] + b"\xff\xe1\xff\xff",
    "too many parts": saved(picture(), "JPEG")[:2]
    + b"\xff\xfe\0\x04no\xff\xdd\0\x04\0\0" * (MAX_PARTS + 1)
    + saved(picture(), "JPEG")[2:],
}


@pytest.mark.parametrize("data", NOT_STRIPPED.values(), ids=NOT_STRIPPED)
def test_what_nobody_knows_is_not_copied(data: bytes) -> None:
    with pytest.raises(CannotStrip):
        planned(data)


def test_many_scans_and_long_files_are_walked_in_bounded_memory() -> None:
    for data in (many_scans(90), slow_jpeg(512, 60)):
        made = copy(planned(data).plain, data, 4096)
        assert opened(made).tobytes() == opened(data).tobytes()
    whole = with_segments(saved(picture(), "JPEG"), exif())

    def chunks() -> Iterator[bytes]:
        yield whole[: whole.index(SCAN) + 14]
        for _ in range(100):
            yield bytes(500_000)
        yield END

    found = plans("image/jpeg", chunks())
    assert found.plain.size > 50_000_000
    assert len(found.plain.parts) <= 4


def test_no_hostile_file_does_more_than_be_refused() -> None:
    stripped = 0
    for each in hostile(14, 1500):
        for content_type in WALKS:
            try:
                found = plans(content_type, chunks_of(each.data))
            except CannotStrip:
                continue
            for plan in (found.plain, found.detailed):
                places = [part for part in plan.parts if isinstance(part, tuple)]
                assert all(0 <= start < end <= len(each.data) for start, end in places), each.kind
                assert all(last[1] <= following[0] for last, following in pairwise(places))
                assert len(copy(plan, each.data, 4096)) == plan.size
            stripped += 1
    assert stripped > 50
