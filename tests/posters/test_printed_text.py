"""The text of a PDF looks like the outlines of the preview, in PDFium: Chrome, Edge and Android draw PDFs with it."""

import itertools
from typing import Any

import numpy as np
import pypdfium2
import pytest
from numpy.typing import NDArray

from posters.designs import FIRM, LOUD, SERIF, SPACED, WARM, WIDE
from posters.lines import Style, fit
from posters.pdf import pdf
from posters.sheet import BLACK, Face, Sheet, Words
from tests.posters.outlines import as_outlines
from tests.posters.test_pdf import opened

WIDTH, HEIGHT = 148.0, 50.0
# Marks above and below their letters, as glyphs that do not advance.
MARKED = {
    "Arabic": "حفل زفاف ليلى وكريم في قصر المؤتمرات بباريس",
    "long Arabic": "زفاف ليلى وكريم " * 12,
    "vowelled Arabic": "حَفْلُ زِفَافِ لَيْلَى",
    "pointed Hebrew": "הַחֲתֻנָּה שֶׁל נֹעָה וְאָדָם (2030)",
    "combining accents": "Zoe\u0323\u0302 g\u0303anna x\u0301y Ṩmi\u0331th Ǻ",
    "without marks": "Mariage de Léa & Tom, fi fl ffi AVAT",
}
# The fonts are read once per process: the text must look the same whichever style was the first to use a glyph.
STYLES = (WARM, SERIF, LOUD, FIRM, SPACED, WIDE)


def ink(data: bytes, beyond: float) -> NDArray[Any]:
    """Return where the paper is dark, from 0 to 1, without that many mm at each edge."""
    page = pypdfium2.PdfDocument(data)[0].render(scale=4).to_numpy()[:, :, :3].min(axis=2)
    edge = round(beyond / 25.4 * 72 * 4)
    return np.asarray(1 - page[edge : page.shape[0] - edge, edge : page.shape[1] - edge] / 255)


def both(text: str, style: Style) -> tuple[bytes, bytes]:
    """Return a PDF with the text, and one with its outlines."""
    setting = fit(text, style, WIDTH - 20, HEIGHT - 20, (9, 3))
    items = [Words(setting, 10, 10, WIDTH - 20, 0, BLACK)]
    face = Face(items, WIDTH, HEIGHT, 0, 0, 1, turned=False, clip=(0, 0, WIDTH, HEIGHT))
    return pdf(Sheet(WIDTH, HEIGHT, [face]), text), as_outlines(setting, WIDTH, HEIGHT, 10, 10)


@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_a_line_is_printed_as_the_preview_shows_it(text: str) -> None:
    for style in STYLES:
        made, outlined = both(text, style)
        printed, shown = ink(made, 3), ink(outlined, 0)
        rows, columns = (min(sides) for sides in zip(printed.shape, shown.shape, strict=True))
        different = np.abs(printed[:rows, :columns] - shown[:rows, :columns]).sum() / shown.sum()
        # Smoothed edges differ a little; a letter out of its place counts twice.
        assert different < 0.03, (style, float(different))


def test_glyphs_have_the_widths_of_their_font() -> None:
    widths = []
    for text, style in itertools.product(MARKED.values(), STYLES):
        resources: Any = opened(both(text, style)[0])["/Resources"]
        fonts = [each.get_object() for each in resources["/Font"].values()]
        widths += [float(width) for font in fonts for width in font.get("/Widths", [])]
    assert min(widths) == 0
