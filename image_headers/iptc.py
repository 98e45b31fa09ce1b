"""Reads the dates of IPTC metadata (IIM 4.2) among Photoshop's resources, as JPEGs have them in APP13."""

from collections.abc import Iterator

MAX_RESOURCES = 256 * 1024
# Photoshop writes some thirty resources; IPTC has a data set for each keyword.
MAX_STEPS = 2000
RESOURCE, IPTC = b"8BIM", 0x0404
MARK = 0x1C
CREATED, DIGITISED = (55, 60), (62, 63)
APPLICATION_RECORD = 2
LONGEST = 32


def texts(resources: bytes) -> Iterator[str]:
    """Yield when the picture was created, then when it was digitised: a day and a time as EXIF writes them."""
    sets = _data_sets(_block(resources[:MAX_RESOURCES]))
    for day, hour in (CREATED, DIGITISED):
        date, time = sets.get(day, ""), sets.get(hour, "").replace(":", "")
        if len(date) == 8 and len(time) >= 6:
            yield f"{date[:4]}:{date[4:6]}:{date[6:]} {time[:2]}:{time[2:4]}:{time[4:6]}{time[6:]}"


def _block(resources: bytes) -> bytes:
    """Return the IPTC block: that among the resources, or all where it stands alone, as in a TIFF."""
    if resources[:1] == bytes([MARK]):
        return resources
    at = 0
    for _ in range(MAX_STEPS):
        if resources[at : at + 4] != RESOURCE:
            break
        kind, name = int.from_bytes(resources[at + 4 : at + 6], "big"), resources[at + 6 : at + 7]
        # The name has its length before it; both names and contents are padded to an even length.
        at += 6 + (1 + (name[0] if name else 0) + 1) // 2 * 2
        size = int.from_bytes(resources[at : at + 4], "big")
        if kind == IPTC:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _data_sets(block: bytes) -> dict[int, str]:
    """Return the short data sets of the application record, the first of each number."""
    found: dict[int, str] = {}
    at = 0
    for _ in range(MAX_STEPS):
        if at + 5 > len(block) or block[at] != MARK:
            break
        record, number, size = block[at + 1], block[at + 2], int.from_bytes(block[at + 3 : at + 5], "big")
        if size & 0x8000:
            break
        if record == APPLICATION_RECORD and size <= LONGEST:
            found.setdefault(number, block[at + 5 : at + 5 + size].decode("latin-1").strip("\0 "))
        at += 5 + size
    return found
