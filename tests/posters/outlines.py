"""A sheet drawn as the preview draws it, glyph by glyph as outlines: what the text of a PDF must look like."""

import io
import re

from reportlab.lib.colors import CMYKColor
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from posters.lines import Setting
from posters.pdf import BASELINE

Point = tuple[float, float]


def as_outlines(setting: Setting, width: float, height: float, x: float, y: float) -> bytes:
    """Return a PDF of that size in mm with a text from `x`, `y`, without any font in it."""
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(width * mm, height * mm))
    canvas.setFillColor(CMYKColor(0, 0, 0, 1))
    canvas.translate(0, height * mm)
    canvas.scale(mm, -mm)
    for number, line in enumerate(setting.lines):
        baseline = y + setting.size * (BASELINE + setting.leading * number)
        for run in line.runs:
            at = x + run.x * setting.size
            for glyph in run.glyphs:
                canvas.saveState()
                canvas.translate(at + glyph.dx * setting.size, baseline - glyph.dy * setting.size)
                canvas.scale(setting.size / 1000, -setting.size / 1000)
                path = canvas.beginPath()
                _trace(path, run.typeface.outline(glyph.number))
                canvas.drawPath(path, stroke=0, fill=1, fillMode=1)
                canvas.restoreState()
                at += glyph.advance * setting.size
    canvas.save()
    return written.getvalue()


def _trace(path: PDFPathObject, outline: str) -> None:
    """Add an outline, given as the data of an SVG path, to a path of a PDF."""
    last: Point = (0, 0)
    for command, numbers in re.findall(r"([MLQCZ])([^MLQCZ]*)", outline):
        lengths = [float(each) for each in numbers.split()]
        end: Point = (lengths[-2], lengths[-1]) if lengths else last
        if command == "M":
            path.moveTo(*end)
        elif command == "L":
            path.lineTo(*end)
        elif command == "Q":
            near = (lengths[0], lengths[1])
            path.curveTo(*_third(last, near), *_third(end, near), *end)
        elif command == "C":
            path.curveTo(*lengths)
        else:
            path.close()
        last = end


def _third(end: Point, control: Point) -> Point:
    return end[0] + (control[0] - end[0]) * 2 / 3, end[1] + (control[1] - end[1]) * 2 / 3
