"""Writes the EXIF block of a copy: how the picture is turned and which colours it has, and nothing else unasked."""

import re

from image_headers.dcf import COLOUR_SPACE, INDEX, OTHER_COLOURS, is_adobe_rgb
from image_headers.directories import ASCII, SHORT, UNDEFINED
from image_headers.exif import ORIENTATION, SUB_IFD, Block, opened, orientation
from image_headers.exif_block import Parts, Values

UPRIGHT = 1
COPYRIGHT, VERSION = 0x8298, 0x9000
INDEX_VERSION = 0x0002
# Capture time, its offset from UTC and the decimals of its second, each with the only form in which it is kept.
TIMES = {
    0x9003: re.compile(rb"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d"),
    0x9011: re.compile(rb"[+-]\d\d:\d\d"),
    0x9291: re.compile(rb"\d{1,9} {0,8}"),
}
MAX_COPYRIGHT = 1000


def kept(exif: bytes, *, detailed: bool) -> bytes:
    """Return the EXIF block of a copy, empty if there is nothing to say; `exif` is that of the file.

    With `detailed`, also when the picture was taken and whose rights it is under.
    """
    main, camera, index = Values(), Values(), Values()
    turned = orientation(exif)
    if turned != UPRIGHT:
        main[ORIENTATION] = SHORT, 1, turned.to_bytes(2, "big")
    if is_adobe_rgb(exif):
        camera[COLOUR_SPACE] = SHORT, 1, OTHER_COLOURS.to_bytes(2, "big")
        index[INDEX], index[INDEX_VERSION] = (ASCII, 4, b"R03\0"), (UNDEFINED, 4, b"0100")
    block = opened(exif)
    if detailed and block is not None:
        main |= _copyright(block)
        camera |= _times(block)
    if camera:
        camera[VERSION] = UNDEFINED, 4, b"0232"
    return Parts(">", main, camera, index=index).block() if main or camera else b""


def _copyright(block: Block) -> Values:
    entry = block.find(block.number(4, 4), COPYRIGHT).get(COPYRIGHT)
    said = _text(block, entry, MAX_COPYRIGHT).strip(b"\0 ")
    return {COPYRIGHT: (ASCII, len(said) + 1, said + b"\0")} if said else {}


def _times(block: Block) -> Values:
    below = block.value(block.find(block.number(4, 4), SUB_IFD).get(SUB_IFD))
    entries = block.find(below, *TIMES)
    texts = {tag: _text(block, entries.get(tag), 32).split(b"\0")[0] for tag in TIMES}
    told = {tag: text for tag, text in texts.items() if TIMES[tag].fullmatch(text)}
    if min(TIMES) not in told:
        return {}
    return {tag: (ASCII, len(text) + 1, text + b"\0") for tag, text in told.items()}


def _text(block: Block, entry: int | None, most: int) -> bytes:
    """Return the bytes of a text, at most so many; none if it is no text or lies outside the block."""
    if entry is None or block.number(entry + 2, 2) != ASCII:
        return b""
    length = block.number(entry + 4, 4)
    at = entry + 8 if length <= 4 else block.number(entry + 8, 4)
    return block.data[at : at + min(length, most)]
