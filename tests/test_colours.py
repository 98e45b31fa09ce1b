"""Pictures are decoded into sRGB, whatever their file says its colours are; what cannot be used changes nothing."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

import images
from colours import spaces, srgb
from colours.spaces import D65, Space
from image_headers import judge
from image_headers.colour import MAX_PROFILE
from testkit import colour_profiles
from testkit.colour_difference import difference, lab
from testkit.colour_profiles import chunk, in_jpeg, in_png, made
from testkit.pictures import opened, saved

# In the gamut of every space here; the last one is skin.
PATCHES = (
    (220, 60, 60),
    (80, 200, 90),
    (60, 80, 200),
    (250, 180, 60),
    (128, 60, 128),
    (128, 128, 128),
    (210, 160, 130),
)
SIDE = 32
MANY = 120_000_000


def coded(primaries: int, transfer: int = 13) -> Space:
    space = spaces.coded(primaries, transfer)
    assert space is not None
    return space


P3, BT2020 = coded(12), coded(9)
PROPHOTO = spaces.by_primaries(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), D65, spaces.CODES**1.8)


def patches(space: Space | None = None) -> Image.Image:
    """Return the patches side by side, their numbers those of a space."""
    colours = np.array(PATCHES, np.float64)
    if space is not None:
        light = spaces.srgb_light(colours / 255) @ np.linalg.inv(space.matrix).T
        codes = [np.interp(light[:, at], space.curves[at], spaces.CODES) for at in range(3)]
        colours = np.stack(codes, axis=1) * 255
    row = np.repeat(colours.round().astype(np.uint8), SIDE, axis=0)
    return Image.fromarray(np.repeat(row[None], SIDE, axis=0))


def seen(data: bytes) -> list[tuple[int, ...]]:
    image = images.decode(data)
    places = range(SIDE // 2, len(PATCHES) * SIDE, SIDE)
    return [tuple(int(each) for each in image[SIDE // 2, at, ::-1]) for at in places]


def furthest(data: bytes, wanted: tuple[tuple[int, ...], ...] = PATCHES) -> float:
    """Return the largest CIEDE2000 difference of the patches from those of the picture."""
    return max(difference(lab(one), lab(other)) for one, other in zip(seen(data), wanted, strict=True))


def jpeg(space: Space | None = None, **options: Any) -> bytes:
    return saved(patches(space), "JPEG", quality=98, subsampling=0, **options)


def png(space: Space | None = None) -> bytes:
    return saved(patches(space), "PNG")


def colr(data: bytes, primaries: int, transfer: int) -> bytes:
    """Return a HEIC or AVIF whose `nclx` says other numbers."""
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


# The lightnesses of these are known (Sharma, Wu and Dalal 2005, table 1).
PAIRS = (
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
)


def test_the_difference_of_colours_is_that_of_published_pairs() -> None:
    for one, other, known in PAIRS:
        assert difference(one, other) == pytest.approx(known, abs=1e-4)


SPACES = {"Display P3": P3, "Adobe RGB": spaces.adobe_rgb(), "BT.2020": BT2020, "ProPhoto": PROPHOTO}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_a_profile_is_followed_in_every_kind_of_file(kind: str, name: str) -> None:
    space = SPACES[name]
    options = {"quality": 98} if kind != "PNG" else {}
    data = saved(patches(space), kind, icc_profile=made(space), **options)
    assert furthest(data) < 4 if kind in ("HEIF", "AVIF", "WEBP") else furthest(data) < 2
    assert furthest(saved(patches(space), kind, **options)) > 3, "without its profile it looks different"


@pytest.mark.parametrize("size", [65_519, 200, 7])
def test_a_profile_in_many_segments_in_any_order_is_put_together(size: int) -> None:
    profile = made(P3)
    # Curves of 256 samples, cut into at most 255 segments.
    size = max(size, len(profile) // 255 + 1)
    count = -(-len(profile) // size)
    for order in (list(range(1, count + 1)), list(range(count, 0, -1)), [1, *range(1, count + 1)]):
        assert furthest(in_jpeg(jpeg(P3), profile, order, size)) < 2


def test_a_picture_with_a_gain_map_is_shown_by_its_base() -> None:
    base = in_jpeg(jpeg(P3), made(P3))
    other = b"".join(
        b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
        for body in (b"MPF\0II*\0" + bytes(40), b"urn:iso:std:iso:ts:21496:-1\0" + bytes(8))
    )
    gain = in_jpeg(saved(Image.new("L", (64, 64), 200), "JPEG"), made(PROPHOTO))
    assert furthest(base[:2] + other + base[2:] + gain) < 2


def test_primaries_and_curve_by_number_are_followed() -> None:
    for kind in ("HEIF", "AVIF"):
        assert furthest(colr(saved(patches(P3), kind, quality=98), 12, 13)) < 4
    plain = saved(patches(), "AVIF", quality=98)
    assert seen(colr(plain, 77, 13)) == seen(plain), "numbers that nobody knows change nothing"
    assert furthest(in_png(png(P3), {b"cICP": bytes((12, 13, 0, 1))})) < 1
    assert furthest(in_png(png(BT2020), {b"cICP": bytes((9, 13, 0, 1))})) < 2


def test_of_several_statements_in_a_png_the_first_in_rank_counts() -> None:
    p3, wrong = colour_profiles.iccp(made(P3)), colour_profiles.iccp(made(PROPHOTO))
    numbers = bytes((12, 13, 0, 1))
    linear = {b"gAMA": (100_000).to_bytes(4, "big")}
    assert furthest(in_png(png(P3), {b"iCCP": wrong, b"cICP": numbers})) < 1
    assert furthest(in_png(png(P3), {**linear, b"iCCP": p3, b"sRGB": b"\0"})) < 1
    assert furthest(in_png(png(), {**linear, b"sRGB": b"\0"})) < 1
    assert furthest(in_png(png(P3), {b"iCCP": p3, b"cICP": bytes((99, 13, 0, 1))})) < 1
    late = png()[:-12] + chunk(b"iCCP", p3) + png()[-12:]
    assert seen(late) == list(PATCHES), "behind the picture it is none"
    assert furthest(in_png(in_png(png(P3), {b"iCCP": b"broken"}), {b"iCCP": p3})) < 1, "of two, the first counts"
    assert seen(png()[:-12] + chunk(b"iCCP", b"broken") + png()[-12:]) == list(PATCHES)


def test_gamma_and_primaries_of_a_png_are_followed() -> None:
    corners = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    chrm = b"".join(round(100_000 * each).to_bytes(4, "big") for each in corners)
    linear = Space(np.tile(spaces.CODES, (3, 1)), P3.matrix)
    gamma = (100_000).to_bytes(4, "big")
    assert furthest(in_png(png(linear), {b"gAMA": gamma, b"cHRM": chrm})) < 3
    assert furthest(in_png(png(P3), {b"gAMA": (45_455).to_bytes(4, "big"), b"cHRM": chrm})) < 1
    # The gamma that every program of the time wrote for "as on this screen".
    assert seen(in_png(png(), {b"gAMA": (45_455).to_bytes(4, "big")})) == list(PATCHES)


BROKEN_CHUNKS: dict[str, dict[bytes, bytes]] = {
    "gamma of 0": {b"gAMA": bytes(4)},
    "gamma without end": {b"gAMA": b"\xff" * 4},
    "primaries of 0": {b"cHRM": bytes(32)},
    "primaries on a line": {b"cHRM": struct.pack(">8I", 31270, 32900, *(30_000, 30_000) * 3)},
    "short primaries": {b"cHRM": bytes(8)},
    "video range": {b"cICP": bytes((12, 13, 0, 0))},
    "short numbers": {b"cICP": b"\x0c"},
    "no profile in it": {b"iCCP": b""},
    "no name": {b"iCCP": zlib.compress(made(P3))},
    "a long name": {b"iCCP": b"n" * 90 + b"\0\0" + zlib.compress(made(P3))},
    "not deflated": {b"iCCP": b"name\0\0" + made(P3)},
    "cut off": {b"iCCP": b"name\0\0" + zlib.compress(made(P3))[:-200]},
}


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
def test_broken_statements_in_a_png_change_nothing(name: str) -> None:
    assert seen(in_png(png(), BROKEN_CHUNKS[name])) == list(PATCHES)


def test_a_profile_that_is_a_bomb_changes_nothing() -> None:
    bomb = {b"iCCP": b"name\0\0" + zlib.compress(bytes(100_000_000))}
    assert seen(in_png(png(), bomb)) == list(PATCHES)


def tag_changed(name: bytes, body: bytes) -> bytes:
    """Return a profile of Display P3 with another tag."""
    plain = made(P3)
    at = plain.index(name)
    start, size = struct.unpack(">II", plain[at + 4 : at + 12])
    assert len(body) <= size
    return plain[:start] + body + plain[start + len(body) :]


def patched(at: int, body: bytes) -> bytes:
    plain = made(P3)
    return plain[:at] + body + plain[at + len(body) :]


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "cut off": made(P3)[:-100],
    "zeros": bytes(500),
    "noise": np.random.default_rng(1).bytes(5000),
    "only a header": made(P3)[:128],
    "a size beyond": patched(0, b"\xff\xff\xff\xff"),
    "no signature": patched(36, b"none"),
    "many tags": patched(128, b"\xff\xff\xff\xff"),
    "a tag outside": patched(136, b"\xff\xff\xff\xff"),
    "a link of devices": patched(12, b"link"),
    "CMYK in name": patched(16, b"CMYK"),
    "Lab": patched(16, b"Lab "),
    "grey": colour_profiles.grey(spaces.CODES**1.2),
    "connected to Lab": patched(20, b"Lab "),
    "all black": tag_changed(b"rXYZ", b"XYZ " + bytes(16)),
    "no colour": tag_changed(b"gXYZ", b"none"),
    "a curve that falls": tag_changed(b"rTRC", colour_profiles.curve(spaces.CODES[::-1])),
    "a curve that stays": tag_changed(b"gTRC", colour_profiles.curve(np.ones(256))),
    "a curve of too many points": tag_changed(b"bTRC", struct.pack(">4sII", b"curv", 0, 0xFFFFFFFF)),
    "a parametric curve of no type": tag_changed(b"bTRC", struct.pack(">4sIHH", b"para", 0, 9, 0)),
    "a parametric curve without numbers": tag_changed(b"bTRC", struct.pack(">4sIHH7i", b"para", 0, 4, 0, *(0,) * 7)),
    "a table that is cut": colour_profiles.profile({b"A2B0": b"mft1" + bytes(20)}),
    "no tags": colour_profiles.profile({}),
    "huge": made(P3).ljust(MAX_PROFILE + 1, b"\0"),
}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF", "AVIF"])
def test_broken_profiles_change_nothing_in_other_kinds(kind: str) -> None:
    plain = seen(saved(patches(), kind, quality=98))
    for name in ("cut off", "zeros", "noise", "only a header", "CMYK in name", "all black", "huge"):
        assert seen(saved(patches(), kind, quality=98, icc_profile=BROKEN[name])) == plain, name


@pytest.mark.parametrize("name", BROKEN)
def test_a_profile_that_cannot_be_used_changes_nothing(name: str) -> None:
    plain = jpeg()
    assert seen(in_jpeg(plain, BROKEN[name])) == seen(plain)


def test_a_profile_with_a_missing_segment_changes_nothing() -> None:
    plain, profile = jpeg(), made(P3)
    for order in ([1, 2, 4], [2, 3, 4], [1], [3, 4]):
        assert seen(in_jpeg(plain, profile, order, len(profile) // 4 + 1)) == seen(plain)


@pytest.mark.long
def test_random_changes_of_a_profile_never_spoil_a_picture() -> None:
    plain = jpeg()
    random = np.random.default_rng(7)
    for source in (
        made(P3),
        colour_profiles.swapping(),
        colour_profiles.inks(),
        srgb.PROFILE,
        colour_profiles.grey(spaces.CODES**2),
    ):
        for _ in range(60):
            profile = bytearray(source)
            for at in random.integers(0, len(profile), 1 + random.integers(0, 8)):
                profile[at] = random.integers(0, 256)
            assert len(seen(in_jpeg(plain, bytes(profile)))) == len(PATCHES)
            assert images.decode(in_jpeg(cmyk(), bytes(profile))).shape == (16, 16, 3)


def test_a_profile_of_tables_is_followed_by_littlecms() -> None:
    pure = Image.new("RGB", (8, 8), (255, 0, 0))
    # A table of bytes is coarse.
    shown = images.decode(saved(pure, "PNG", icc_profile=colour_profiles.swapping()))[4, 4]
    assert shown.tolist() == pytest.approx((255, 0, 0), abs=25)


def test_variants_of_srgb_are_left_as_they_are() -> None:
    rounded = spaces.by_primaries(
        ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.3128, 0.3291), spaces.srgb_light(spaces.CODES)
    )
    lcms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb.PROFILE, lcms, made(rounded), made(coded(1))):
        assert seen(saved(patches(), "PNG", icc_profile=profile)) == list(PATCHES)
        assert images.decode(in_jpeg(jpeg(), profile)).tobytes() == images.decode(jpeg()).tobytes()


def test_a_grey_picture_follows_a_grey_profile_and_the_curve_of_a_colour_one() -> None:
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (16, 1)))
    wanted = spaces.srgb_code(spaces.CODES**1.4) * 255
    bright = made(Space(np.tile(spaces.CODES**1.4, (3, 1)), P3.matrix))
    for profile in (colour_profiles.grey(spaces.CODES**1.4), bright):
        for kind in ("PNG", "JPEG"):
            image = images.decode(saved(ramp, kind, icc_profile=profile))
            assert np.abs(image[8, :, 1] - wanted).max() < 5
            assert np.ptp(image.astype(int), axis=2).max() <= 1, "grey stays grey"


def interoperability(index: bytes, space: int, order: str = "<") -> bytes:
    """Return an EXIF block of a camera: ColorSpace, and InteropIndex in a directory of its own."""
    entry = f"{order}HHI4s"

    def directory(*entries: tuple[int, int, int, bytes]) -> bytes:
        return (
            struct.pack(f"{order}H", len(entries))
            + b"".join(struct.pack(entry, *each) for each in entries)
            + bytes(4)
        )

    def long(value: int) -> bytes:
        return struct.pack(f"{order}I", value)

    camera = 8 + 2 + 12 + 4
    inner = camera + 2 + 24 + 4
    block = directory((0x8769, 4, 1, long(camera)))
    block += directory((0xA001, 3, 1, struct.pack(f"{order}HH", space, 0)), (0xA005, 4, 1, long(inner)))
    block += directory((1, 2, 4, index))
    head = (b"II*\0" if order == "<" else b"MM\0*") + long(8)
    return b"Exif\0\0" + head + block


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_camera_that_says_adobe_rgb_in_exif_alone_is_believed(order: str) -> None:
    adobe = spaces.adobe_rgb()
    assert furthest(jpeg(adobe, exif=interoperability(b"R03\0", 65_535, order))) < 2
    assert furthest(jpeg(adobe, exif=interoperability(b"R98\0", 2, order))) < 2
    for index, space in ((b"R98\0", 1), (b"R98\0", 65_535), (b"R03\0", 1)):
        assert seen(jpeg(exif=interoperability(index, space, order))) == seen(jpeg())
    both = in_jpeg(jpeg(P3, exif=interoperability(b"R03\0", 65_535, order)), made(P3))
    assert furthest(both) < 2, "a profile comes first"


def test_hdr_pictures_keep_their_colours_and_lose_highlights_alone() -> None:
    for transfer in (spaces.PQ, spaces.HLG):
        hdr = coded(9, transfer)
        darker = tuple(colour for colour in PATCHES if max(colour) < 180)
        told = seen(in_png(png(hdr), {b"cICP": bytes((9, transfer, 0, 1))}))
        for colour, wanted in zip(told, PATCHES, strict=True):
            if wanted in darker:
                assert difference(lab(colour), lab(wanted)) < 3
        ramp = Image.fromarray(np.repeat(np.tile(np.arange(256, dtype=np.uint8), (16, 1))[:, :, None], 3, axis=2))
        shown = images.decode(in_png(saved(ramp, "PNG"), {b"cICP": bytes((9, transfer, 0, 1))}))[8, :, 1]
        assert (np.diff(shown.astype(int)) >= 0).all(), "what is brighter looks no darker"
        assert shown[-1] == 255


def cmyk(**options: Any) -> bytes:
    return saved(Image.new("CMYK", (16, 16), (10, 100, 200, 0)), "JPEG", quality=98, **options)


def ycck() -> bytes:
    """Return the same with its inks as lightness and two differences, as Photoshop writes them."""
    cyan, magenta, yellow, black = (255, 0, 0, 0)
    y, cb, cr = np.asarray(Image.new("RGB", (1, 1), (cyan, magenta, yellow)).convert("YCbCr")).ravel().tolist()
    # Pillow stores inks inverted; the marker's last byte says how they are coded.
    data = saved(Image.new("CMYK", (16, 16), (255 - y, 255 - cb, 255 - cr, black)), "JPEG", quality=98, subsampling=0)
    at = data.index(b"Adobe") + 11
    return data[:at] + b"\2" + data[at + 1 :]


def test_inks_follow_their_profile_however_they_are_coded() -> None:
    plain = saved(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG", quality=98)
    for data in (plain, ycck()):
        assert images.decode(data)[8, 8].tolist() == pytest.approx((255, 255, 0), abs=8), "cyan without a profile"
        shown = images.decode(in_jpeg(data, colour_profiles.inks()))[8, 8].tolist()
        assert shown == pytest.approx((0, 255, 255), abs=25), "what it calls cyan is yellow"
        assert images.decode(in_jpeg(data, colour_profiles.inks()), long_side=4).shape[2] == 3


def test_a_cmyk_picture_ignores_a_profile_that_is_not_for_inks() -> None:
    plain = images.decode(cmyk())[8, 8]
    for profile in (made(P3), b"", colour_profiles.profile({}, space=b"CMYK", kind=b"prtr")):
        assert (images.decode(in_jpeg(cmyk(), profile))[8, 8] == plain).all()


def test_what_the_service_makes_says_that_it_is_srgb() -> None:
    image = images.decode(jpeg(P3, icc_profile=made(P3)))
    files = [*images.renditions(image).files.values(), images.normalise_selfie(jpeg(P3, icc_profile=made(P3))).jpeg]
    for data in files:
        picture = opened(data)
        assert picture.info["icc_profile"] == srgb.PROFILE
        assert len(srgb.PROFILE) < 600
        assert images.decode(data).shape[:2] == picture.size[::-1]
        assert furthest(data) < 3
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb.PROFILE))
    assert ImageCms.getProfileDescription(profile).strip() == "sRGB"
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    grid = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    other = ImageCms.ImageCmsTransform(profile, target, "RGB", "RGB").apply(Image.fromarray(grid))
    assert np.abs(np.asarray(other).astype(int) - grid).max() <= 1


def test_the_mean_colour_is_that_of_the_converted_picture() -> None:
    colour = (250, 180, 60)
    light = spaces.srgb_light(np.array(colour) / 255) @ np.linalg.inv(BT2020.matrix).T
    flat = Image.new("RGB", (64, 64), tuple(round(255 * each) for each in spaces.srgb_code(light)))
    told = images.renditions(images.decode(saved(flat, "PNG", icc_profile=made(BT2020)))).mean_colour
    assert [int(told[at : at + 2], 16) for at in (1, 3, 5)] == pytest.approx(colour, abs=2)


def test_faces_may_be_read_from_colours_that_are_near_srgb() -> None:
    near, far = jpeg(P3, icc_profile=made(P3)), jpeg(PROPHOTO, icc_profile=made(PROPHOTO))
    assert images.decode(near, exact=False).tobytes() == images.decode(jpeg(P3)).tobytes()
    assert images.decode(far, exact=False).tobytes() == images.decode(far).tobytes()


LARGE: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda profile: in_jpeg(jpeg(), profile),
    "PNG": lambda profile: in_png(png(), {b"iCCP": b"n\0\0" + profile}),
    "WEBP": lambda profile: saved(patches(), "WEBP", icc_profile=profile),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_profile_that_is_too_large_is_not_located(kind: str) -> None:
    assert judge.read(LARGE[kind](bytes(MAX_PROFILE + 1))).colour.pieces == ()
    assert judge.read(LARGE[kind](bytes(MAX_PROFILE - 100))).colour.pieces != ()
