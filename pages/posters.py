"""The page on which a poster of an event is chosen, and its files: for admins, and for the event's photographers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from pydantic import BaseModel, Field

import errors
from api.before_body import before_body
from api.dependencies import RequestDecoder
from api.events.access import assigned_event
from api.language import LANGUAGES, language_of
from decoding.decoder import Decoder
from events import qr
from events.ending import faces_until
from keys import MAX_TYPED
from models import Event
from pages import formatting
from pages.admin.common import any_event
from pages.i18n import text
from pages.redirects import redirect_with_flash
from pages.rendering import page_router, render
from posters import service
from posters.content import DESIGNS, FORMATS, DesignName, FormatName, Wording, wifi_of
from settings import get_settings

QR_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
# Pixels of a module in the PNG: a code of 41 modules with its white space is 1,640 px wide, 14 cm at 300 dpi.
QR_SCALE = 40
# What a form that cannot be printed leaves for the page: the end of `common.poster.problem.…`.
PROBLEMS: dict[type[errors.AppError], str] = {
    errors.BadWifi: "wifi",
    errors.NoCover: "no_cover",
    errors.CoverTooSmall: "small_cover",
}
BOTH = "both"
FILE_HEADERS = {"Cache-Control": "no-store"}
SVG_HEADERS = {**FILE_HEADERS, "Content-Security-Policy": "default-src 'none'; img-src data:"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen in an address, with the first of each where something else, or nothing, was named."""

    design: str
    paper: str
    language: str

    @classmethod
    def of(cls, request: Request) -> "Chosen":
        """Return what the address of a page names. `words` is what older links call the language."""
        asked = request.query_params
        language = asked.get("language") or asked.get("words")
        return cls(
            _one_of(DESIGNS, asked.get("design")),
            _one_of(FORMATS, asked.get("format")),
            _one_of((*LANGUAGES, BOTH), language or language_of(request)),
        )


class Poster(BaseModel):
    """A poster as an address asks for it."""

    design: DesignName = "quiet"
    format: FormatName = "a4"
    language: Literal["fr", "en", "both"] | None = None
    marks: bool = False

    def choice(self, request: Request, event: Event) -> service.Choice:
        """Return what is to be made; without a language, in that of the reader."""
        words = wordings(self.language or language_of(request), event)
        return service.Choice(self.design, self.format, words, marks=self.marks)


class WifiPoster(Poster):
    """A poster as a form asks for it, with a network that is printed and kept nowhere."""

    wifi_name: str = Field("", max_length=MAX_TYPED)
    wifi_password: str = Field("", max_length=MAX_TYPED)

    def choice(self, request: Request, event: Event) -> service.Choice:
        """Return what is to be made.

        Raises:
            BadWifi: such a network cannot exist.
        """
        wifi = wifi_of(self.wifi_name.strip(), self.wifi_password)
        return replace(super().choice(request, event), wifi=wifi)

    def query(self) -> dict[str, str]:
        """Return the choices as the address of the page has them, without what was typed."""
        return {
            "design": self.design,
            "format": self.format,
            **({"language": self.language} if self.language else {}),
        }


AskedPoster = Annotated[Poster, Query()]
TypedPoster = Annotated[WifiPoster, Form()]


def _one_of(known: Sequence[str], asked: str | None) -> str:
    return asked if asked is not None and asked in known else known[0]


def wording(language: str, event: Event) -> Wording:
    """Return the words of a poster in a language."""
    t = partial(text, language)
    return Wording(
        date=formatting.day(language, event.date) if event.date else "",
        call=t("common.poster.call"),
        steps=(t("common.poster.step.one"), t("common.poster.step.two"), t("common.poster.step.three")),
        typed=t("common.poster.typed"),
        privacy=t("common.poster.privacy", day=formatting.last_day(language, faces_until(event), event.timezone)),
        wifi=t("common.poster.wifi"),
    )


def wordings(language: str, event: Event) -> list[Wording]:
    """Return the words in a language, or in all of them for `both`."""
    return [wording(each, event) for each in (LANGUAGES if language == BOTH else (language,))]


def _routes(home: str, event_of: Callable[..., Event]) -> APIRouter:
    """Return the routes of one audience: `home` is where its events are, `event_of` a dependency on one of them."""
    router = page_router()
    here = f"{home}/{{event_id}}"

    @router.get(f"{here}/poster")
    def poster(request: Request, event: Annotated[Event, Depends(event_of)]) -> Response:
        """Return the page on which design, size and language are chosen."""
        return _page(request, event, f"{home}/{event.id}")

    @router.get(f"{here}/poster.svg")
    def poster_svg(
        request: Request, event: Annotated[Event, Depends(event_of)], asked: AskedPoster, decoder: RequestDecoder
    ) -> Response:
        """Return a preview of the poster."""
        drawn = service.as_svg(event, asked.choice(request, event), decoder)
        return Response(drawn, headers=SVG_HEADERS, media_type="image/svg+xml")

    @router.get(f"{here}/poster.pdf")
    def poster_pdf(
        request: Request, event: Annotated[Event, Depends(event_of)], asked: AskedPoster, decoder: RequestDecoder
    ) -> Response:
        """Return the poster as a PDF."""
        return _pdf(event, asked.choice(request, event), decoder)

    @router.post(f"{here}/poster.pdf")
    def poster_with_wifi(
        request: Request, event: Annotated[Event, Depends(event_of)], typed: TypedPoster, decoder: RequestDecoder
    ) -> Response:
        """Return the poster as a PDF with what was typed: the network is in no address and so in no log."""
        try:
            return _pdf(event, typed.choice(request, event), decoder)
        except (errors.BadWifi, errors.NoCover, errors.CoverTooSmall) as error:
            page = f"{home}/{event.id}/poster?{urlencode(typed.query())}"
            return redirect_with_flash(request, page, problem=PROBLEMS[type(error)])

    @router.get(f"{here}/qr.svg")
    def qr_svg(event: Annotated[Event, Depends(event_of)]) -> Response:
        """Return the QR code alone, to be saved, sharp at any size."""
        return _qr(event, "svg")

    @router.get(f"{here}/qr.png")
    def qr_png(event: Annotated[Event, Depends(event_of)]) -> Response:
        """Return the QR code alone, to be saved."""
        return _qr(event, "png")

    return router


def _page(request: Request, event: Event, home: str) -> Response:
    site = get_settings().address.partition("://")[2]
    return render(
        request,
        "poster.html",
        event=event,
        event_home=home,
        chosen=Chosen.of(request),
        designs=DESIGNS,
        formats=FORMATS,
        languages=(*LANGUAGES, BOTH),
        lacking=service.unprintable(event),
        local=site.partition(":")[0] == "localhost",
    )


def _pdf(event: Event, choice: service.Choice, decoder: Decoder) -> Response:
    headers = _saved_as(f"poster-{event.id}-{choice.design}-{choice.paper}.pdf")
    return Response(service.as_pdf(event, choice, decoder), headers=headers, media_type="application/pdf")


def _qr(event: Event, kind: str) -> Response:
    drawn = qr.picture(event.event_code, kind, QR_SCALE)
    return Response(drawn, headers=_saved_as(f"qr-{event.id}.{kind}"), media_type=QR_TYPES[kind])


def _saved_as(name: str) -> dict[str, str]:
    return {**FILE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}


admin_router = _routes("/admin/events", before_body(any_event))
photographer_router = _routes("/studio", before_body(assigned_event))
