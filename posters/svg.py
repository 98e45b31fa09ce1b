"""A sheet as an SVG for a page: the same places and outlines as in the PDF, as it looks after the cut."""

from base64 import b64encode
from xml.sax.saxutils import escape

from posters.lines import Run
from posters.pdf import BASELINE
from posters.sheet import BLACK, Box, Code, Face, Item, Picture, Sheet, Words, dark_runs


class _Glyphs:
    """The outlines that a drawing uses, each written once."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], str] = {}
        self.defined: list[str] = []

    def named(self, run: Run, number: int) -> str:
        """Return the name of a glyph's outline; empty if there is nothing to draw, as of a space."""
        key = (run.typeface.name, number)
        if key not in self._names:
            outline = run.typeface.outline(number)
            self._names[key] = f"g{len(self._names)}" if outline else ""
            if outline:
                self.defined.append(f'<path id="{self._names[key]}" d="{outline}"/>')
        return self._names[key]


def svg(sheet: Sheet, title: str) -> str:
    """Return a sheet as an SVG document. It needs no font, and nothing from elsewhere."""
    glyphs = _Glyphs()
    drawn = "".join(_face(face, number, glyphs) for number, face in enumerate(sheet.faces))
    clips = "".join(
        f'<clipPath id="c{number}">{_rectangle(x, y, width, height)}/></clipPath>'
        for number, (x, y, width, height) in enumerate(face.clip for face in sheet.faces)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
        f' width="{sheet.width:g}mm" height="{sheet.height:g}mm"><title>{escape(title)}</title>'
        f"<defs>{clips}{''.join(glyphs.defined)}</defs>"
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>'
    )


def _face(face: Face, number: int, glyphs: _Glyphs) -> str:
    turned = f" rotate(180 {face.width / 2:g} {face.height / 2:g})" if face.turned else ""
    inside = "".join(_item(item, glyphs) for item in face.items)
    place = f"translate({face.x:g} {face.y:g}) scale({face.scale:.5f}){turned}"
    return f'<g clip-path="url(#c{number})"><g transform="{place}">{inside}</g></g>'


def _item(item: Item, glyphs: _Glyphs) -> str:
    match item:
        case Box():
            rectangle = _rectangle(item.x, item.y, item.width, item.height)
            return f'{rectangle} rx="{item.radius:g}" fill="{item.ink.screen}"/>'
        case Words():
            return _words(item, glyphs)
        case Code():
            return _code(item)
        case Picture():
            return (
                f'<image x="{item.x:.3f}" y="{item.y:.3f}" width="{item.width:.3f}" height="{item.height:.3f}"'
                f' preserveAspectRatio="none" href="data:image/jpeg;base64,{b64encode(item.jpeg).decode()}"/>'
            )


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}"'


def _words(words: Words, glyphs: _Glyphs) -> str:
    setting, parts = words.setting, []
    for number, line in enumerate(setting.lines):
        left = words.x + (words.width - line.width * setting.size) * words.align
        baseline = words.y + setting.size * (BASELINE + setting.leading * number)
        for run in line.runs:
            x = left + run.x * setting.size
            for glyph in run.glyphs:
                name = glyphs.named(run, glyph.number)
                place = f"{x + glyph.dx * setting.size:.3f} {baseline - glyph.dy * setting.size:.3f}"
                scale = setting.size / 1000
                if name:
                    parts.append(
                        f'<use href="#{name}" transform="translate({place}) scale({scale:.5f} -{scale:.5f})"/>'
                    )
                x += glyph.advance * setting.size
    return f'<g fill="{words.ink.screen}">{"".join(parts)}</g>'


def _code(code: Code) -> str:
    side = code.size / len(code.modules)
    moves = "".join(
        f"M{begin} {row}h{length}v1h-{length}z"
        for row, modules in enumerate(code.modules)
        for begin, length in dark_runs(modules)
    )
    place = f"translate({code.x:.3f} {code.y:.3f}) scale({side:.5f})"
    return f'<path fill="{BLACK.screen}" transform="{place}" d="{moves}"/>'
