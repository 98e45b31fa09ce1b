"""The three designs, each for a tall face (148 x 210 mm, scaled to every size of paper) and for one of a table card.

All lengths are mm of that face. A face's background goes `bleed` mm beyond its edges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from posters.content import Content, DesignName
from posters.lines import Style, fit
from posters.parts import DOT, Block, Column, dates_of, height_of, joined, network, qr, quiet_mm, stack
from posters.sheet import ACCENT, BLACK, GREY, WHITE, Box, Ink, Item

WIDTH = 148.0
TALL, CARD = 210.0, 105.0
SERIF, ITALIC = Style("cormorant-medium", leading=1.02), Style("cormorant-medium-italic", leading=1.05)
SANS, STRONG = Style("figtree-regular", leading=1.4), Style("figtree-semibold", leading=1.3)
LOUD, FIRM = Style("bricolage-extrabold", -0.015, leading=0.98), Style("bricolage-medium", leading=1.3)
WARM, SLANTED = Style("fraunces-regular", -0.01, leading=1.06), Style("fraunces-light-italic", leading=1.15)
SPACED, WIDE = replace(STRONG, tracking=0.08), replace(LOUD, tracking=0.02, leading=1.15)
# Where the paper ends for words: from the upper edge.
FOOT, CARD_FOOT = 198.0, 97.0
# How far a ground goes over the edges: more than the bleed on any paper.
BEYOND = 10.0
Design = Callable[[Content, float], Sequence[Item]]


def _calls(content: Content, column: Column, style: Style, size: float, ink: Ink, height: float) -> list[Block]:
    """Return the calls in all languages: one at full size, two smaller."""
    count = len(content.words)
    sizes = (size if count == 1 else size * 0.74, 2.5)
    room = height / count
    blocks = [column.text(each.call, style, sizes, ink, room, 1.5) for each in content.words]
    return _ended(blocks, 0)


def _steps(content: Content, column: Column, style: Style, size: float, ink: Ink, after: float) -> list[Block]:
    """Return the three steps, a line for each language."""
    lines = [DOT.join(each.steps) for each in content.words]
    return _ended([column.text(line, style, (size, 2), ink, size * 2.6, 1.2) for line in lines], after)


def _typed(
    content: Content, column: Column, look: tuple[Style, Style], inks: tuple[Ink, Ink], after: float
) -> list[Block]:
    """Return what is typed by those whose camera reads no code: the address and the code, in one line if it fits."""
    label = column.text(joined([each.typed for each in content.words]), look[0], (3.0, 2), inks[1], 4, 0.8)
    together = fit(f"{content.site}{DOT}{content.code}", look[1], column.width, 5, (3.9, 3.2), 1)
    if together.size > 3.2:
        return [label, column.block(together, inks[0], after)]
    parts = [column.text(each, look[1], (3.9, 1.6), inks[0], 6, 0.6) for each in (content.site, content.code)]
    return [label, *_ended(parts, after)]


def _privacy(content: Content, column: Column, style: Style, ink: Ink, size: float = 2.9) -> list[Block]:
    blocks = [column.text(each.privacy, style, (size, 1.8), ink, 8, 0.8) for each in content.words]
    return _ended(blocks, 0)


def _ended(blocks: Sequence[Block], after: float) -> list[Block]:
    """Return the blocks with that space after the last one."""
    return [*blocks[:-1], replace(blocks[-1], after=after)]


# --- quiet: a serif on white paper, in the middle ---------------------------------------------------


def quiet(content: Content, height: float) -> Sequence[Item]:
    """Return the items of the quiet design."""
    return _quiet_card(content) if height == CARD else _quiet_tall(content)


def _rule(column: Column, after: float) -> Block:
    x = column.x + (column.width - 12) * column.align
    return Block(0.25, lambda y: [Box(x, y, 12, 0.25, ACCENT)], after)


def _quiet_tall(content: Content) -> Sequence[Item]:
    column = Column(14, WIDTH - 28, 0.5)
    two, wifi = len(content.words) > 1, content.wifi is not None
    rest = [
        *dates_of(content, column, ITALIC, (5.8, 2.5), BLACK, 6),
        _rule(column, 6),
        *_ended(_calls(content, column, ITALIC, 10, BLACK, 22), 7),
        column.code(content.link, 58 - 7 * two - 11 * wifi, 7),
        *_steps(content, column, STRONG, 4.2, BLACK, 5),
        *_typed(content, column, (SANS, SPACED), (BLACK, GREY), 5),
        network(content, column, (SANS, STRONG), (BLACK, GREY), 19),
    ]
    last = _privacy(content, column, SANS, GREY)
    foot = FOOT - height_of(last)
    name = column.text(content.name, SERIF, (18, 3.0), BLACK, foot - 26 - height_of(rest), 3)
    return [*stack([name, *rest], 17, foot - 6), *stack(last, foot, FOOT, spread=False)]


def _quiet_card(content: Content) -> Sequence[Item]:
    column, right = Column(10, 66, 0.5), Column(84, 54, 0.5)
    code = [
        right.code(content.link, 50.0 if content.wifi is None else 42.0, 6),
        network(content, right, (SANS, STRONG), (BLACK, GREY), 14),
    ]
    last = _privacy(content, Column(10, WIDTH - 20, 0.5), SANS, GREY, 2.6)
    foot = CARD_FOOT - height_of(last)
    rest = [
        *dates_of(content, column, ITALIC, (4.8, 2.2), BLACK, 4),
        _rule(column, 4),
        *_ended(_calls(content, column, ITALIC, 7.6, BLACK, 17), 5),
        *_steps(content, column, STRONG, 3.2, BLACK, 4),
        *_typed(content, column, (SANS, SPACED), (BLACK, GREY), 0),
    ]
    name = column.text(content.name, SERIF, (12, 2.4), BLACK, foot - 16 - height_of(rest), 2.2)
    tall = sum(each.height for each in code) + (6 if content.wifi else 0)
    return [
        *stack([name, *rest], 9, foot - 5),
        *stack(code, 9 + (foot - 5 - 9 - tall) / 2, foot, spread=False),
        *stack(last, foot, CARD_FOOT, spread=False),
    ]


# --- bold: the colour to the edge, letters as large as they can be ----------------------------------


def bold(content: Content, height: float) -> Sequence[Item]:
    """Return the items of the bold design."""
    ground = Box(-BEYOND, -BEYOND, WIDTH + 2 * BEYOND, height + 2 * BEYOND, ACCENT)
    return [ground, *(_bold_card(content) if height == CARD else _bold_tall(content))]


def _panel(text: str, x: float, y: float, size: float) -> list[Item]:
    """Return a QR code on a white panel that is `size` wide with the white space that the code needs."""
    inner = size / (1 + 2 * quiet_mm(text, 1.0))
    edge = (size - inner) / 2
    return [Box(x, y, size, size, WHITE, 2.5), qr(text, x + edge, y + edge, inner)]


def _network_panel(content: Content, x: float, y: float, width: float, height: float) -> list[Item]:
    if content.wifi is None:
        return []
    inner = height / (1 + 2 * quiet_mm(content.wifi.code(), 1.0))
    edge = (height - inner) / 2
    column = Column(x + edge, width - edge - 2, 0)
    block = network(content, column, (FIRM, FIRM), (BLACK, BLACK), inner)
    return [Box(x, y, width, height, WHITE, 2.5), *block.draw(y + edge)]


def _numbered(content: Content, column: Column, size: float) -> list[Block]:
    """Return the steps one below the other; of two languages the second is smaller."""
    blocks: list[Block] = []
    for step in range(3):
        first, *others = [each.steps[step] for each in content.words]
        blocks.append(column.text(first, LOUD, (size, 2), WHITE, size * 2, 0.9 if others else size * 0.55))
        blocks += [column.text(other, FIRM, (size * 0.66, 2), WHITE, size, size * 0.5) for other in others]
    return _ended(blocks, 0)


def _shouted(content: Content, column: Column, sizes: tuple[float, float], room: float) -> list[Block]:
    """Return the calls in all languages, as large as there is room for: `sizes` for one language and for two."""
    count = len(content.words)
    size = sizes[0] if count == 1 else sizes[1]
    blocks = [column.text(each.call, LOUD, (size, 3), WHITE, room / count - 1, 3.2) for each in content.words]
    return _ended(blocks, 0)


def _bold_tall(content: Content) -> Sequence[Item]:
    column = Column(12, WIDTH - 24, 0)
    two, wifi = len(content.words) > 1, content.wifi is not None
    panel = 64.0
    beside = Column(12 + panel + 8, WIDTH - 24 - panel - 8, 0)
    first = [
        column.text(content.name, FIRM, (7.6, 2.6), WHITE, 27, 1.6),
        *dates_of(content, column, FIRM, (4.6, 2.4), WHITE, 0),
    ]
    last = [*_typed(content, column, (FIRM, WIDE), (WHITE, WHITE), 3.5), *_privacy(content, column, FIRM, WHITE)]
    foot = FOOT - height_of(last)
    top, middle = 13 + height_of(first), foot - 8 - panel
    call = _shouted(content, column, (26, 16), middle - top - 18)
    steps = _numbered(content, beside, 6.8 - 1.4 * wifi - 0.8 * (wifi and two))
    free = panel - (24 if wifi else 0)
    return [
        *stack(first, 13, top, spread=False),
        *stack(call, top + (middle - top - height_of(call)) * 0.48, middle, spread=False),
        *_panel(content.link, 12, middle, panel),
        *stack(steps, middle + (free - height_of(steps)) / 2, middle + panel, spread=False),
        *_network_panel(content, beside.x, middle + panel - 22, beside.width, 22),
        *stack(last, foot, FOOT, spread=False),
    ]


def _bold_card(content: Content) -> Sequence[Item]:
    wifi = content.wifi is not None
    panel = 60.0 - 6 * wifi
    left = WIDTH - 10 - panel
    column = Column(10, left - 17, 0)
    first = [
        column.text(content.name, FIRM, (5.6, 2.2), WHITE, 19, 1.2),
        *dates_of(content, column, FIRM, (3.8, 2.2), WHITE, 0),
    ]
    last = [*_typed(content, column, (FIRM, WIDE), (WHITE, WHITE), 2.6), *_privacy(content, column, FIRM, WHITE, 2.5)]
    foot = CARD_FOOT - 1 - height_of(last)
    steps = _steps(content, column, FIRM, 3.5, WHITE, 0)
    top = 9 + height_of(first)
    call = _shouted(content, column, (13.5, 9), foot - top - 16 - height_of(steps))
    block = [*_ended(call, 4), *steps]
    high = 9 if wifi else (CARD - panel) / 2
    return [
        *stack(first, 9, 9, spread=False),
        *stack(block, top + (foot - top - height_of(block)) / 2, foot, spread=False),
        *_panel(content.link, left, high, panel),
        *_network_panel(content, left, 96 - 24, panel, 24),
        *stack(last, foot, CARD_FOOT, spread=False),
    ]


# --- photo: the cover to three edges, the words beneath or beside it --------------------------------


def picture_size(content: Content, height: float) -> tuple[float, float]:
    """Return width and height of the cover on a face, without its bleed."""
    if height == CARD:
        return 50.0, CARD
    return WIDTH, 108.0 - 10 * (content.wifi is not None) - 6 * (len(content.words) > 1)


def picture_place(content: Content, height: float, bleed: float) -> tuple[float, float, float, float]:
    """Return where the cover is (x, y, width, height), `bleed` mm over the edges at which it ends."""
    width, tall = picture_size(content, height)
    right, below = (0.0, bleed) if height == CARD else (bleed, 0.0)
    return -bleed, -bleed, width + bleed + right, tall + bleed + below


def photo(content: Content, height: float) -> Sequence[Item]:
    """Return the items of the design with the cover, but for the cover itself."""
    return _photo_card(content) if height == CARD else _photo_tall(content)


def _photo_tall(content: Content) -> Sequence[Item]:
    _, cut = picture_size(content, TALL)
    column = Column(12, WIDTH - 24, 0)
    size = 46.0 - 4 * (len(content.words) > 1)
    beside = Column(12, WIDTH - 24 - size - 10, 0)
    last = _privacy(content, column, SANS, GREY)
    foot = FOOT + 2 - height_of(last)
    rows = [
        *_ended(_calls(content, beside, SLANTED, 7.2, ACCENT, 18), 4),
        *_steps(content, beside, STRONG, 3.5, BLACK, 4),
        *_typed(content, beside, (SANS, SPACED), (BLACK, GREY), 4),
        network(content, beside, (SANS, STRONG), (BLACK, GREY), 17),
    ]
    top, end = cut + 7, foot - 6
    dates = dates_of(content, column, SLANTED, (4.6, 2.4), BLACK, 0)
    low = end - max(size, _tall(rows))
    name = column.text(content.name, WARM, (13, 2.8), BLACK, low - 5 - top - 2 - height_of(dates), 2)
    begin = max(low, top + height_of([name, *dates]) + 4)
    return [
        *stack([name, *dates], top, top, spread=False),
        *stack(rows, begin, end),
        qr(content.link, WIDTH - 12 - size, end - size, size),
        *stack(last, foot, FOOT, spread=False),
    ]


def _tall(blocks: Sequence[Block]) -> float:
    shown = [each for each in blocks if each.height]
    return height_of(shown) - shown[-1].after


def _photo_card(content: Content) -> Sequence[Item]:
    cut, _ = picture_size(content, CARD)
    x = cut + 9
    column = Column(x, WIDTH - x - 9, 0)
    size = 36.0 - 6 * (len(content.words) > 1)
    beside = Column(x + size + 6, column.width - size - 6, 0)
    last = [*_typed(content, column, (SANS, SPACED), (BLACK, GREY), 3), *_privacy(content, column, SANS, GREY, 2.3)]
    foot = CARD_FOOT - height_of(last)
    row = foot - 5 - size
    rest = [
        *dates_of(content, column, SLANTED, (3.8, 2.2), BLACK, 2.5),
        *_calls(content, column, SLANTED, 5.8, ACCENT, 13),
    ]
    name = column.text(content.name, WARM, (9.5, 2.2), BLACK, row - 5 - 8 - height_of(rest) - 1.6, 1.6)
    lines = [joined([each.steps[at] for each in content.words]) for at in range(3)]
    steps = [beside.text(line, STRONG, (3.3, 1.8), BLACK, 4, 1.6) for line in lines]
    net = network(content, beside, (SANS, STRONG), (BLACK, GREY), 13)
    return [
        *stack([name, *rest], 8, row - 5, spread=False),
        qr(content.link, x, row, size),
        *stack(steps, row, row, spread=False),
        *(net.draw(row + size - 13) if net.height else []),
        *stack(last, foot, CARD_FOOT, spread=False),
    ]


DRAWN: Mapping[DesignName, Design] = {"quiet": quiet, "bold": bold, "photo": photo}
