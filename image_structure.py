"""Whether image files are complete, from the structure of their formats: no pixels are decoded."""


def is_complete(data: bytes, kind: str) -> bool | None:
    """Return whether a file of the format `kind` (Pillow's name) has its end; None if only decoding shows it."""
    if kind in ("JPEG", "MPO"):
        return _jpeg(data)
    if kind == "PNG":
        return _png(data)
    if kind == "WEBP":
        # RIFF: the size at offset 4 does not count the first 8 bytes.
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    if kind in ("HEIF", "AVIF"):
        return _boxes(data)
    return None


def _jpeg(data: bytes) -> bool | None:
    """Return whether an end marker follows the first scan (ITU-T T.81, annex B; inside a scan, FF is escaped)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:
            # Some cameras write no end marker: then only decoding shows whether the file is complete.
            return data.find(b"\xff\xd9", at) >= 0 or None
        standalone = marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8
        at += (1 if marker == 0xFF else 2) if standalone else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _png(data: bytes) -> bool:
    """Return whether the chunks lead to a complete IEND (PNG, 5.3)."""
    at = 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return at <= len(data)
    return False


def _boxes(data: bytes) -> bool:
    """Return whether the top-level boxes of an ISO base media file (ISO/IEC 14496-12, 4.2) end with the file."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            return True
        if size < 8:
            return False
        at += size
    return at == len(data)
