"""A sheet as a PDF for a print shop: boxes for bleed and cut, embedded fonts, black text in black ink alone."""

import io
import threading
from collections.abc import Sequence
from functools import cache
from itertools import groupby

from reportlab.lib.colors import CMYKColor
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import ShapeData, ShapedStr, TTFont
from reportlab.pdfgen.canvas import Canvas

from posters.lines import Run
from posters.sheet import BLACK, BLEED, Box, Code, Face, Ink, Item, Picture, Sheet, Words, dark_runs
from posters.typefaces import Glyph, Typeface, typeface

# Around the bleed, for the marks.
MARGIN = 7.0
MARK = 4.0
# Where the baseline of a line is, from its top.
BASELINE = 0.8
# ReportLab keeps fonts for the whole process, and what it notes in them is not meant for two threads.
_lock = threading.Lock()


def pdf(sheet: Sheet, title: str, *, marks: bool = False) -> bytes:
    """Return a sheet as a PDF of one page, with marks for cutting and folding outside it if asked.

    Its TrimBox is the paper, its BleedBox 3 mm more on each side. Colours are CMYK; a picture stays sRGB.
    """
    written = io.BytesIO()
    edge = BLEED + (MARGIN if marks else 0.0)
    width, height = sheet.width + 2 * edge, sheet.height + 2 * edge

    def box(beyond: float) -> tuple[float, float, float, float]:
        low = (edge - beyond) * mm
        return (low, low, width * mm - low, height * mm - low)

    with _lock:
        canvas = Canvas(
            written,
            pagesize=(width * mm, height * mm),
            trimBox=box(0),
            bleedBox=box(BLEED),
            invariant=1,
            pageCompression=1,
            initialFontName=_registered(typeface("figtree-regular")).fontName,
        )
        canvas.setTitle(title)
        canvas.setCreator("Reperio")
        # From here on 1 is 1 mm, and y falls from the upper left corner of the cut paper.
        canvas.translate(edge * mm, (height - edge) * mm)
        canvas.scale(mm, -mm)
        for face in sheet.faces:
            _draw_face(canvas, face)
        if marks:
            _draw_marks(canvas, sheet)
        canvas.showPage()
        canvas.save()
    return written.getvalue()


@cache
def _registered(typeface: Typeface) -> TTFont:
    font = TTFont(f"poster-{typeface.name}", str(typeface.path))
    pdfmetrics.registerFont(font)
    # PDFium cuts off what is after the point, and the letters of a line would drift apart from their places.
    font.face.charWidths = {character: round(width) for character, width in font.face.charWidths.items()}
    # Adds the method that `_shaped` calls.
    font.hbFont()
    return font


def _draw_face(canvas: Canvas, face: Face) -> None:
    canvas.saveState()
    clip = canvas.beginPath()
    clip.rect(*face.clip)
    canvas.clipPath(clip, stroke=0, fill=0)
    canvas.translate(face.x, face.y)
    canvas.scale(face.scale, face.scale)
    if face.turned:
        canvas.translate(face.width, face.height)
        canvas.rotate(180)
    for item in face.items:
        _draw(canvas, item)
    canvas.restoreState()


def _draw(canvas: Canvas, item: Item) -> None:
    match item:
        case Box():
            _fill(canvas, item.ink)
            canvas.roundRect(item.x, item.y, item.width, item.height, item.radius, stroke=0, fill=1)
        case Words():
            _draw_words(canvas, item)
        case Code():
            _draw_code(canvas, item)
        case Picture():
            canvas.saveState()
            canvas.translate(item.x, item.y + item.height)
            canvas.scale(1, -1)
            canvas.drawImage(ImageReader(io.BytesIO(item.jpeg)), 0, 0, item.width, item.height)
            canvas.restoreState()


def _fill(canvas: Canvas, ink: Ink) -> None:
    canvas.setFillColor(CMYKColor(*ink.cmyk))


def _draw_words(canvas: Canvas, words: Words) -> None:
    setting = words.setting
    _fill(canvas, words.ink)
    for number, line in enumerate(setting.lines):
        left = words.x + (words.width - line.width * setting.size) * words.align
        baseline = words.y + setting.size * (BASELINE + setting.leading * number)
        for run in line.runs:
            canvas.saveState()
            canvas.translate(left + run.x * setting.size, baseline)
            canvas.scale(1, -1)
            canvas.setFont(_registered(run.typeface).fontName, setting.size)
            _draw_run(canvas, run, setting.size)
            canvas.restoreState()


def _draw_run(canvas: Canvas, run: Run, size: float) -> None:
    """Draw a run from the origin, a stretch of glyphs of the same height at a time.

    ReportLab would take heights with the glyphs, but after two that differ it forgets to go back to the baseline.
    """
    text = canvas.beginText(0, 0)
    for rise, same in groupby(run.glyphs, lambda glyph: glyph.dy):
        text.setRise(rise * size)
        text.textOut(_shaped(run.typeface, list(same)))
    canvas.drawText(text)


def _shaped(typeface: Typeface, glyphs: Sequence[Glyph]) -> ShapedStr:
    """Return glyphs as the text that ReportLab draws so: a character for each, and where each one stands.

    A glyph that no character stands for gets one, once per process: so its width is the font's, of whatever style the
    text is. PDFium takes a width below 0 for a huge one.
    """
    font = _registered(typeface)
    characters, places = [], []
    for at, glyph in enumerate(glyphs):
        known, own = font.face.glyphToChar.get(glyph.number), round(typeface.width(glyph.number) * 1000)
        number = known[0] if known else font.hbAddPrivate(f"glyph {glyph.number}", glyph.number, own)
        characters.append(chr(number))
        width = font.face.charWidths[number]
        places.append(ShapeData(at, glyph.advance * 1000, 0, glyph.dx * 1000, 0, width))
    return ShapedStr("".join(characters), places)


def _draw_code(canvas: Canvas, code: Code) -> None:
    _fill(canvas, BLACK)
    side = code.size / len(code.modules)
    path = canvas.beginPath()
    for row, modules in enumerate(code.modules):
        for begin, length in dark_runs(modules):
            path.rect(code.x + begin * side, code.y + row * side, length * side, side)
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_marks(canvas: Canvas, sheet: Sheet) -> None:
    """Draw hairlines outside the bleed: at the corners where to cut, and where further cuts and folds (dashed) go."""
    canvas.setStrokeColor(CMYKColor(0, 0, 0, 1))
    canvas.setLineWidth(0.1)
    for direction, place in (("x", 0.0), ("x", sheet.width), ("y", 0.0), ("y", sheet.height), *sheet.cuts):
        _draw_mark(canvas, sheet, direction, place)
    canvas.setDash(0.8, 0.6)
    for direction, place in sheet.folds:
        _draw_mark(canvas, sheet, direction, place)


def _draw_mark(canvas: Canvas, sheet: Sheet, direction: str, place: float) -> None:
    near, far = -BLEED - 1 - MARK, BLEED + 1
    length = sheet.height if direction == "x" else sheet.width
    for begin in (near, length + far):
        line = (place, begin, place, begin + MARK) if direction == "x" else (begin, place, begin + MARK, place)
        canvas.line(*line)
