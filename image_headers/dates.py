"""Lists when a picture was taken, by everything its header says, the most trustworthy first.

EXIF's plain DateTime and PNG's tIME are when the file was changed, and do not count (docs/pictures.md).
"""

from collections.abc import Iterator
from datetime import timedelta

from image_headers import exif, iptc, xmp
from image_headers.exif import Block
from image_headers.header import Header
from image_headers.moment import Moment, parse

# Date, offset from UTC and decimals of the second: of the picture, of its digitising, of the file's last change.
TAKEN, DIGITISED, CHANGED = (0x9003, 0x9011, 0x9291), (0x9004, 0x9012, 0x9292), (0x0132, 0x9010, 0x9290)
GPS_TIME, GPS_DATE = 0x0007, 0x001D
XMP_DATES = (
    ("exif", "DateTimeOriginal"),
    ("photoshop", "DateCreated"),
    ("exif", "DateTimeDigitized"),
    ("xmp", "CreateDate"),
)
XMP_GPS = ("exif", "GPSTimeStamp")


def moments(header: Header) -> tuple[Moment, ...]:
    """Return the possible moments that a header names, the most trustworthy first; satellites' are the last.

    Malformed metadata counts as none.
    """
    block = exif.opened(header.exif)
    main = {} if block is None else block.find(block.number(4, 4), exif.SUB_IFD, exif.GPS_IFD, CHANGED[0])
    found = [] if block is None else list(_by_exif(block, main))
    packet = xmp.texts(header.xmp, *XMP_DATES, XMP_GPS) if header.xmp else {}
    found += [parse(packet[name]) for name in XMP_DATES if name in packet]
    found += [parse(each) for each in iptc.texts(header.resources)]
    satellites = [] if block is None else [_by_gps(block, main)]
    if XMP_GPS in packet:
        satellites.append(parse(packet[XMP_GPS], offset="Z"))
    found += [None if each is None else Moment(each.clock, each.offset, by_camera=False) for each in satellites]
    return tuple(each for each in found if each is not None)


def _by_exif(block: Block, main: dict[int, int]) -> Iterator[Moment | None]:
    camera = block.find(block.value(main.get(exif.SUB_IFD)), *TAKEN, *DIGITISED, *CHANGED)
    texts = {tag: block.text(at) for tag, at in {**camera, CHANGED[0]: main.get(CHANGED[0])}.items()}
    for date, offset, fraction in (TAKEN, DIGITISED):
        text = texts.get(date, "")
        zones = [texts.get(offset, "")]
        # An offset belongs to its own date. Where another date is the same reading of the clock, so is its offset.
        zones += [texts.get(each[1], "") for each in (TAKEN, DIGITISED, CHANGED) if texts.get(each[0]) == text]
        zone = next((each for each in zones if each.strip(" :")), "")
        yield parse(text, offset=zone, fraction=texts.get(fraction, ""))


def _by_gps(block: Block, main: dict[int, int]) -> Moment | None:
    place = block.find(block.value(main.get(exif.GPS_IFD)), GPS_TIME, GPS_DATE)
    day, parts = block.text(place.get(GPS_DATE)), block.fractions(place.get(GPS_TIME), 3)
    if len(parts) != 3 or not all(part < limit for part, limit in zip(parts, (24, 60, 61), strict=True)):
        return None
    midnight = parse(f"{day} 00:00:00", offset="Z")
    if midnight is None:
        return None
    hours, minutes, seconds = parts
    since = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return Moment(midnight.clock + since, midnight.offset)
