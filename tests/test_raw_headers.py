"""The photo in a camera's RAW file is its largest JPEG preview, upright and timed as the RAW file says."""

import random
from datetime import datetime

import pytest
from PIL import Image

import images
from image_headers import exif, judge, preview
from image_headers.header import NoPreview
from testkit import raw_files
from testkit.pictures import saved

MANY = 220_000_000
TAKEN = "2026:06:20 18:30:05"


def jpeg(width: int = 1600, height: int = 1200, **options: object) -> bytes:
    return saved(Image.new("RGB", (width, height), (200, 40, 40)), "JPEG", **options)


def with_exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[exif.ORIENTATION] = orientation
    block.get_ifd(0x8769)[0x9003] = TAKEN
    return jpeg(exif=block)


def shown(data: bytes) -> images.ImageInfo:
    raw = preview.read(data)
    assert raw is not None
    image = images.decode(raw.jpeg)
    info = images.inspect(raw.jpeg, MANY)
    assert image.shape[:2] == (info.height, info.width)
    return info


@pytest.mark.parametrize("kind", raw_files.LIKE)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_preview_is_upright_and_timed_as_the_raw_file_says(kind: str, orientation: int) -> None:
    data = raw_files.LIKE[kind](jpeg(), orientation, TAKEN)
    raw = preview.read(data)
    assert raw is not None
    assert (raw.kind, preview.KINDS[raw.kind].startswith("image/")) == (kind, True)
    info = shown(data)
    assert (info.width, info.height) == ((1200, 1600) if orientation in (6, 8) else (1600, 1200))
    assert info.moments[0].clock == datetime(2026, 6, 20, 18, 30, 5)  # noqa: DTZ001 - EXIF has no zone


def test_either_byte_order_is_read() -> None:
    for order in "<>":
        assert shown(raw_files.nef(jpeg(), 6, TAKEN, order)).height == 1600


def test_a_raf_is_turned_as_its_preview_says() -> None:
    assert shown(raw_files.raf(with_exif(8))).height == 1600


def test_the_preview_beside_the_tracks_of_a_cr3_is_found_too() -> None:
    assert shown(raw_files.cr3(jpeg(1620, 1080), 6, TAKEN, full=False)).height == 1620


def test_what_the_raw_file_says_counts_before_what_its_preview_says() -> None:
    # The preview is not turned, although its own block says so.
    assert shown(raw_files.nef(with_exif(6), 1, "2020:01:01 00:00:00")).width == 1600
    old = shown(raw_files.rw2(with_exif(1), 6))
    assert (old.height, old.moments[0].clock) == (1600, datetime(2026, 6, 20, 18, 30, 5))  # noqa: DTZ001


@pytest.mark.parametrize("kind", raw_files.LIKE)
def test_a_raw_file_without_a_large_preview_is_told(kind: str) -> None:
    with pytest.raises(NoPreview):
        preview.read(raw_files.LIKE[kind](jpeg(640, 480)))
    with pytest.raises(NoPreview):
        preview.read(raw_files.LIKE[kind](b"\xff\xd8\xff no picture"))


@pytest.mark.parametrize("data", [raw_files.cr3(jpeg()), raw_files.raf(jpeg()), raw_files.dng(jpeg())])
def test_a_raw_file_that_is_cut_off_is_no_photo(data: bytes) -> None:
    for end in (len(data) - 100, len(data) * 2 // 3):
        try:
            assert preview.read(data[:end]) is None
        except images.ImageError:
            continue


def test_no_raw_file_passes_for_a_picture_of_another_format() -> None:
    for make in raw_files.LIKE.values():
        with pytest.raises(images.UnsupportedImage):
            judge.read(make(jpeg()))


def test_where_a_photo_was_taken_does_not_pass_into_the_preview() -> None:
    block = Image.Exif()
    block.get_ifd(0x8825)[2] = (48.0, 51.0, 24.0)
    raw = preview.read(raw_files.arw(jpeg(exif=block)))
    assert raw is not None
    assert b"\x02\x00\x05\x00\x03" not in raw.jpeg[:2000]
    kept = Image.Exif()
    kept.load(judge.read(raw.jpeg).exif)
    assert not kept.get_ifd(0x8825)


def test_changed_bytes_raise_nothing_but_refusals() -> None:
    chance = random.Random(3)
    for make in raw_files.LIKE.values():
        whole = make(jpeg(1000, 20), 6, TAKEN)
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(min(len(data), 800))] = chance.choice((0, 255, chance.randrange(256)))
            for read in (preview.read, judge.read):
                try:
                    read(bytes(data))
                except images.ImageError:
                    continue
