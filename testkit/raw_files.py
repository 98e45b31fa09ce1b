"""Writes TIFF structures byte by byte, and files built as the RAW files of cameras are, around a JPEG preview."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ASCII, SHORT, LONG, UNDEFINED = 2, 3, 4, 7
WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, MAKE, STRIP_AT, ORIENTATION, STRIP_BYTES = (
    256,
    257,
    259,
    262,
    271,
    273,
    274,
    279,
)
SUBFILE, SUB_IFDS, JPEG_AT, JPEG_BYTES, EXIF, TAKEN, DNG_VERSION = 254, 330, 513, 514, 0x8769, 0x9003, 50706
CFA = 32803
SENSOR_BYTES = 3000


@dataclass(frozen=True)
class Text:
    """A value of type ASCII."""

    value: str


@dataclass(frozen=True)
class Blob:
    """Bytes somewhere in the file; an entry with it has their offset, and with `size` their number."""

    data: bytes
    size: bool = False


@dataclass(frozen=True)
class Bytes:
    """A value of type UNDEFINED."""

    data: bytes


Value = int | Text | Blob | Bytes | Sequence["Folder"]
Folder = Mapping[int, Value]


class _Writer:
    def __init__(self, order: str, head: bytes) -> None:
        self.order, self.out = order, bytearray(head)
        self.places: dict[bytes, int] = {}

    def number(self, value: int, letter: str = "I") -> bytes:
        return struct.pack(self.order + letter, value)

    def put(self, data: bytes) -> int:
        at = self.places.get(data)
        if at is None:
            at = self.places[data] = len(self.out)
            self.out += data + b"\0" * (len(data) % 2)
        return at

    def folder(self, folder: Folder, following: int = 0) -> int:
        rows = [self.row(tag, value) for tag, value in sorted(folder.items())]
        at = len(self.out)
        self.out += self.number(len(rows), "H") + b"".join(rows) + self.number(following)
        return at

    def row(self, tag: int, value: Value) -> bytes:
        if isinstance(value, int):
            kind = SHORT if value < 65536 else LONG
            held = self.number(value, "H" if kind == SHORT else "I").ljust(4, b"\0")
            return self.number(tag, "H") + self.number(kind, "H") + self.number(1) + held
        if isinstance(value, Blob):
            held = self.number(len(value.data)) if value.size else self.number(self.put(value.data))
            return self.number(tag, "H") + self.number(LONG, "H") + self.number(1) + held
        if isinstance(value, Text | Bytes):
            data = value.value.encode() + b"\0" if isinstance(value, Text) else value.data
            kind = ASCII if isinstance(value, Text) else UNDEFINED
        else:
            data, kind = b"".join(self.number(self.folder(each)) for each in value), LONG
        count = len(data) // 4 if kind == LONG else len(data)
        held = data.ljust(4, b"\0") if len(data) <= 4 else self.number(self.put(data))
        return self.number(tag, "H") + self.number(kind, "H") + self.number(count) + held


def tiff(folders: Sequence[Folder], order: str = "<", mark: int = 42, extra: bytes = b"") -> bytes:
    """Return a TIFF structure with these directories, in either byte order; `extra` stands behind its header."""
    writer = _Writer(order, (b"II" if order == "<" else b"MM") + struct.pack(order + "H", mark) + bytes(4) + extra)
    following = 0
    for folder in reversed(folders):
        following = writer.folder(folder, following)
    writer.out[4:8] = writer.number(following)
    return bytes(writer.out)


def _main(orientation: int, taken: str, make: str) -> dict[int, Value]:
    found: dict[int, Value] = {MAKE: Text(make), 272: Text("Body"), ORIENTATION: orientation}
    return found | ({EXIF: [{TAKEN: Text(taken)}]} if taken else {})


def _sensor() -> dict[int, Value]:
    values = Blob(bytes(SENSOR_BYTES))
    size = {WIDTH: 6000, HEIGHT: 4000, COMPRESSION: 1, PHOTOMETRIC: CFA}
    return {**size, STRIP_AT: values, STRIP_BYTES: Blob(values.data, size=True)}


def _pointed(jpeg: bytes) -> dict[int, Value]:
    return {JPEG_AT: Blob(jpeg), JPEG_BYTES: Blob(jpeg, size=True)}


def _strip(jpeg: bytes, compression: int) -> dict[int, Value]:
    return {COMPRESSION: compression, STRIP_AT: Blob(jpeg), STRIP_BYTES: Blob(jpeg, size=True)}


def cr2(jpeg: bytes, orientation: int = 1, taken: str = "") -> bytes:
    """Return a file like Canon's CR2: the full-size JPEG is the first directory's only strip."""
    first = {**_main(orientation, taken, "Canon"), **_strip(jpeg, 6)}
    return tiff([first, _pointed(b"\xff\xd8\xff"), _sensor()], extra=b"CR\x02\0" + bytes(4))


def nef(jpeg: bytes, orientation: int = 1, taken: str = "", order: str = ">") -> bytes:
    """Return a file like Nikon's NEF: a small picture first, the JPEG and the sensor's values below it."""
    small: dict[int, Value] = {SUBFILE: 1, WIDTH: 4, HEIGHT: 2, 258: 8, COMPRESSION: 1, PHOTOMETRIC: 2, 277: 3}
    strip = Blob(bytes(range(24)))
    small |= {STRIP_AT: strip, STRIP_BYTES: Blob(strip.data, size=True), SUB_IFDS: [_pointed(jpeg), _sensor()]}
    return tiff([{**_main(orientation, taken, "NIKON CORPORATION"), **small}], order)


def arw(jpeg: bytes, orientation: int = 1, taken: str = "") -> bytes:
    """Return a file like Sony's ARW: the first directory points to the JPEG, the sensor's values lie below it."""
    return tiff([{**_main(orientation, taken, "SONY"), **_pointed(jpeg), SUB_IFDS: [_sensor()]}])


def dng(jpeg: bytes, orientation: int = 1, taken: str = "") -> bytes:
    """Return a file like Adobe's DNG: the JPEG is the only strip of a directory below the first one."""
    below = [{**_strip(jpeg, 7), SUBFILE: 1, PHOTOMETRIC: 6}]
    first = {**_main(orientation, taken, "Leica"), **_sensor(), SUB_IFDS: below, DNG_VERSION: Bytes(b"\1\4\0\0")}
    return tiff([first])


def rw2(jpeg: bytes, orientation: int = 1, taken: str = "") -> bytes:
    """Return a file like Panasonic's RW2: the JPEG is the value of a tag."""
    return tiff([{**_main(orientation, taken, "Panasonic"), 46: Bytes(jpeg)}], mark=0x55)


def orf(jpeg: bytes, orientation: int = 1, taken: str = "") -> bytes:
    """Return a file like Olympus's ORF: the maker's note says where, counted from the note, the JPEG is."""
    head = b"OLYMPUS\0II\3\0"
    settings_at = len(head) + 2 + 12 + 4
    jpeg_at = settings_at + 2 + 24 + 4
    note = head + struct.pack("<HHHIII", 1, 0x2020, 13, 1, settings_at, 0)
    note += struct.pack("<H", 2) + struct.pack("<HHII", 0x0101, LONG, 1, jpeg_at)
    note += struct.pack("<HHII", 0x0102, LONG, 1, len(jpeg)) + bytes(4) + jpeg
    first = {**_main(orientation, taken, "OLYMPUS CORPORATION"), **_sensor()}
    return tiff([{**first, EXIF: [{TAKEN: Text(taken), 37500: Bytes(note)}]}], mark=0x4F52)


def raf(jpeg: bytes) -> bytes:
    """Return a file like Fujifilm's RAF; orientation and time are those of the JPEG."""
    head = b"FUJIFILMCCD-RAW 0201FF129502X-T4".ljust(84, b"\0")
    behind = 148 + len(jpeg)
    places = struct.pack(">IIIIII", 148, len(jpeg), behind, 100, behind + 100, SENSOR_BYTES - 100)
    return head + places + bytes(148 - 108) + jpeg + bytes(SENSOR_BYTES)


def box(name: bytes, body: bytes) -> bytes:
    """Return a box of an ISO base media file."""
    return struct.pack(">I", 8 + len(body)) + name + body


def cr3(jpeg: bytes, orientation: int = 1, taken: str = "", *, full: bool = True) -> bytes:
    """Return a file like Canon's CR3; without `full`, the JPEG is the preview beside the film's tracks."""
    main: Folder = {MAKE: Text("Canon"), ORIENTATION: orientation}
    blocks = box(b"CMT1", tiff([main])) + box(b"CMT2", tiff([{TAKEN: Text(taken)}]))
    metadata = box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48") + blocks)
    preview = bytes(4) + struct.pack(">HHHHI", 1, 1620, 1080, 1, len(jpeg)) + jpeg
    beside = box(
        b"uuid", bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16") + bytes(7) + b"\1" + box(b"PRVW", preview)
    )

    def film(at: int) -> bytes:
        sizes = box(b"stsz", bytes(4) + struct.pack(">II", len(jpeg) if full else 9, 1))
        places = box(b"co64", bytes(4) + struct.pack(">IQ", 1, at))
        return box(b"moov", metadata + box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", sizes + places)))))

    head = box(b"ftyp", b"crx \0\0\0\1crx isom")
    behind = b"" if full else beside
    at = len(head) + len(film(0)) + len(behind) + 8
    return head + film(at) + behind + box(b"mdat", (jpeg if full else b"") + bytes(SENSOR_BYTES))


LIKE = {"CR2": cr2, "CR3": cr3, "NEF": nef, "ARW": arw, "DNG": dng, "RW2": rw2, "ORF": orf}
