"""Pictures that are small to send and dear to decode."""

import io

from PIL import Image

from testkit.pictures import saved

# Decoding takes some seconds; no limit of pixels or scans refuses it.
SLOW_SIDE, SCANS = 8000, 95


def slow_jpeg(side: int = SLOW_SIDE, scans: int = SCANS) -> bytes:
    """Return a grey progressive JPEG one of whose scans comes again and again: each is a walk over all blocks.

    It is not the last one: scans behind those that complete the picture are not decoded.
    """
    whole = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True, quality=50)
    last = len(whole)
    # The two last scans complete the picture.
    for _ in range(3):
        end, last = last, whole.rfind(b"\xff\xda", 0, last)
    tables = whole.rfind(b"\xff\xc4", 0, last)
    begins = tables if tables + 2 + int.from_bytes(whole[tables + 2 : tables + 4], "big") == last else last
    following = whole.find(b"\xff\xc4", last, end)
    end = following if following > 0 else end
    more = scans - whole.count(b"\xff\xda")
    return whole[:end] + whole[begins:end] * more + whole[end:]


def large_png(side: int) -> bytes:
    """Return a black PNG of few bytes."""
    target = io.BytesIO()
    Image.new("RGB", (side, side)).save(target, "PNG")
    return target.getvalue()
