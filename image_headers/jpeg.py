"""Reads a JPEG's segments up to its first scan (ITU-T T.81, annex B); counts the scans where they cost something."""

import math
import re
from dataclasses import dataclass, field

from image_headers import colour
from image_headers.header import Coding, DamagedImage, Header, TooManyScans, UnsupportedImage

SIGNATURE = b"\xff\xd8\xff"
START_OF_SCAN, END = b"\xff\xda", b"\xff\xd9"
# A marker is FF and a byte that is neither 00 (a stuffed FF) nor FF (padding). Within a scan, restart marks pass too.
MARKER = re.compile(rb"\xff([\x01-\xfe])")
AFTER_SCAN = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
STANDALONE = {0x01, *range(0xD0, 0xD9)}
# Baseline, extended and progressive frames with Huffman codes are decoded; lossless, hierarchical, arithmetic not.
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
# Cameras write some ten segments, a large colour profile and extended XMP some hundreds.
MAX_SEGMENTS = 10_000
# `Exif`, a zero and a byte that some writers set to another value.
EXIF_PREFIX = 6
# Segments of Photoshop's resources that are looked at: 256 kB.
MAX_PARTS = 4
# Some phones leave bytes between segments; a decoder skips them.
MAX_STRAY = 256 * 1024
# Where something else behind a picture looks like scans, so much of the file is walked to tell.
MAX_WALK = 512 * 1024
# Encoders write about ten scans; a script by hand for every bit of every band comes to some sixty.
MAX_SCANS = 100
# libjpeg keeps the coefficients of all components, 2 bytes each, until the last scan.
BLOCK_SIDE, BLOCK_BYTES = 8, 128
COMPONENTS = (1, 3, 4)
XMP, PHOTOSHOP = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"


@dataclass(slots=True)
class _Found:
    width: int = 0
    height: int = 0
    pixels: int = 0
    marker: int = 0
    sampling: list[tuple[int, int]] = field(default_factory=list)
    exif: bytes = b""
    profile: list[tuple[int, int]] = field(default_factory=list)
    xmp: bytes = b""
    # The parts of Photoshop's resources, which may span segments.
    resources: list[bytes] = field(default_factory=list)


def read(data: bytes) -> Header:
    """Return the header of a JPEG.

    Raises:
        UnsupportedImage: it is lossless, hierarchical, arithmetic-coded or of 12 bits.
        DamagedImage: it ends before its first scan, or has more segments than any camera writes.
        TooManyScans: it comes in more than `MAX_SCANS` scans.
    """
    found = _Found()
    scan = _walk(data, found)
    if not found.sampling:
        raise DamagedImage("the JPEG has a scan and no frame")
    if found.marker not in (BASELINE, EXTENDED, PROGRESSIVE):
        raise UnsupportedImage("the JPEG is lossless, hierarchical or arithmetic-coded")
    many = found.marker == PROGRESSIVE or data[scan + 4] < len(found.sampling)
    if many:
        _refuse_many_scans(data, scan)
    whole = _coefficients(found) if many else 0
    coding = Coding(len(found.sampling), whole, has_end=data.rfind(END, scan) >= 0, scan=scan)
    said = colour.of_segments(data, found.profile, inks=len(found.sampling) == 4)
    size, resources = (found.width, found.height, found.pixels), b"".join(found.resources)
    return Header("JPEG", *size, found.exif, coding, colour=said, xmp=found.xmp, resources=resources)


def _walk(data: bytes, found: _Found) -> int:
    """Read the segments into `found`; return where the first scan's marker is."""
    at, stray = 2, MAX_STRAY
    for _ in range(MAX_SEGMENTS):
        match = MARKER.search(data, at, at + stray)
        if match is None:
            raise DamagedImage("the JPEG is cut off before its picture")
        stray -= match.start() - at
        marker, at = data[match.start() + 1], match.end()
        if marker in STANDALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if marker == END[1] or length < 2 or at + length > len(data):
            raise DamagedImage("the JPEG is cut off before its picture")
        if marker == START_OF_SCAN[1]:
            if length < 6:
                raise DamagedImage("a scan of the JPEG is malformed")
            return match.start()
        _segment(data, marker, at, length, found)
        at += length
    raise DamagedImage("the JPEG has too many segments")


def _segment(data: bytes, marker: int, at: int, length: int, found: _Found) -> None:
    if marker in FRAMES:
        _frame(data[at + 2 : at + length], marker, found)
    elif marker == 0xE1 and not found.exif and length > EXIF_PREFIX + 2 and data.startswith(b"Exif\0", at + 2):
        # The first block counts, also where it says nothing, as in browsers.
        found.exif = data[at + 2 + EXIF_PREFIX : at + length]
    elif marker == 0xE2 and data.startswith(colour.SEGMENT, at + 2):
        found.profile.append((at + 2, at + length))
    elif marker == 0xE1 and not found.xmp and data.startswith(XMP, at + 2):
        found.xmp = data[at + 2 + len(XMP) : at + length]
    elif marker == 0xED and len(found.resources) < MAX_PARTS and data.startswith(PHOTOSHOP, at + 2):
        found.resources.append(data[at + 2 + len(PHOTOSHOP) : at + length])


def _frame(body: bytes, marker: int, found: _Found) -> None:
    """Keep what a frame's header says. Of several, the first counts, and the largest for the cost."""
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise DamagedImage("the frame of the JPEG is malformed")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    found.pixels = max(found.pixels, width * height)
    if found.sampling:
        return
    if body[0] != 8 or body[5] not in COMPONENTS:
        raise UnsupportedImage(f"a JPEG of {body[0]} bits and {body[5]} components")
    sampling = [(body[at] >> 4, body[at] & 15) for at in range(7, 7 + 3 * body[5], 3)]
    if not all(1 <= each <= 4 for pair in sampling for each in pair):
        raise DamagedImage("the frame of the JPEG is malformed")
    found.width, found.height, found.marker, found.sampling = width, height, marker, sampling


def _coefficients(found: _Found) -> int:
    """Return the bytes of all coefficients (T.81, A.1.1 and A.2.4: components are padded to whole MCUs)."""
    across, down = (max(pair[axis] for pair in found.sampling) for axis in (0, 1))
    mcus = math.ceil(found.width / (BLOCK_SIDE * across)) * math.ceil(found.height / (BLOCK_SIDE * down))
    return mcus * BLOCK_BYTES * sum(wide * high for wide, high in found.sampling)


def _refuse_many_scans(data: bytes, scan: int) -> None:
    # Most files are done here; what looks like a scan may also lie in metadata, or in the film behind a picture.
    if data.count(START_OF_SCAN, scan) <= MAX_SCANS:
        return
    at, scans, end = scan, 0, scan + MAX_WALK
    for _ in range(MAX_SEGMENTS):
        match = AFTER_SCAN.search(data, at, end)
        if match is None and end < len(data):
            break
        if match is None or data[match.start() + 1] == END[1]:
            return
        marker, at = data[match.start() + 1], match.end()
        if marker in STANDALONE:
            continue
        scans += marker == START_OF_SCAN[1]
        if scans > MAX_SCANS:
            break
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    raise TooManyScans(f"more than {MAX_SCANS} scans")
