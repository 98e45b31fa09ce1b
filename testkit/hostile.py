"""Pictures that are small to send and dear to decode."""

import io

from PIL import Image

from testkit.pictures import saved

# Decoding takes some seconds; no limit of pixels or scans refuses it.
SLOW_SIDE, SCANS = 8000, 95


def slow_jpeg(side: int = SLOW_SIDE, scans: int = SCANS) -> bytes:
    """Return a grey progressive JPEG whose last scan comes again and again: each is a walk over all blocks."""
    whole = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True, quality=50)
    scan = whole.rfind(b"\xff\xda")
    tables = whole.rfind(b"\xff\xc4", 0, scan)
    begins = tables if tables + 2 + int.from_bytes(whole[tables + 2 : tables + 4], "big") == scan else scan
    more = scans - whole.count(b"\xff\xda")
    return whole[:-2] + whole[begins:-2] * more + whole[-2:]


def large_png(side: int) -> bytes:
    """Return a black PNG of few bytes."""
    target = io.BytesIO()
    Image.new("RGB", (side, side)).save(target, "PNG")
    return target.getvalue()
