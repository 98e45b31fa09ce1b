"""Reads CR3 files: boxes (ISO/IEC 14496-12) with Canon's own inside `uuid`: EXIF directories, and JPEG previews."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from image_headers.boxes import Box, Boxes
from image_headers.directories import Tiff
from image_headers.header import DamagedImage

BRAND = b"ftypcrx "
# Canon's boxes of metadata, in `moov`; and of the preview, beside it.
METADATA = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
PREVIEW = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")
UUID_BYTES = 16
# What stands before the boxes of the preview, and before its JPEG: sizes.
BEFORE_PREVIEW, BEFORE_JPEG = 8, 16
PATH = (b"mdia", b"minf", b"stbl")
MAX_TRACKS = 8


@dataclass(slots=True)
class Found:
    """Where the JPEGs may be, the full-size one first, and the directories of EXIF: main, camera, GPS."""

    previews: list[tuple[int, int]] = field(default_factory=list)
    blocks: dict[bytes, Tiff] = field(default_factory=dict)
    is_cut: bool = False


def matches(data: bytes) -> bool:
    """Return whether a file is CR3 by its first bytes."""
    return data[4:12] == BRAND


def read(data: bytes) -> Found:
    """Return the contents of a CR3 file that matter; what is malformed is left out."""
    boxes, found = Boxes(data), Found()
    try:
        for box in boxes.inside(0, len(data)):
            with contextlib.suppress(DamagedImage):
                if box.name == b"moov":
                    _movie(boxes, box, found)
                elif box.name == b"uuid" and data[box.at : box.at + UUID_BYTES] == PREVIEW:
                    _preview(boxes, box, found)
    except DamagedImage:
        found.is_cut = True
    return found


def _movie(boxes: Boxes, movie: Box, found: Found) -> None:
    tracks = 0
    for box in boxes.inside(movie.at, movie.end):
        if box.name == b"uuid" and boxes.data[box.at : box.at + UUID_BYTES] == METADATA:
            for part in boxes.inside(box.at + UUID_BYTES, box.end):
                if part.name in (b"CMT1", b"CMT2", b"CMT4"):
                    with contextlib.suppress(DamagedImage):
                        found.blocks[part.name] = Tiff(boxes.data[part.at : part.end])
        elif box.name == b"trak" and tracks < MAX_TRACKS:
            tracks += 1
            found.previews.extend(_sample(boxes, box))


def _sample(boxes: Boxes, track: Box) -> Iterator[tuple[int, int]]:
    """Yield where the first sample of a track begins and ends."""
    inner = track
    for name in PATH:
        inner = next((box for box in boxes.inside(inner.at, inner.end) if box.name == name), Box(b"", 0, 0))
    at = size = 0
    for box in boxes.inside(inner.at, inner.end):
        if box.name == b"stsz":
            size = boxes.number(box.at + 4, 4, box.end) or boxes.number(box.at + 12, 4, box.end)
        elif box.name in (b"co64", b"stco"):
            at = boxes.number(box.at + 8, 8 if box.name == b"co64" else 4, box.end)
    if at and size:
        yield at, at + size


def _preview(boxes: Boxes, box: Box, found: Found) -> None:
    for part in boxes.inside(box.at + UUID_BYTES + BEFORE_PREVIEW, box.end):
        if part.name == b"PRVW":
            size = boxes.number(part.at + BEFORE_JPEG - 4, 4, part.end)
            found.previews.append((part.at + BEFORE_JPEG, part.at + BEFORE_JPEG + size))
