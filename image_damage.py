"""Tells whether a JPEG is whole. libjpeg fills what is missing with grey and only complains on standard error.

To decode a second time for this would cost a third of a photo's work. So the complaint is caught while the photo is
decoded; only where it can mean something harmless, the picture alone is decoded once more, at an eighth.
"""

import contextlib
import math
import os
import re
import tempfile
import threading
from collections.abc import Iterator

import cv2
import numpy as np

from image_headers.header import Coding, Header
from image_headers.jpeg import AFTER_SCAN, BLOCK_SIDE, END, MARKER, MAX_SEGMENTS, STANDALONE
from image_headers.scans import walk

# libjpeg's words (jerror.h) for data that are missing or make no sense. It says only the first of its complaints.
DAMAGE = re.compile(
    r"premature end of data segment|Premature end of JPEG file|bad Huffman code|found marker .* instead of RST"
    r"|Inconsistent progression sequence",
    re.IGNORECASE,
)
COMPLAINT = re.compile(
    r"^(?:(?:Corrupt JPEG data|Premature end of JPEG|Invalid SOS|Inconsistent progression|Unknown Adobe).*"
    r"|Warning: unknown JFIF.*)$",
    re.MULTILINE,
)
LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
# What a decoder needs of the segments before the scans: frames and tables.
NEEDED = {*range(0xC0, 0xD0), 0xDB, 0xDD}
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
FRAME = re.compile(rb"\xff[\xc0\xc1](?=\0)")
RESTART_INTERVAL = 0xDD
CMYK = 4
ALL_COEFFICIENTS = b"\0\x3f\0"
# After a whole JPEG without an end marker, a few zeros complete the last bytes.
SPARE = bytes(16)
# Bytes between a picture and its end marker that are as many, and as varied, as those of a picture were part of it:
# the decoder lost its place. Padding and notes of cameras are shorter or plainer.
LEFT_OVER_BYTES, LEFT_OVER_VALUES, MOST_PADDING, MOST_LEFT_OVER = 48, 32, 1024, 4096
STDERR = 2
_lock = threading.RLock()


@contextlib.contextmanager
def complaints() -> Iterator[list[str]]:
    """Collect what libjpeg says on standard error within the block; everything else is passed on afterwards."""
    said: list[str] = []
    # Standard error belongs to the whole process: one block at a time, but blocks within blocks.
    with _lock, tempfile.TemporaryFile() as file:
        before = os.dup(STDERR)
        try:
            os.dup2(file.fileno(), STDERR)
            yield said
        finally:
            os.dup2(before, STDERR)
            os.close(before)
            file.seek(0)
            text = file.read().decode("utf-8", "replace")
            said += COMPLAINT.findall(text)
            if other := COMPLAINT.sub("", text).strip():
                os.write(STDERR, f"{other}\n".encode())


def is_damaged(data: bytes, header: Header, said: list[str]) -> bool:
    """Return whether a part of a JPEG is missing or damaged; `said` are the complaints when it was decoded.

    `data` is the picture's file, without what stands before or behind it. Of other formats, damaged files are
    refused. A few bytes that changed within a scan can go unnoticed: they make another picture, as good as any.
    """
    coding = header.coding
    if coding is None:
        return False
    if coding.whole_bytes and not walk(data, coding.scan, coding.colours).complete:
        return True
    if any(DAMAGE.search(each) for each in said):
        return True
    # Pillow, which decodes CMYK, says nothing.
    return (bool(said) or coding.colours == CMYK) and _is_damaged_alone(data, header, coding)


def lacks_a_part(data: bytes, coding: Coding) -> bool:
    """Return whether a JPEG that may lack its end marker lacks more; decoded at an eighth."""
    scans = walk(data, coding.scan, coding.colours)
    end = END if scans.ended else SPARE + END
    return not scans.complete or any(DAMAGE.search(each) for each in _complaints_about(data[: scans.end] + end))


def ended(data: bytes, coding: Coding) -> bytes:
    """Return a JPEG with its end marker right behind its last scan, where libjpeg would read what follows.

    It does where a picture comes in several scans, and Pillow, which decodes CMYK, does always.
    """
    if not coding.whole_bytes and coding.colours != CMYK:
        return data
    scans = walk(data, coding.scan, coding.colours)
    return data if scans.ended else data[: scans.end] + END


def _is_damaged_alone(data: bytes, header: Header, coding: Coding) -> bool:
    """Return whether libjpeg complains of frame, tables and scans alone, without metadata and stray bytes."""
    head, interval = _needed(data, coding.scan)
    if coding.whole_bytes:
        picture, ends = data[coding.scan :], True
    else:
        first = coding.scan + 2 + int.from_bytes(data[coding.scan + 2 : coding.scan + 4], "big")
        found = AFTER_SCAN.search(data, first)
        end = found.start() if found else len(data)
        if interval and len(RESTART.findall(data, first, end)) < _mcus(head, header) // interval - 1:
            return True
        ends = data[end : end + 2] == END
        # Sequential scans bring all coefficients, whatever the last bytes of their header say.
        picture = data[coding.scan : first - 3] + ALL_COEFFICIENTS + data[first:end] + (END if ends else SPARE + END)
    whole = head + picture
    return any(_is_damage(each, whole, ends=ends) for each in _complaints_about(whole))


def _is_damage(complaint: str, data: bytes, *, ends: bool) -> bool:
    """Return whether a complaint about a picture alone means damage; `ends`: its end marker follows its data."""
    left_over = LEFT_OVER.search(complaint)
    if left_over is None:
        return DAMAGE.search(complaint) is not None
    if left_over[2] != "d9":
        return True
    end = data.rfind(END)
    odd = data[max(0, end - min(int(left_over[1]), MOST_LEFT_OVER)) : end]
    return ends and (len(odd) > MOST_PADDING or (len(odd) >= LEFT_OVER_BYTES and len(set(odd)) >= LEFT_OVER_VALUES))


def _needed(data: bytes, scan: int) -> tuple[bytes, int]:
    """Return the beginning of a JPEG with the segments that a decoder needs, and its restart interval in MCUs."""
    parts, interval, at = [data[:2]], 0, 2
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(data, at, scan)
        if found is None:
            break
        marker, at = data[found.start() + 1], found.end()
        if marker in STANDALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if marker in NEEDED:
            parts.append(data[found.start() : at + length])
        if marker == RESTART_INTERVAL:
            interval = int.from_bytes(data[at + 2 : at + 4], "big")
        at += length
    return b"".join(parts), interval


def _mcus(head: bytes, header: Header) -> int:
    """Return the number of MCUs in the single scan of a picture (T.81, A.2); `head` has its frame."""
    frame = FRAME.search(head)
    if frame is None:
        return 0
    body = frame.end()
    sampling = [(head[at] >> 4, head[at] & 15) for at in range(body + 9, body + 9 + 3 * head[body + 7], 3)]
    across, down = (max(pair[axis] for pair in sampling) if len(sampling) > 1 else 1 for axis in (0, 1))
    return math.ceil(header.width / (BLOCK_SIDE * across)) * math.ceil(header.height / (BLOCK_SIDE * down))


def _complaints_about(data: bytes) -> list[str]:
    with complaints() as said, contextlib.suppress(cv2.error):
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    return said
