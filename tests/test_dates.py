"""When a picture was taken, and by which camera, as files of every kind and every program say it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import images
from image_headers.camera import Camera
from photos.clocks.moments import taken
from testkit.metadata import (
    CHANGED,
    CHANGED_OFFSET,
    DIGITISED,
    DIGITISED_OFFSET,
    MAKE,
    MODEL,
    NUMBER,
    ORIGINAL,
    ORIGINAL_FRACTION,
    ORIGINAL_OFFSET,
    SPACES,
    exif_of,
    file_of,
    iptc_of,
    xmp_of,
)
from testkit.processor import least_seconds

MANY = 1_000_000
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CLOCK = "2026:06:20 18:30:05"
KINDS = ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"]


def found(data: bytes, zone: str = "Europe/Paris") -> str | None:
    """Return when the picture of a file was taken, in UTC, as `ISO 8601`; None if the file does not say."""
    at = taken(images.inspect(data, MANY).moments, zone, NOW)
    return at.at.isoformat().removesuffix("+00:00") if at else None


def by_exif(tags: dict[int, str], **gps: Any) -> str | None:
    return found(file_of("JPEG", exif_of(tags, gps.get("gps"))))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        (CLOCK, "2026-06-20T16:30:05"),
        ("2026:06:20 18:30:05.123", "2026-06-20T16:30:05.123000"),
        ("2026:06:20 18:30:05,5", "2026-06-20T16:30:05.500000"),
        ("2026:06:20 18:30:05.123+02:00", "2026-06-20T16:30:05.123000"),
        ("2026-06-20T18:30:05.123456789Z", "2026-06-20T18:30:05.123456"),
        ("2026-06-20 18:30:05 -0330", "2026-06-20T22:00:05"),
        ("2026/06/20 18:30:05", "2026-06-20T16:30:05"),
        ("2026:06:20 18:30", "2026-06-20T16:30:00"),
        ("2026:06:20 18:30:  ", "2026-06-20T16:30:00"),
        ("2024:02:29 12:00:00", "2024-02-29T11:00:00"),
        ("2026:11:27 12:59:59", "2026-11-27T11:59:59"),
    ],
)
def test_a_date_is_read_in_every_form_that_software_writes(text: str, utc: str) -> None:
    assert by_exif({ORIGINAL: text}) == utc


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2026:13:45 18:30:05",
        "2026:02:30 18:30:05",
        "2026:06:20 24:30:05",
        "2026:06:20 18:61:05",
        "1980:01:01 00:00:00",
        "2027:06:20 18:30:05",
        "9999:12:31 23:59:59",
        "2026:06:20",
        "2026:06",
        "2026",
        "yesterday",
        "",
        "２０２６:06:20 18:30:05",
    ],
)
def test_an_impossible_date_is_none_and_the_next_source_is_asked(text: str) -> None:
    assert by_exif({ORIGINAL: text}) is None
    assert by_exif({ORIGINAL: text, DIGITISED: CLOCK}) == "2026-06-20T16:30:05"
    assert found(file_of("JPEG", exif_of({ORIGINAL: text}), iptc=iptc_of(_55="20260620", _60="183005+0900"))) == (
        "2026-06-20T09:30:05"
    )


@pytest.mark.parametrize(
    ("tags", "utc"),
    [
        ({ORIGINAL_OFFSET: "+09:00"}, "2026-06-20T09:30:05"),
        ({ORIGINAL_OFFSET: "-04:30"}, "2026-06-20T23:00:05"),
        ({ORIGINAL_OFFSET: "Z"}, "2026-06-20T18:30:05"),
        ({ORIGINAL_OFFSET: "+0200", CHANGED_OFFSET: "+01:00"}, "2026-06-20T16:30:05"),
        # What is no offset is none; so is that of another date.
        ({ORIGINAL_OFFSET: "+27:00"}, "2026-06-20T16:30:05"),
        ({ORIGINAL_OFFSET: "   :  "}, "2026-06-20T16:30:05"),
        ({CHANGED_OFFSET: "+09:00"}, "2026-06-20T16:30:05"),
        ({DIGITISED: "2026:06:21 10:00:00", DIGITISED_OFFSET: "+09:00"}, "2026-06-20T16:30:05"),
        # The same reading of the clock, written twice.
        ({CHANGED: CLOCK, CHANGED_OFFSET: "+09:00"}, "2026-06-20T09:30:05"),
        ({ORIGINAL_FRACTION: "07"}, "2026-06-20T16:30:05.070000"),
        ({ORIGINAL_FRACTION: "123   "}, "2026-06-20T16:30:05.123000"),
        ({ORIGINAL_FRACTION: "later"}, "2026-06-20T16:30:05"),
        # Another date neither changes the picture's, nor does the time of satellites.
        ({DIGITISED: "2026:06:25 10:00:00", CHANGED: "2026:07:01 10:00:00"}, "2026-06-20T16:30:05"),
    ],
)
def test_offset_and_decimals_belong_to_their_date(tags: dict[int, str], utc: str) -> None:
    gps = {0x1D: "2026:06:20", 0x07: (3.0, 2.0, 1.0)}
    assert by_exif({ORIGINAL: CLOCK, **tags}) == utc
    assert by_exif({ORIGINAL: CLOCK, **tags}, gps=gps) == utc


@pytest.mark.parametrize(
    ("gps", "utc"),
    [
        ({0x1D: "2026:06:20", 0x07: (16.0, 30.0, 5.5)}, "2026-06-20T16:30:05.500000"),
        ({0x1D: "2026-06-20", 0x07: (0.0, 0.0, 0.0)}, "2026-06-20T00:00:00"),
        ({0x1D: "2026:06:20"}, None),
        ({0x07: (16.0, 30.0, 5.0)}, None),
        ({0x1D: "2026:06:20", 0x07: (25.0, 30.0, 5.0)}, None),
        ({0x1D: "1980:01:06", 0x07: (0.0, 0.0, 0.0)}, None),
    ],
)
def test_the_time_of_satellites_is_the_last_resort(gps: dict[int, Any], utc: str | None) -> None:
    data = file_of("JPEG", exif_of({CHANGED: CLOCK}, gps))
    assert found(data) == utc
    at = taken(images.inspect(data, MANY).moments, "Europe/Paris", NOW)
    assert at is None or not at.by_camera


def test_the_time_of_a_files_last_change_is_no_date_of_the_picture() -> None:
    assert by_exif({CHANGED: CLOCK, CHANGED_OFFSET: "+02:00"}) is None


@pytest.mark.parametrize(
    ("attributes", "elements", "utc"),
    [
        ('exif:DateTimeOriginal="2026-06-20T18:30:05+02:00"', "", "2026-06-20T16:30:05"),
        ("photoshop:DateCreated='2026-06-20T18:30:05.25'", "", "2026-06-20T16:30:05.250000"),
        ("", "<photoshop:DateCreated>2026-06-20T18:30:05</photoshop:DateCreated>", "2026-06-20T16:30:05"),
        ("", "<xmp:CreateDate>\n 2026-06-20T18:30Z </xmp:CreateDate>", "2026-06-20T18:30:00"),
        (
            'xmp:CreateDate="2026-06-25T10:00:00"',
            "<exif:DateTimeOriginal>2026-06-20T18:30:05-01:00</exif:DateTimeOriginal>",
            "2026-06-20T19:30:05",
        ),
        (
            'exif:DateTimeOriginal="0000-00-00T00:00:00" xmp:CreateDate="2026-06-20T18:30:05"',
            "",
            "2026-06-20T16:30:05",
        ),
        ('exif:GPSTimeStamp="2026-06-20T16:30:05Z"', "", "2026-06-20T16:30:05"),
        # A day, a month or a year is no time; neither is what changed the file.
        ('photoshop:DateCreated="2026-06-20"', "", None),
        ('photoshop:DateCreated="2026-06"', "<xmp:CreateDate>2026</xmp:CreateDate>", None),
        ('xmp:ModifyDate="2026-06-20T18:30:05"', "", None),
        ("", "<!-- <xmp:CreateDate>2026-06-20T18:30:05</xmp:CreateDate> -->", None),
        ("", "<xmp:CreateDate>&when;</xmp:CreateDate>", None),
    ],
)
def test_dates_of_xmp_are_read_as_attributes_and_elements(attributes: str, elements: str, utc: str | None) -> None:
    packet = xmp_of(attributes, elements)
    assert found(file_of("JPEG", xmp=packet)) == utc
    # With the date of EXIF, it is that which counts.
    assert found(file_of("JPEG", exif_of({ORIGINAL: "2026:06:19 12:00:00"}), packet)) == "2026-06-19T10:00:00"


def test_xmp_may_name_its_prefixes_otherwise_and_has_no_entities() -> None:
    date, spaces = 'e:DateTimeOriginal="2026-06-20T18:30:05Z"', SPACES.replace("xmlns:exif", "xmlns:e")
    assert found(file_of("JPEG", xmp=xmp_of(date, spaces=spaces))) == "2026-06-20T18:30:05"
    assert found(file_of("JPEG", xmp=xmp_of(date))) is None
    packet = b'<!DOCTYPE x [<!ENTITY a "b">]>' + xmp_of('xmp:CreateDate="2026-06-20T18:30:05"')
    assert found(file_of("JPEG", xmp=packet)) is None


@pytest.mark.parametrize(
    ("texts", "utc"),
    [
        ({"_55": "20260620", "_60": "183005+0900"}, "2026-06-20T09:30:05"),
        ({"_55": "20260620", "_60": "183005"}, "2026-06-20T16:30:05"),
        ({"_55": "20260620", "_60": "18:30:05-01:00"}, "2026-06-20T19:30:05"),
        ({"_62": "20260620", "_63": "183005+0000"}, "2026-06-20T18:30:05"),
        ({"_55": "20260620"}, None),
        ({"_55": "00000000", "_60": "000000+0000"}, None),
        ({"_55": "2026", "_60": "183005"}, None),
    ],
)
def test_dates_of_iptc_are_read_where_there_are_no_others(texts: dict[str, str], utc: str | None) -> None:
    assert found(file_of("JPEG", iptc=iptc_of(**texts))) == utc
    packet = xmp_of('xmp:CreateDate="2026-06-19T12:00:00Z"')
    assert found(file_of("JPEG", xmp=packet, iptc=iptc_of(**texts))) == "2026-06-19T12:00:00"


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_says_when_and_by_which_camera(kind: str) -> None:
    exif = exif_of(
        {MAKE: "Canon ", MODEL: "Canon  EOS R5", NUMBER: "01234", ORIGINAL: CLOCK, ORIGINAL_OFFSET: "+09:00"}
    )
    data = file_of(kind, exif)
    assert found(data) == "2026-06-20T09:30:05"
    assert images.inspect(data, MANY).camera == Camera("Canon", "Canon EOS R5", "01234")
    packet = xmp_of('exif:DateTimeOriginal="2026-06-20T18:30:05Z"')
    assert found(file_of(kind, xmp=packet)) == "2026-06-20T18:30:05"
    if kind == "PNG":
        assert found(file_of(kind, xmp=packet, packed=True)) == "2026-06-20T18:30:05"
    if kind == "TIFF":
        assert found(file_of(kind, iptc=iptc_of(_55="20260620", _60="183005+0900"))) == "2026-06-20T09:30:05"


def test_xmp_in_a_container_of_jpeg_xl_is_read() -> None:
    packet = xmp_of('exif:DateTimeOriginal="2026-06-20T18:30:05Z"')
    # A picture of 8 x 8 px, as far as its header goes; then its box of XMP.
    boxes = [(b"jxlc", bytes([0xFF, 0x0A, 0x41, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0])), (b"xml ", packet)]
    data = b"\0\0\0\x0cJXL \r\n\x87\n" + b"".join(
        (8 + len(body)).to_bytes(4, "big") + name + body for name, body in boxes
    )
    assert found(data) == "2026-06-20T18:30:05"


@pytest.mark.parametrize(
    ("clock", "utc"),
    [
        # 02:30 came twice that night in Paris: the first one counts, in summer time.
        ("2025:10:26 02:30:00", "2025-10-26T00:30:00"),
        # 02:30 did not come that night: the clock had not been put forward, and meant 03:30 of summer time.
        ("2026:03:29 02:30:00", "2026-03-29T01:30:00"),
    ],
)
def test_hours_that_come_twice_or_never(clock: str, utc: str) -> None:
    assert by_exif({ORIGINAL: clock}) == utc


BOMBS: dict[str, bytes] = {
    "packed zeros": file_of("PNG", xmp=bytes(60_000_000), packed=True),
    "comments": file_of("PNG", xmp=b"<!--" * 200_000),
    "names": file_of("PNG", xmp=SPACES.encode() + b" exif:DateTimeOriginal " * 100_000),
    "spaces": file_of("PNG", xmp=SPACES.encode() + b"\nexif:DateTimeOriginal" + b" " * 4_000_000),
    "elements": file_of("PNG", xmp=SPACES.encode() + b"<exif:DateTimeOriginal " * 100_000),
    "prefixes": file_of("PNG", xmp=b"".join(b'xmlns:a%d="http://ns.adobe.com/exif/1.0/" ' % n for n in range(9000))),
    "resources": file_of("JPEG", iptc=b"8BIM" + bytes(8) + (b"8BIM" + bytes(8)) * 5000),
    "data sets": file_of("JPEG", iptc=b"\x1c\x02\x37\0\0" * 13_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_metadata_cost_little_and_count_as_none(name: str) -> None:
    assert least_seconds(lambda: images.inspect(BOMBS[name], MANY), enough=0.2) < 0.2
    assert images.inspect(BOMBS[name], MANY).moments == ()


def test_metadata_cut_anywhere_raise_nothing() -> None:
    gps = {0x1D: "2026:06:20", 0x07: (16.0, 30.0, 5.5)}
    exif = exif_of({MAKE: "Leica", NUMBER: "1", ORIGINAL: CLOCK, ORIGINAL_OFFSET: "+09:00"}, gps)
    packet, iptc = xmp_of('exif:DateTimeOriginal="2026-06-20T18:30:05Z"'), iptc_of(_55="20260620", _60="183005+0900")
    for end in range(len(exif)):
        images.inspect(file_of("JPEG", exif[:end]), MANY)
    for end in range(0, len(packet), 5):
        images.inspect(file_of("JPEG", xmp=packet[:end]), MANY)
    for end in range(len(iptc)):
        images.inspect(file_of("JPEG", iptc=iptc[:end]), MANY)


def test_a_camera_has_a_short_name_of_what_can_be_shown() -> None:
    exif = exif_of({MAKE: "Nikon\n\x07 Corp" + "x" * 300, MODEL: " ", NUMBER: " "})
    camera = images.inspect(file_of("JPEG", exif), MANY).camera
    assert camera is not None
    assert camera.make.startswith("Nikon Corp")
    assert len(camera.make) <= 64
    assert (camera.model, camera.number) == ("", "")
    assert images.inspect(file_of("JPEG", exif_of({ORIGINAL: CLOCK})), MANY).camera is None


def test_a_date_may_be_a_day_ahead_and_no_more() -> None:
    moments = images.inspect(file_of("JPEG", exif_of({ORIGINAL: CLOCK, ORIGINAL_OFFSET: "Z"})), MANY).moments
    at = datetime(2026, 6, 20, 18, 30, 5, tzinfo=UTC)
    assert taken(moments, "UTC", at - timedelta(days=1)) is not None
    assert taken(moments, "UTC", at - timedelta(days=1, seconds=1)) is None
