"""Whatever a poster says, all of it is on the paper, and nothing lies on anything else."""

import itertools
from dataclasses import replace

import pytest

from posters.content import DESIGNS, FORMATS, DesignName, FormatName, Wifi
from posters.formats import PAPERS, lay_out, picture_mm
from posters.parts import module_mm, quiet_mm
from posters.pdf import pdf
from posters.sheet import Box, Code, Face, Item, Picture, Words
from posters.svg import svg
from settings import get_settings
from tests.posters.contents import ENGLISH, FRENCH, NAMES, WIFI, content, with_cover

# Words and codes stay so far from the edges, in mm of the face.
MARGIN = 5.0
# A code that a phone reads at arm's length needs modules of at least so many mm.
LEAST_MODULE, LEAST_NETWORK_MODULE = 0.75, 0.25
# Thai, Hindi, what has no character, spaces, and signs that are not seen.
UNPRINTABLE = (
    "งานแต่งงานของสมชายและสมหญิง",
    "सोमचाई और सोमयिंग की शादी",
    "\U000e0fff\U0010ffff",
    " \u3000\t",
    "\x00\u202e\u2060\u200d",
)
Rectangle = tuple[float, float, float, float]
# Every design on every paper, of which each design and each paper is in some that are not long.
PAIRS = [
    pytest.param(design, paper, marks=[] if (row + column) % len(DESIGNS) == 0 else [pytest.mark.long])
    for row, design in enumerate(DESIGNS)
    for column, paper in enumerate(FORMATS)
]


def place(item: Item) -> Rectangle:
    """Return left, top, right and bottom of an item; a code with the white space that scanners need."""
    match item:
        case Words():
            width = item.setting.width
            left = item.x + (item.width - width) * item.align
            return left, item.y, left + width, item.y + item.setting.height
        case Code():
            quiet = item.size / len(item.modules) * 4
            return item.x - quiet, item.y - quiet, item.x + item.size + quiet, item.y + item.size + quiet
        case _:
            return item.x, item.y, item.x + item.width, item.y + item.height


def overlap(one: Rectangle, other: Rectangle) -> bool:
    # Capitals and their lines leave some room at the top and bottom of what a line takes.
    slack = 0.35
    return (
        one[0] < other[2] - slack
        and other[0] < one[2] - slack
        and one[1] < other[3] - slack
        and other[1] < one[3] - slack
    )


def faults(face: Face) -> list[str]:
    shown = [item for item in face.items if isinstance(item, Words | Code | Picture)]
    wrong = []
    for item in shown:
        left, top, right, bottom = place(item)
        if isinstance(item, Picture):
            continue
        edge = 0.0 if isinstance(item, Code) else MARGIN
        if min(left, top) < edge or right > face.width - edge or bottom > face.height - edge:
            wrong.append(f"over the edge: {item}"[:200])
    for one, other in itertools.combinations(shown, 2):
        if overlap(place(one), place(other)):
            wrong.append(f"{place(one)} on {place(other)}: {one} {other}"[:400])
    return wrong


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("paper", ["a5", "tent"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.long
def test_nothing_lies_on_anything_else_or_over_the_edge(design: DesignName, paper: FormatName, name: str) -> None:
    wrong = []
    for words, wifi in itertools.product(((FRENCH,), (ENGLISH,), (FRENCH, ENGLISH)), (None, WIFI)):
        said = with_cover(content(NAMES[name], words=words, wifi=wifi), paper)
        wrong += [f"{len(words)} {wifi}: {each}" for each in faults(lay_out(design, paper, said).faces[0])]
    assert wrong == []


@pytest.mark.parametrize(("design", "paper"), PAIRS)
def test_a_poster_without_date_and_without_a_name_that_can_be_printed(
    monkeypatch: pytest.MonkeyPatch, design: DesignName, paper: FormatName
) -> None:
    monkeypatch.setattr(get_settings(), "poster_font", "")
    undated = [replace(each, date="") for each in (FRENCH, ENGLISH)]
    for name, words, wifi in itertools.product(
        UNPRINTABLE, (undated[:1], undated), (None, Wifi("งานแต่ง", WIFI.password))
    ):
        said = with_cover(content(name, words=tuple(words), wifi=wifi), paper)
        sheet = lay_out(design, paper, said)
        assert faults(sheet.faces[0]) == []
        assert len([item for item in sheet.faces[0].items if isinstance(item, Code)]) == (2 if wifi else 1)
        assert pdf(sheet, name).startswith(b"%PDF")
        assert svg(sheet, name)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("paper", FORMATS)
def test_the_longest_code_and_address_fit_too(design: DesignName, paper: FormatName) -> None:
    said = content("Gala", code="W" * 64, site="photographies.une-tres-longue-adresse.example.org:8443")
    assert faults(lay_out(design, paper, with_cover(said, paper)).faces[0]) == []


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("paper", FORMATS)
def test_codes_are_large_enough_to_be_scanned(design: DesignName, paper: FormatName) -> None:
    for words, wifi in (((FRENCH,), None), ((FRENCH, ENGLISH), WIFI)):
        face = lay_out(design, paper, with_cover(content(words=words, wifi=wifi), paper)).faces[0]
        codes = sorted((item for item in face.items if isinstance(item, Code)), key=lambda item: item.size)
        modules = [code.size / len(code.modules) * face.scale for code in codes]
        assert modules[-1] >= LEAST_MODULE
        assert modules[0] >= LEAST_NETWORK_MODULE


def test_a_code_on_colour_has_its_white_space() -> None:
    face = lay_out("bold", "a5", content(wifi=WIFI)).faces[0]
    panels = [item for item in face.items if isinstance(item, Box) and item.radius]
    codes = [item for item in face.items if isinstance(item, Code)]
    assert len(panels) == len(codes) == 2
    for panel, code in zip(panels, codes, strict=True):
        left, top, right, bottom = place(code)
        assert left >= panel.x - 0.01
        assert top >= panel.y - 0.01
        assert bottom <= panel.y + panel.height + 0.01
        assert right <= panel.x + panel.width


def test_both_sides_of_a_table_card_can_be_read() -> None:
    upper, lower = lay_out("quiet", "tent", content()).faces
    assert (upper.turned, lower.turned) == (True, False)
    assert upper.items == lower.items
    assert (upper.y, lower.y) == (0, 105)


def test_four_cards_share_a_sheet_without_reaching_into_each_other() -> None:
    sheet = lay_out("bold", "four", content())
    assert [face.clip for face in sheet.faces] == [
        (-3, -3, 108, 151.5),
        (105, -3, 108, 151.5),
        (-3, 148.5, 108, 151.5),
        (105, 148.5, 108, 151.5),
    ]
    assert sheet.cuts == (("y", 148.5), ("x", 105))


def test_a_module_and_its_white_space() -> None:
    assert module_mm("https://example.org", 25) == 1
    assert quiet_mm("https://example.org", 25) == 4
    assert picture_mm(PAPERS["a5"], content()) == (154, 111)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("paper", ["a5", "tent"])
def test_no_line_ends_with_the_dot_between_two_dates(design: DesignName, paper: FormatName) -> None:
    said = content(words=(FRENCH, ENGLISH))
    for item in lay_out(design, paper, with_cover(said, paper)).faces[0].items:
        for line in item.setting.lines if isinstance(item, Words) else ():
            last = line.runs[-1]
            assert last.glyphs[-1].number != last.typeface.shape("·", backwards=False, tracking=0)[0].number
