"""The QR code that leads guests to the page where they join an event."""

import io
from urllib.parse import quote

import segno

from settings import get_settings

BORDER = 4


def join_link(event_code: str) -> str:
    """Return the address where guests join with this code: `PUBLIC_URL/join?event_code=…`."""
    return f"{get_settings().address}/join?event_code={quote(event_code, safe='')}"


def _drawn(event_code: str) -> segno.QRCode:
    return segno.make(join_link(event_code), error="m", micro=False)


def picture(event_code: str, kind: str = "png", scale: int = 10) -> bytes:
    """Return the QR code as a file (`kind`: png or svg), `scale` pixels per module."""
    written = io.BytesIO()
    _drawn(event_code).save(written, kind=kind, scale=scale, border=BORDER)
    return written.getvalue()


def inline_svg(event_code: str) -> str:
    """Return the QR code as an SVG element for a page, black on white in both colour themes."""
    return str(_drawn(event_code).svg_inline(border=BORDER, light="#fff", omitsize=True))
