"""Makes a photo of a camera's RAW file: its largest JPEG preview, with the RAW file's own time and orientation."""

import contextlib
from dataclasses import dataclass

from image_headers import canon_boxes, exif_block, jpeg, raw
from image_headers.directories import Tiff
from image_headers.exif_block import ORIENTATION, Parts
from image_headers.header import DamagedImage, Header, ImageError, NoPreview

# A smaller one is for the camera's screen: it shows no faces, and fills no phone. Adobe's medium previews have 1,024.
MIN_LONG_SIDE = 1000
MAX_PREVIEWS = 16
# The header of a preview lies in this much of it.
HEAD = 256 * 1024
TAKEN = 0x9003
# Content type by the usual ending of the file.
KINDS = {
    "CR2": "image/x-canon-cr2",
    "CR3": "image/x-canon-cr3",
    "NEF": "image/x-nikon-nef",
    "ARW": "image/x-sony-arw",
    "RAF": "image/x-fuji-raf",
    "DNG": "image/x-adobe-dng",
    "ORF": "image/x-olympus-orf",
    "RW2": "image/x-panasonic-rw2",
    "PEF": "image/x-pentax-pef",
    "SRW": "image/x-samsung-srw",
}
# Endings that stand for the same kinds.
ENDINGS = {**{kind.lower(): kind for kind in KINDS}, "nrw": "NEF", "sr2": "ARW", "srf": "ARW"}
# The first bytes of the files that `read` looks into; some of them are TIFF.
SIGNATURES = (raw.RAF, b"II", b"MM")


def may_be(head: bytes) -> bool:
    """Return whether a file with these first bytes (12 or more) may be the RAW file of a camera."""
    return head.startswith(SIGNATURES) or canon_boxes.matches(head)


@dataclass(frozen=True, slots=True)
class Raw:
    """A camera's RAW file: its kind, a key of `KINDS`, and the JPEG that shows it, upright by its EXIF block."""

    kind: str
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class _Contents:
    kind: str
    previews: list[raw.Place]
    parts: Parts
    is_cut: bool


def read(data: bytes) -> Raw | None:
    """Return the photo in a camera's RAW file; None if the file is something else.

    Raises:
        NoPreview: it has no JPEG preview with a long side of `MIN_LONG_SIDE` px.
        DamagedImage: a part of it, such as the sensor's values, is not in the file.
    """
    found = _contents(data)
    if found is None:
        return None
    if found.is_cut:
        raise DamagedImage(f"the {found.kind} file is cut off")
    sizes = {place: _long_side(data, place) for place in list(dict.fromkeys(found.previews))[:MAX_PREVIEWS]}
    for place in sorted(sizes, key=lambda each: sizes[each], reverse=True):
        if sizes[place] < MIN_LONG_SIDE:
            break
        picture = data[place[0] : place[1]]
        with contextlib.suppress(ImageError):
            header = jpeg.read(picture)
            return Raw(found.kind, _with_exif(picture, _told(found.parts, header)))
    raise NoPreview(f"a {found.kind} file without a large preview")


def _contents(data: bytes) -> _Contents | None:
    if data.startswith(raw.RAF):
        return _Contents("RAF", [raw.raf_preview(data)], Parts(), raw.raf_is_cut(data))
    if canon_boxes.matches(data):
        found = canon_boxes.read(data)
        blocks = (found.blocks.get(name) for name in (b"CMT1", b"CMT2", b"CMT4"))
        return _Contents("CR3", found.previews, exif_block.joined(*blocks), found.is_cut)
    if data[:2] not in (b"II", b"MM"):
        return None
    try:
        tiff = Tiff(data)
        page = tiff.directory(tiff.first)
        if not raw.is_raw(tiff, page):
            return None
        is_cut = raw.is_cut(tiff)
    except DamagedImage:
        return None
    kind, previews = raw.kind_of(tiff, page), list(raw.previews(tiff, page))
    return _Contents(kind, previews, exif_block.collected(tiff, page), is_cut)


def _long_side(data: bytes, place: raw.Place) -> int:
    """Return the long side in px of the JPEG at a place; 0 if there is none, or one that is not decoded."""
    at, end = place
    if not 0 < at < end <= len(data) or not data.startswith(jpeg.SIGNATURE, at):
        return 0
    try:
        header = jpeg.read(data[at : min(end, at + HEAD)])
    except ImageError:
        return 0
    return max(header.width, header.height)


def _told(parts: Parts, header: Header) -> Parts:
    """Return what the RAW file tells; where it tells no time, what its preview does, but upright as the RAW says."""
    own = Parts()
    with contextlib.suppress(DamagedImage):
        tiff = Tiff(header.exif.removeprefix(b"Exif\0\0"))
        own = exif_block.collected(tiff, tiff.directory(tiff.first))
    orientation = parts.number(ORIENTATION) or own.number(ORIENTATION)
    chosen = parts if TAKEN in parts.camera or TAKEN not in own.camera else own
    return chosen.turned(orientation if 1 <= orientation <= 8 else 1)


def _with_exif(picture: bytes, parts: Parts) -> bytes:
    """Return a JPEG with another EXIF block, without XMP and without pointers to further pictures behind it."""
    block = b"Exif\0\0" + parts.block()
    kept = [picture[:2], b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block]
    at = 2
    while at + 4 <= len(picture) and picture[at] == 0xFF and picture[at + 1] != jpeg.START_OF_SCAN[1]:
        marker, length = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4], "big")
        if marker == 0xFF or marker in jpeg.STANDALONE or length < 2:
            break
        end = at + 2 + length
        if marker != 0xE1 and not (marker == 0xE2 and picture.startswith(b"MPF\0", at + 4)):
            kept.append(picture[at:end])
        at = end
    return b"".join((*kept, picture[at:]))
