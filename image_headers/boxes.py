"""Reads the boxes of an ISO base media file (ISO/IEC 14496-12), and the items of its meta box (ISO/IEC 23008-12)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from image_headers.header import DamagedImage, UnsupportedImage

# Boxes, items, places and references together: phones write some 2,500, grids of 1,000 tiles some 9,000.
MAX_STEPS = 15_000
# What can only be the picture itself; after it, phones leave bytes that are no boxes.
NEEDED = {b"ftyp", b"meta", b"mdat", b"moov"}


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its name, and where its content begins and ends in the file."""

    name: bytes
    at: int
    end: int


class Boxes:
    """A file of boxes, read with a bound on the steps.

    Raises (all methods):
        DamagedImage: a box or a list in it ends behind what holds it, or there are more than `MAX_STEPS` of them.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.left = data, MAX_STEPS
        # Where the picture's boxes end; behind it there may be a film, a file of its own.
        self.end = len(data)

    def step(self, count: int = 1) -> None:
        """Count steps against the bound."""
        self.left -= count
        if self.left < 0:
            raise DamagedImage("the file has too many boxes")

    def number(self, at: int, width: int, end: int) -> int:
        """Return a number of `width` bytes that must end before `end`."""
        if at + width > end:
            raise DamagedImage("a box is cut off")
        return int.from_bytes(self.data[at : at + width], "big")

    def _box(self, at: int, end: int) -> Box:
        self.step()
        size, name, body = self.number(at, 4, end), self.data[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = self.number(at + 8, 8, end), at + 16
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            raise DamagedImage(f"a box {name!r} is cut off")
        return Box(name, body, at + size)

    def inside(self, at: int, end: int) -> Iterator[Box]:
        """Yield the boxes from `at` to `end`."""
        while at + 8 <= end:
            box = self._box(at, end)
            yield box
            at = box.end

    def top(self) -> dict[bytes, Box]:
        """Return the boxes of the file by name; of those that are needed, there must be one at most of each."""
        found: dict[bytes, Box] = {}
        at, end = 0, len(self.data)
        while at + 8 <= end:
            name = self.data[at + 4 : at + 8]
            try:
                box = self._box(at, end)
            except DamagedImage:
                if self.left < 0 or name in NEEDED or b"mdat" not in found:
                    raise
                break
            if name == b"ftyp" and b"mdat" in found and b"meta" in found:
                self.end = at
                break
            if name in found and name in (b"meta", b"moov", b"ftyp"):
                raise DamagedImage(f"the file has two boxes {name!r}")
            found[name] = box
            at = box.end
        return found


@dataclass(slots=True)
class Items:
    """The items of a meta box: types, properties in their order, references and places, by item.

    `places` has the first piece of each, and `scattered` those that have more.
    """

    primary: int = 0
    types: dict[int, bytes] = field(default_factory=dict)
    shared: list[Box] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)
    references: dict[tuple[bytes, int], list[int]] = field(default_factory=dict)
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    scattered: set[int] = field(default_factory=set)
    idat: Box | None = None

    def properties(self, item: int) -> list[Box]:
        """Return the properties of an item, in the order in which they apply."""
        return [self.shared[each - 1] for each in self.owned.get(item, []) if 1 <= each <= len(self.shared)]


def read_items(boxes: Boxes, meta: Box) -> Items:
    """Return the items that a meta box describes.

    Raises:
        UnsupportedImage: it has no primary item. DamagedImage: a list in it is malformed, or comes twice.
    """
    items, seen = Items(), set[bytes]()
    readers = {b"pitm": _primary, b"iinf": _types, b"iprp": _properties, b"iref": _references, b"iloc": _places}
    for box in boxes.inside(meta.at + 4, meta.end):
        if box.name in readers:
            if box.name in seen:
                raise DamagedImage(f"the file has two boxes {box.name!r}")
            seen.add(box.name)
            readers[box.name](boxes, box, items)
        elif box.name == b"idat":
            items.idat = box
    if items.primary not in items.types:
        raise UnsupportedImage("the file has no primary picture")
    return items


def _version(boxes: Boxes, box: Box) -> int:
    boxes.number(box.at, 4, box.end)
    return boxes.data[box.at]


def _primary(boxes: Boxes, box: Box, items: Items) -> None:
    items.primary = boxes.number(box.at + 4, 4 if _version(boxes, box) else 2, box.end)


def _types(boxes: Boxes, box: Box, items: Items) -> None:
    for entry in boxes.inside(box.at + (8 if _version(boxes, box) else 6), box.end):
        version = _version(boxes, entry)
        if entry.name != b"infe" or version < 2:
            continue
        width = 2 if version == 2 else 4
        item = boxes.number(entry.at + 4, width, entry.end)
        items.types[item] = boxes.data[entry.at + 6 + width : entry.at + 10 + width]


def _properties(boxes: Boxes, box: Box, items: Items) -> None:
    for part in boxes.inside(box.at, box.end):
        if part.name == b"ipco":
            if items.shared:
                raise DamagedImage("the file has two boxes b'ipco'")
            items.shared = list(boxes.inside(part.at, part.end))
        elif part.name == b"ipma":
            _owners(boxes, part, items)


def _owners(boxes: Boxes, box: Box, items: Items) -> None:
    wide = 4 if _version(boxes, box) else 2
    large = boxes.data[box.at + 3] & 1
    count, at = boxes.number(box.at + 4, 4, box.end), box.at + 8
    for _ in range(count):
        boxes.step()
        item, number = boxes.number(at, wide, box.end), boxes.number(at + wide, 1, box.end)
        at += wide + 1
        boxes.step(number)
        owned = items.owned.setdefault(item, [])
        for _ in range(number):
            owned.append(boxes.number(at, 1 + large, box.end) & (0x7FFF if large else 0x7F))
            at += 1 + large


def _references(boxes: Boxes, box: Box, items: Items) -> None:
    wide = 4 if _version(boxes, box) else 2
    for entry in boxes.inside(box.at + 4, box.end):
        source, count = boxes.number(entry.at, wide, entry.end), boxes.number(entry.at + wide, 2, entry.end)
        boxes.step(count)
        first = entry.at + wide + 2
        aims = [boxes.number(first + wide * each, wide, entry.end) for each in range(count)]
        items.references.setdefault((entry.name, source), []).extend(aims)


def _places(boxes: Boxes, box: Box, items: Items) -> None:
    """Keep the first extent of each item: the way it counts (0: in the file, 1: in `idat`), offset and length."""
    version = _version(boxes, box)
    widths = boxes.number(box.at + 4, 2, box.end)
    offset, length, base, index = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version else 0
    wide = 4 if version > 1 else 2
    at = box.at + 6 + wide
    for _ in range(boxes.number(box.at + 6, wide, box.end)):
        boxes.step()
        item = boxes.number(at, wide, box.end)
        at += wide
        method = boxes.number(at, 2, box.end) & 15 if version else 0
        at += 4 if version else 2
        start = boxes.number(at, base, box.end)
        count, at = boxes.number(at + base, 2, box.end), at + base + 2
        if count > 1:
            items.scattered.add(item)
        if count:
            first = start + boxes.number(at + index, offset, box.end)
            items.places[item] = method, first, boxes.number(at + index + offset, length, box.end)
        at += count * (index + offset + length)
