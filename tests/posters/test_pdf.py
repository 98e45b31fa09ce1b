"""What a print shop gets, read by other people's readers of PDF."""

import io
import xml.etree.ElementTree as ET
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
import zxingcpp
from numpy.typing import NDArray
from pypdf import PageObject, PdfReader

from posters.content import DESIGNS, FORMATS, Content, DesignName, FormatName
from posters.formats import PAPERS, lay_out
from posters.pdf import pdf
from posters.svg import svg
from tests.posters.contents import ENGLISH, FRENCH, NAMES, WIFI, content, with_cover

MM = 72 / 25.4


def opened(data: bytes) -> PageObject:
    pages = PdfReader(io.BytesIO(data)).pages
    assert len(pages) == 1
    return pages[0]


def drawn(data: bytes, dots: int) -> NDArray[np.uint8]:
    """Return the page as it is printed, (height, width, 3)."""
    return np.asarray(pypdfium2.PdfDocument(data)[0].render(scale=dots / 72).to_numpy()[:, :, :3], np.uint8)


def made(design: DesignName, paper: FormatName, said: Content, *, marks: bool = False) -> bytes:
    return pdf(lay_out(design, paper, with_cover(said, paper)), said.name, marks=marks)


@pytest.mark.parametrize("paper", FORMATS)
@pytest.mark.parametrize("marks", [False, True])
def test_the_boxes_say_where_to_cut(paper: FormatName, marks: bool) -> None:
    page = opened(made("bold", paper, content(), marks=marks))
    size = PAPERS[paper]
    edge = 10 if marks else 3
    trim = [edge, edge, edge + size.width, edge + size.height]
    assert [float(each) / MM for each in page.trimbox] == pytest.approx(trim, abs=0.01)
    bleed = [edge - 3, edge - 3, edge + size.width + 3, edge + size.height + 3]
    assert [float(each) / MM for each in page.bleedbox] == pytest.approx(bleed, abs=0.01)
    media = [0, 0, size.width + 2 * edge, size.height + 2 * edge]
    assert [float(each) / MM for each in page.mediabox] == pytest.approx(media, abs=0.01)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("paper", FORMATS)
def test_every_font_is_embedded_and_black_is_one_ink(design: DesignName, paper: FormatName) -> None:
    page = opened(made(design, paper, content(NAMES["Arabic"], words=(FRENCH, ENGLISH), wifi=WIFI)))
    resources: Any = page["/Resources"]
    fonts = [each.get_object() for each in resources["/Font"].values()]
    assert len(fonts) > 2
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)
    drawing: Any = page.get_contents()
    lines = drawing.get_data().decode("latin-1").split("\n")
    assert "0 0 0 1 k" in lines
    assert not any(line.endswith((" rg", " g", " RG", " G")) for line in lines)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("paper", FORMATS)
def test_both_codes_are_read_from_the_printed_page(design: DesignName, paper: FormatName) -> None:
    said = content(NAMES["long"], words=(FRENCH, ENGLISH), wifi=WIFI)
    page = drawn(made(design, paper, said), 200)
    # The upper side of a table card stands on its head.
    found = [each.text for each in zxingcpp.read_barcodes(page)]
    faces = PAPERS[paper].across * PAPERS[paper].down
    assert sorted(found) == sorted([said.link, WIFI.code()] * faces)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_phone_reads_the_code_of_a_small_and_blurred_picture_of_it(design: DesignName) -> None:
    page = cv2.GaussianBlur(drawn(made(design, "a6", content()), 110), (0, 0), 0.8)
    assert cv2.QRCodeDetector().detectAndDecode(page)[0] == content().link


def test_colour_goes_to_the_edge_of_the_bleed() -> None:
    cases: tuple[tuple[DesignName, bool], ...] = (("bold", False), ("photo", True))
    for design, middle_only in cases:
        page = drawn(made(design, "a5", content()), 72)
        assert page[1, 5].min() < 200
        assert (page[-2, 5].min() < 200) != middle_only


def test_marks_stay_outside_the_bleed() -> None:
    page = drawn(made("quiet", "tent", content(), marks=True), 144).min(axis=2) < 200
    edge = round(7 / 25.4 * 144)
    assert not page[edge : 2 * edge, edge:-edge].any()
    folds = page[:, : edge - 5].any(axis=1)
    assert folds[page.shape[0] // 2 - 2 : page.shape[0] // 2 + 3].any()


def test_the_preview_shows_what_is_printed() -> None:
    said = content(NAMES["Polish, Greek, Russian"], wifi=WIFI)
    for design in DESIGNS:
        root = ET.fromstring(svg(lay_out(design, "four", with_cover(said, "four")), said.name))  # noqa: S314 - our own
        assert root.attrib["viewBox"] == "0 0 210 297"
        space = "{http://www.w3.org/2000/svg}"
        defined = {f"#{each.attrib['id']}" for each in root.iter(f"{space}path") if "id" in each.attrib}
        used = {each.attrib["href"] for each in root.iter(f"{space}use")}
        assert used == defined
        assert len(used) > 30
        assert (root.find(f".//{space}image") is not None) == (design == "photo")


def test_a_title_cannot_end_the_drawing() -> None:
    said = content("</title><script>alert(1)</script>")
    assert "<script" not in svg(lay_out("quiet", "a6", said), said.name)
