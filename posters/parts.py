"""Parts that the designs share: blocks of a column, a QR code with its white space, and the network of the place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import segno

from posters.content import Content
from posters.lines import Setting, Style, fit
from posters.sheet import QUIET_ZONE, Code, Ink, Item, Words

# Between words in a line, which may end after it.
DOT = "\u00a0· "


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a column: its height, what it draws when it begins at a height, and the space after it, at least."""

    height: float
    draw: Callable[[float], Sequence[Item]]
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Column:
    """A place for blocks: from `x`, `width` wide; texts lie at `align` of it (0 left, 0.5 middle)."""

    x: float
    width: float
    align: float

    def text(
        self, text: str, style: Style, sizes: tuple[float, float], ink: Ink, height: float, after: float = 0.0
    ) -> Block:
        """Return a block with a text as large as it fits into the width and that height."""
        setting = fit(text, style, self.width, height, sizes)
        return self.block(setting, ink, after)

    def block(self, setting: Setting, ink: Ink, after: float = 0.0) -> Block:
        """Return a block with a text that is set already."""
        return Block(
            setting.height,
            lambda y: [Words(setting, self.x, y, self.width, self.align, ink)] if setting.lines else [],
            after,
        )

    def code(self, text: str, size: float, after: float = 0.0) -> Block:
        """Return a block with a QR code. Its white space is left out at the top and bottom, where the gaps are."""
        return Block(size, lambda y: [qr(text, self.x + (self.width - size) * self.align, y, size)], after)


def stack(blocks: Sequence[Block], top: float, bottom: float, *, spread: bool = True) -> list[Item]:
    """Return blocks one below the other from `top`; with `spread`, the gaps grow until the last ends at `bottom`."""
    shown = [each for each in blocks if each.height]
    # A name of which no font has a letter, and nothing else.
    if not shown:
        return []
    spare = bottom - top - sum(each.height + each.after for each in shown) + shown[-1].after
    gaps = sum(each.after for each in shown[:-1])
    more = spare / gaps if spread and gaps and spare > 0 else 0.0
    items: list[Item] = []
    y = top
    for each in shown:
        items += each.draw(y)
        y += each.height + each.after * (1 + more)
    return items


def height_of(blocks: Sequence[Block]) -> float:
    """Return the height that blocks take at least, one below the other."""
    shown = [each for each in blocks if each.height]
    return sum(each.height + each.after for each in shown)


def modules_of(text: str) -> list[list[bool]]:
    """Return the modules of a QR code with error correction M, or better where that needs no more of them."""
    return [[bool(module) for module in row] for row in segno.make(text, error="m", micro=False).matrix]


def qr(text: str, x: float, y: float, size: float) -> Code:
    """Return a QR code whose modules fill a square."""
    return Code(modules_of(text), x, y, size)


def module_mm(text: str, size: float) -> float:
    """Return the side of a module of a QR code that is `size` mm wide without its white space."""
    return size / len(modules_of(text))


def quiet_mm(text: str, size: float) -> float:
    """Return the width of the white space that a QR code of `size` mm needs on each side."""
    return QUIET_ZONE * module_mm(text, size)


def joined(parts: Sequence[str]) -> str:
    """Return the words of both languages in one line, those that are the same once."""
    return DOT.join(dict.fromkeys(part for part in parts if part))


def dates_of(
    content: Content, column: Column, style: Style, sizes: tuple[float, float], ink: Ink, after: float
) -> list[Block]:
    """Return the date in all languages: in one line unless that were much smaller, else a line for each."""
    dates = list(dict.fromkeys(each.date for each in content.words if each.date))
    together = fit(joined(dates), style, column.width, sizes[0], sizes, 1)
    if len(dates) < 2 or together.size > 0.8 * sizes[0]:
        return [column.block(together, ink, after)]
    blocks = [column.text(each, style, sizes, ink, sizes[0], sizes[0] * (style.leading - 1)) for each in dates]
    return [*blocks[:-1], replace(blocks[-1], after=after)]


def network(content: Content, column: Column, look: tuple[Style, Style], inks: tuple[Ink, Ink], size: float) -> Block:
    """Return a block with the QR code of the network and, beside it, its name and password; empty without one."""
    wifi, (style, strong) = content.wifi, look
    if wifi is None:
        return Block(0, lambda _: [])
    beside = size + quiet_mm(wifi.code(), size) + 1.0
    wide = column.width - beside
    rows = [
        (joined([each.wifi for each in content.words]), style, inks[1], 3.0),
        (wifi.name, strong, inks[0], 3.6),
        (wifi.password, style, inks[0], 3.2),
    ]
    fitted = [(fit(text, of, wide, size * 0.42, (most, 1.6), 3), ink) for text, of, ink, most in rows]
    settings = [(setting, ink) for setting, ink in fitted if setting.lines]
    inner = max(each.width for each, _ in settings)
    left = column.x + (column.width - beside - inner) * column.align

    def draw(y: float) -> list[Item]:
        items: list[Item] = [qr(wifi.code(), left, y, size)]
        at = y + (size - sum(each.height + 1.0 for each, _ in settings) + 1.0) / 2
        for setting, ink in settings:
            items.append(Words(setting, left + beside, at, wide, 0, ink))
            at += setting.height + 1.0
        return items

    return Block(size, draw)
