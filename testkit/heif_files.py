"""HEIC and AVIF files put together by hand: any items, properties in any order, any primary picture."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from image_headers.boxes import Boxes, read_items

TRANSFORMS = (b"irot", b"imir", b"clap")


def box(name: bytes, body: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(body), name) + body


def full(name: bytes, body: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(name, bytes([version]) + flags.to_bytes(3, "big") + body)


def size(width: int, height: int) -> bytes:
    """Return the property that says how large a picture is."""
    return full(b"ispe", struct.pack(">II", width, height))


def rotation(quarters: int) -> bytes:
    """Return the property that turns a picture to the left by quarters."""
    return box(b"irot", bytes([quarters]))


def mirror(axis: int) -> bytes:
    """Return the property that mirrors a picture: 0 top to bottom, 1 left to right."""
    return box(b"imir", bytes([axis]))


def aperture(*fractions: tuple[int, int]) -> bytes:
    """Return the property that crops a picture: width, height, horizontal and vertical offset of the centre."""
    return box(b"clap", b"".join(struct.pack(">iI", *each) for each in fractions))


@dataclass(slots=True)
class Item:
    """An item: its kind, content and properties, and the numbers (from 1) of the items it is derived from."""

    kind: bytes
    content: bytes
    properties: list[bytes] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    # A reference to other items: its kind and their numbers.
    reference: tuple[bytes, list[int]] | None = None


def coded(image: Image.Image, kind: str) -> Item:
    """Return a picture coded as HEIF or AVIF, with its properties and without transformations."""
    output = io.BytesIO()
    image.save(output, kind, quality=90)
    data = output.getvalue()
    boxes = Boxes(data)
    items = read_items(boxes, boxes.top()[b"meta"])
    _, at, length = items.places[items.primary]
    kept = [each for each in items.properties(items.primary) if each.name not in TRANSFORMS]
    return Item(
        items.types[items.primary],
        data[at : at + length],
        [box(each.name, data[each.at : each.end]) for each in kept],
    )


def grid(rows: int, columns: int, width: int, height: int) -> bytes:
    """Return the content of an item that puts tiles together."""
    return struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)


def overlay(width: int, height: int, places: Sequence[tuple[int, int]]) -> bytes:
    """Return the content of an item that lays pictures over a grey canvas, each at a place."""
    head = struct.pack(">BBHHHHHH", 0, 0, 0x8000, 0x8000, 0x8000, 0xFFFF, width, height)
    return head + b"".join(struct.pack(">hh", *each) for each in places)


def assembled(items: Sequence[Item], primary: int, brand: bytes = b"heic") -> bytes:
    """Return the file that holds these items, numbered from 1."""
    start = box(b"ftyp", brand + bytes(4) + brand + b"mif1")
    length = len(_meta(items, primary, 0))
    meta = _meta(items, primary, len(start) + length + 8)
    return start + meta + box(b"mdat", b"".join(each.content for each in items))


def _meta(items: Sequence[Item], primary: int, at: int) -> bytes:
    places, kinds, owners, references = b"", b"", b"", b""
    shared: list[bytes] = []
    for number, item in enumerate(items, 1):
        places += struct.pack(">HHHII", number, 0, 1, at, len(item.content))
        at += len(item.content)
        kinds += full(b"infe", struct.pack(">HH4s", number, 0, item.kind) + b"\0", 2)
        indexes = b""
        for each in item.properties:
            shared.append(each)
            # Decoders must not ignore what crops or turns.
            indexes += bytes([len(shared) | 0x80 * (each[4:8] in TRANSFORMS)])
        owners += struct.pack(">HB", number, len(item.properties)) + indexes
        for name, aims in ((b"dimg", item.inputs), item.reference or (b"", [])):
            if aims:
                numbers = struct.pack(f">{len(aims)}H", *aims)
                references += box(name, struct.pack(">HH", number, len(aims)) + numbers)
    properties = box(b"ipco", b"".join(shared)) + full(b"ipma", struct.pack(">I", len(items)) + owners)
    return full(
        b"meta",
        full(b"hdlr", bytes(4) + b"pict" + bytes(13))
        + full(b"pitm", struct.pack(">H", primary))
        + full(b"iloc", b"\x44\x00" + struct.pack(">H", len(items)) + places)
        + full(b"iinf", struct.pack(">H", len(items)) + kinds)
        + (full(b"iref", references) if references else b"")
        + box(b"iprp", properties),
    )
