"""Reads a GIF's blocks (GIF89a, 18 to 27): the screen, the frames, the end."""

import struct

from image_headers.header import DamagedImage, Header, UnsupportedImage

SIGNATURES = (b"GIF87a", b"GIF89a")
EXTENSION, FRAME, TRAILER = 0x21, 0x2C, 0x3B
SCREEN = struct.Struct("<HHB")
DESCRIPTOR = struct.Struct("<HHHHB")
# Encoders fill blocks to 255 bytes: 250,000 are 64 MB. A frame or a note costs as much time as 16 blocks.
MAX_BLOCKS = 250_000
CHAIN = 16


class _Blocks:
    """Where the walk is, and how many blocks it has passed."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at, self.left = data, at, MAX_BLOCKS

    def skip(self) -> None:
        """Pass a chain of sub-blocks, each with its length before it; one of length 0 ends the chain."""
        data, at, left = self.data, self.at, self.left
        left -= CHAIN
        while (size := data[at]) and left > 0:
            at += size + 1
            left -= 1
        if left <= 0:
            raise DamagedImage("the GIF has too many blocks")
        self.at, self.left = at + 1, left


def read(data: bytes) -> Header:
    """Return the header of a GIF. Only its first frame is ever decoded; it counts where it leaves the screen.

    Raises:
        UnsupportedImage: it has no frame. DamagedImage: it is cut off, or has more blocks than any encoder writes.
    """
    try:
        return _read(data)
    except (IndexError, struct.error) as error:
        raise DamagedImage("the GIF is cut off") from error


def _read(data: bytes) -> Header:
    width, height, flags = SCREEN.unpack_from(data, 6)
    blocks = _Blocks(data, 13 + _palette(flags))
    first: tuple[int, int] | None = None
    # A file that lacks its trailer but is whole otherwise, or has something else behind its frames, is taken.
    while first is None or blocks.at < len(data):
        kind = data[blocks.at]
        if kind == EXTENSION:
            blocks.at += 2
        elif kind == FRAME:
            left, top, wide, high, flags = DESCRIPTOR.unpack_from(data, blocks.at + 1)
            first = first or (left + wide, top + high)
            blocks.at += 1 + DESCRIPTOR.size + _palette(flags) + 1
        elif first is None:
            raise UnsupportedImage("the GIF has no frame")
        else:
            break
        blocks.skip()
    width, height = max(width, first[0]), max(height, first[1])
    return Header("GIF", width, height, width * height)


def _palette(flags: int) -> int:
    """Return the bytes of the palette that a screen's or frame's flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
