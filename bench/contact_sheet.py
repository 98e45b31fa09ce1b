"""One picture per guest: the selfie, and the photos found with the matched face outlined."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

TILE = 400
GAP = 8
CAPTION = 28
COLUMNS = 4
PAPER, INK, ACCENT = "#fbfaf8", "#1c1b1a", "#b4431f"


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture, what is written under it, and the face to outline in fractions (0 to 1) of the picture."""

    picture: bytes
    caption: str
    face: dict[str, float] | None = None


def _draw_tile(tile: Tile) -> Image.Image:
    picture = Image.open(io.BytesIO(tile.picture)).convert("RGB")
    picture.thumbnail((TILE, TILE))
    if tile.face is not None:
        width, height = picture.size
        left, top = tile.face["x"] * width, tile.face["y"] * height
        right, bottom = left + tile.face["width"] * width, top + tile.face["height"] * height
        ImageDraw.Draw(picture).rectangle((left, top, right, bottom), outline=ACCENT, width=3)
    place = Image.new("RGB", (TILE, TILE + CAPTION), PAPER)
    place.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
    font: Any = ImageFont.load_default(size=18)
    ImageDraw.Draw(place).text((4, TILE + 2), tile.caption, fill=INK, font=font)
    return place


def contact_sheet(tiles: Sequence[Tile]) -> bytes:
    """Return the tiles in rows of four as one JPEG."""
    columns = max(1, min(COLUMNS, len(tiles)))
    rows = -(-len(tiles) // columns)
    size = GAP + columns * (TILE + GAP), GAP + rows * (TILE + CAPTION + GAP)
    sheet = Image.new("RGB", size, PAPER)
    for number, tile in enumerate(tiles):
        column, row = number % columns, number // columns
        sheet.paste(_draw_tile(tile), (GAP + column * (TILE + GAP), GAP + row * (TILE + CAPTION + GAP)))
    output = io.BytesIO()
    sheet.save(output, "JPEG", quality=88)
    return output.getvalue()
