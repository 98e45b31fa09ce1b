"""Makes a poster of an event from the choices for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from decoding.decoder import Decoder
from events.qr import join_link
from models import Event
from posters.content import Content, DesignName, FormatName, Wifi, Wording
from posters.cover import cover_for
from posters.designs import SANS
from posters.formats import PAPERS, lay_out, picture_mm
from posters.lines import lacking, printable
from posters.pdf import pdf
from posters.sheet import Sheet
from posters.svg import svg
from settings import get_settings


@dataclass(frozen=True, slots=True)
class Choice:
    """What a poster is to be: a design on a size of paper, in one language or two."""

    design: DesignName
    paper: FormatName
    words: Sequence[Wording]
    wifi: Wifi | None = None
    marks: bool = False


def as_pdf(event: Event, choice: Choice, decoder: Decoder) -> bytes:
    """Return the poster for a print shop.

    Raises:
        NoCover, CoverTooSmall, TooBusy and others: see `posters.cover.cover_for`; only of the design `photo`.
    """
    return pdf(_sheet(event, choice, decoder, printed=True), event.name, marks=choice.marks)


def as_svg(event: Event, choice: Choice, decoder: Decoder) -> str:
    """Return the poster for a page, as it looks when it is cut.

    Raises:
        NoCover, TooBusy and others: as in `as_pdf`.
    """
    return svg(_sheet(event, choice, decoder, printed=False), printable(event.name, SANS))


def unprintable(event: Event) -> str:
    """Return the characters of the event's name that no font has: they are left out."""
    return lacking(event.name, SANS)


def _sheet(event: Event, choice: Choice, decoder: Decoder, *, printed: bool) -> Sheet:
    site = get_settings().address.partition("://")[2]
    content = Content(event.name, event.event_code, join_link(event.event_code), site, choice.words, choice.wifi)
    if choice.design == "photo":
        width, height = picture_mm(PAPERS[choice.paper], content)
        content = replace(content, cover=cover_for(event, decoder, width, height, printed=printed))
    return lay_out(choice.design, choice.paper, content)
