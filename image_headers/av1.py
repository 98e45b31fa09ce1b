"""Reads the largest frame that an AV1 stream allows itself (AV1 specification, 5.3 to 5.5): dav1d allocates it.

The container of an AVIF may declare another, smaller size.
"""

from image_headers.header import DamagedImage

SEQUENCE_HEADER = 1
MAX_UNITS = 1000
# A sequence header has at most 32 operating points of some 70 bits.
MAX_HEADER = 400
LEVELS_WITHOUT_TIER = 7


class _Bits:
    """The bits of a sequence header, from the highest of each byte."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise DamagedImage("the header of the AV1 stream is cut off")
        self._left -= count
        return self._number >> self._left & (1 << count) - 1

    def take_zeros(self) -> int:
        """Return how many zeros come before the next one, and pass all of them."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return zeros


def largest_frame(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the largest width and height of the sequence headers between two places of a file.

    Raises:
        DamagedImage: there is none, one is cut off, or there are more units than any encoder writes.
    """
    width = height = 0
    for _ in range(MAX_UNITS):
        if at >= end:
            break
        head, at = data[at], at + 1 + (data[at] >> 2 & 1)
        size, at = _size(data, at, end) if head & 2 else (end - at, at)
        if head >> 3 & 15 == SEQUENCE_HEADER:
            wide, high = _frame(_Bits(data[at : min(at + size, at + MAX_HEADER, end)]))
            width, height = max(width, wide), max(height, high)
        at += size
    if at < end or not width:
        raise DamagedImage("the AV1 stream has no header, or too many parts")
    return width, height


def _size(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, the lowest first, and where it ends."""
    size = 0
    for place in range(min(8, end - at)):
        size |= (data[at + place] & 0x7F) << 7 * place
        if not data[at + place] & 0x80:
            return size, at + place + 1
    raise DamagedImage("a part of the AV1 stream is malformed")


def _frame(bits: _Bits) -> tuple[int, int]:
    """Return the largest width and height from a sequence header."""
    # Profile and whether it is a still picture; then whether the rest is reduced to that of one, with its level only.
    bits.take(4)
    if bits.take(1):
        bits.take(5)
    else:
        _pass_operating_points(bits, _delay_bits(bits))
    widths = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(widths[0]) + 1, bits.take(widths[1]) + 1


def _delay_bits(bits: _Bits) -> int:
    """Pass the timing; return the bits of a decoder model's delays, 0 if there is no model."""
    if not bits.take(1):
        return 0
    bits.take(64)
    if bits.take(1):
        bits.take(min(32, bits.take_zeros()))
    if not bits.take(1):
        return 0
    delay = bits.take(5) + 1
    bits.take(42)
    return delay


def _pass_operating_points(bits: _Bits, delay: int) -> None:
    display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > LEVELS_WITHOUT_TIER:
            bits.take(1)
        if delay and bits.take(1):
            bits.take(2 * delay + 1)
        if display_delay and bits.take(1):
            bits.take(4)
