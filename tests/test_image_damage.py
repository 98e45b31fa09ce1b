"""A JPEG that lacks a part is told from a whole one, whatever stands behind, before or between its parts."""

import io
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import image_damage
import images
from image_headers import judge
from testkit.heif_files import box
from testkit.pictures import saved
from testkit.servers import ROOT

MANY = 120_000_000
END = b"\xff\xd9"
SHARED = ROOT.parent / "shared"


def scene() -> Image.Image:
    """Return a picture that is smooth and noisy, as photos are."""
    noise = np.random.default_rng(4).normal(0, 12, (360, 480, 3))
    ramp = np.linspace(40, 200, 480)[None, :, None] + np.linspace(-30, 30, 360)[:, None, None]
    return Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8))


KINDS = {
    "baseline": saved(scene(), "JPEG", quality=90),
    "optimised": saved(scene(), "JPEG", quality=90, optimize=True, subsampling=0),
    "progressive": saved(scene(), "JPEG", quality=90, progressive=True),
    "restarts": saved(scene(), "JPEG", quality=90, restart_marker_rows=1),
    "grey": saved(scene().convert("L"), "JPEG", quality=90),
    "cmyk": saved(scene().convert("CMYK"), "JPEG", quality=90),
    "progressive cmyk": saved(scene().convert("CMYK"), "JPEG", quality=90, progressive=True),
}
SMALL = saved(Image.new("RGB", (80, 60), "green"), "JPEG")


def film(seed: int = 1) -> bytes:
    """Return the film that phones write behind a photo."""
    return (
        box(b"ftyp", b"mp42\0\0\0\0isom")
        + box(b"mdat", random.Random(seed).randbytes(20_000))
        + box(b"moov", bytes(99))
    )


def with_strays(data: bytes, number: int = 5) -> bytes:
    """Return a JPEG with stray bytes behind every segment up to the scan."""
    out, at = data[:2], 2
    while data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0] + 2
        out, at = out + data[at : at + length] + b"stray"[:number], at + length
    return out + data[at:]


def with_odd_scan(data: bytes) -> bytes:
    """Return a sequential JPEG with zeros where its scan says which coefficients it brings, as some phones write."""
    at = data.find(b"\xff\xda")
    last = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
    return data[: last - 3] + bytes(3) + data[last:]


HARMLESS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda data: data,
    "no end": lambda data: data[:-2],
    "a film": lambda data: data + film(),
    "a picture": lambda data: data + SMALL,
    "no end, a picture": lambda data: data[:-2] + SMALL,
    "no end, zeros": lambda data: data[:-2] + bytes(3000),
    "no end, text": lambda data: data[:-2] + b"what a camera notes " * 20,
    "strays": with_strays,
    "strays, no end": lambda data: with_strays(data)[:-2],
    "padding": lambda data: data[:-2] + b"\xff" * 20 + END,
    "zeros before the end": lambda data: data[:-2] + bytes(200) + END,
    "a note before the end": lambda data: data[:-2] + b"\0\1abc" + END,
    "line ends before": lambda data: b"\r\n\r\n" + data,
    "zeros before": lambda data: bytes(1000) + data,
}


def verdict(data: bytes) -> str:
    """Return what becomes of a photo of these bytes: `whole`, `damaged` or `refused`."""
    try:
        images.inspect(data, MANY)
        images.refuse_cut(data)
        with image_damage.complaints() as said:
            images.decode(data, long_side=200)
        return "damaged" if images.is_damaged(data, said) else "whole"
    except images.DamagedImage:
        return "refused"


@pytest.mark.parametrize("kind", [*KINDS])
def test_what_does_no_harm_gives_no_warning(kind: str) -> None:
    assert {name: verdict(make(KINDS[kind])) for name, make in HARMLESS.items()} == dict.fromkeys(HARMLESS, "whole")


def test_a_film_behind_a_picture_without_end_gives_no_warning() -> None:
    for kind in ("baseline", "optimised", "restarts", "grey", "cmyk"):
        assert verdict(KINDS[kind][:-2] + film()) == "whole"
    assert verdict(with_odd_scan(KINDS["baseline"])) == "whole"


def test_a_picture_without_end_is_decoded_as_with_it() -> None:
    for kind, data in KINDS.items():
        assert (images.decode(data[:-2]) == images.decode(data)).all(), kind
        assert (images.decode(data[:-2] + film()) == images.decode(data)).all(), kind


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("kept", [0.4, 0.6, 0.95])
def test_a_part_that_is_missing_is_never_passed_over(kind: str, kept: float) -> None:
    data = KINDS[kind][: int(len(KINDS[kind]) * kept)]
    assert verdict(data) == "refused"
    tails = {"end": END, "zeros": bytes(2000) + END, "picture": SMALL, "film": film(2), "film and end": film(3) + END}
    for tail in tails.values():
        assert verdict(data + tail) in ("damaged", "refused")
        assert verdict(with_strays(data) + tail) in ("damaged", "refused")
        assert verdict(b"\r\n" + data + tail) in ("damaged", "refused")
    assert verdict(data + END) == "damaged"


@pytest.mark.parametrize("kind", [*KINDS])
def test_a_part_that_makes_no_sense_is_never_passed_over(kind: str) -> None:
    data, middle = KINDS[kind], len(KINDS[kind]) // 2
    for number in range(8):
        noise = random.Random(number).randbytes(1500)
        # What is taken out of a progressive scan can leave another scan, as good as any.
        for other in (noise, bytes(1500), *([] if "progressive" in kind else [b""])):
            changed = data[:middle] + other + data[middle + 1500 :]
            assert verdict(changed) in ("damaged", "refused")


def test_a_progressive_picture_that_ends_between_two_scans_is_damaged() -> None:
    data = KINDS["progressive"]
    starts = [at for at in range(len(data)) if data.startswith(b"\xff\xda", at)]
    tables = [data.rfind(b"\xff\xc4", 0, at) for at in starts]
    verdicts = {verdict(data[:at] + END) for at in tables[1:]}
    assert verdicts == {"damaged"}
    assert verdict(data[: tables[-1]]) == "refused"


def test_other_output_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with image_damage.complaints() as said:
        os.write(2, b"a log line\nCorrupt JPEG data: bad Huffman code\n")
        with image_damage.complaints() as inner:
            os.write(2, b"Premature end of JPEG file\n")
    assert (said, inner) == (["Corrupt JPEG data: bad Huffman code"], ["Premature end of JPEG file"])
    assert capfd.readouterr().err == "a log line\n"


def photos() -> list[Path]:
    return sorted(path for path in (SHARED / "photos").rglob("*.jp*g"))


@pytest.mark.skipif(not photos(), reason="the sample pictures beside the project are not there")
def test_no_real_photo_gives_a_warning() -> None:
    chosen = photos()[:: max(1, len(photos()) // 60)]
    assert [path.name for path in chosen if verdict(path.read_bytes()) != "whole"] == []


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF", "HEIF"])
def test_bytes_before_and_behind_pictures_of_all_formats_are_passed_over(kind: str) -> None:
    picture = scene().resize((64, 48))
    data = saved(picture, kind)
    expected = images.decode(data)
    for before in (b"", b"\n", bytes(512), b"\xef\xbb\xbf"):
        for behind in (b"", b"abc", film(), data):
            whole = before + data + behind
            assert images.inspect(whole, MANY).format == kind
            assert (images.decode(whole) == expected).all()
            header = judge.read(whole)
            with Image.open(io.BytesIO(images.picture_in(whole, header))) as opened:
                assert opened.size == (64, 48)


@pytest.mark.parametrize("other", [b"%PDF-1.7\n", b"PK\x03\x04", b"<html>", b"\0\0\0\x18ftypmp42", b"8BPS"])
def test_a_picture_inside_another_file_is_none(other: bytes) -> None:
    with pytest.raises(images.UnsupportedImage):
        images.inspect(other + bytes(40) + SMALL, MANY)
    with pytest.raises(images.UnsupportedImage):
        images.inspect(bytes(5000) + SMALL, MANY)
