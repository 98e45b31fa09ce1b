"""Photographs every page: on phone and desktop, in French and English, light and dark.

`python -m bench.screenshots [FOLDER]` leaves small WebP files in docs/screenshots/all and says which pages are wider
than the screen, hide their one action below its edge, or show the key of a text. `--readme` makes the four pictures
of the README instead.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, Page

from api.sessions import SESSION_COOKIE
from bench.screenshot_event import CODE, DAY, NAME, grow_old, prepare
from bench.screenshot_pages import EMPTY, PAGES, Shot
from models import Event
from pages.posters import wording
from posters.content import Content
from posters.formats import lay_out
from posters.pdf import pdf
from testkit.camera import camera_browser, filmed
from testkit.pictures import saved
from testkit.servers import ROOT, Api, Server, run_server, temporary_folder

FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"phone": (360, 640), "desktop": (1280, 800)}
LANGUAGES = {"fr": "fr-FR", "en": "en-GB"}
QUALITY, SCREENS = 72, 3
KEY = re.compile(r"\b(?:common|guest|photographer|admin)\.[a-z_]+(?:\.[a-z_]+)*\b")
README = {"join": ("join", 1.5), "guest": ("gallery", 1.5), "studio": ("studio-event", 1.0)}


@dataclass(slots=True)
class Visitors:
    """One page per person, in a window and a language."""

    browser: Browser
    server: Server
    words: dict[str, str]
    context: dict[str, Any]
    pages: dict[str, Page]

    def page(self, who: str) -> Page:
        """Return the page of a person; a new one at the first time."""
        if who not in self.pages:
            options = {"reduced_motion": "reduce", "permissions": ["camera"], **self.context}
            opened = self.browser.new_context(base_url=self.server.url, **options)
            if token := self.words.get(who):
                opened.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": self.server.url}])
            self.pages[who] = opened.new_page()
        return self.pages[who]

    def show(self, shot: Shot) -> Page:
        """Go to a page, do its step, and return it."""
        page = self.page(shot.who)
        page.emulate_media(color_scheme="light")
        if shot.address:
            page.goto("about:blank")
            page.goto(shot.address.format(**self.words))
        shot.step(page)
        return page

    def close(self) -> None:
        """Close all pages."""
        for page in self.pages.values():
            page.context.close()


def write(png: bytes, target: Path, height: int | None = None) -> None:
    """Save a picture as WebP, cut at `height`."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.crop((0, 0, picture.width, min(picture.height, height or picture.height))).save(
        target, "WEBP", quality=QUALITY, method=6
    )


def complaints(page: Page) -> Iterator[str]:
    """Yields what is wrong with a page at a glance."""
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield "is wider than the screen"
    below = (
        "found => found.some((each) => each.checkVisibility() && each.getBoundingClientRect().bottom > innerHeight)"
    )
    if page.locator("main button.main, main a.button.main").evaluate_all(below):
        yield "has its action below the edge"
    if found := KEY.search(page.inner_text("body")):
        yield f"shows {found[0]}"


def photograph(visitors: Visitors, shots: Sequence[Shot], kind: str, folder: Path) -> None:
    """Photograph pages, light and dark, and print what is wrong with them."""
    for shot in shots:
        page = visitors.show(shot)
        for problem in complaints(page):
            print(f"{shot.name}-{kind} {problem}", flush=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            height = SCREENS * page.evaluate("innerHeight")
            # Of a dialog or a bar over a page there is no more than the screen.
            over = page.locator("dialog[open], [role=toolbar]:visible").count()
            write(page.screenshot(full_page=not over), folder / f"{shot.name}-{kind}-{scheme}.webp", height)


def all_of(browser: Browser, server: Server, words: dict[str, str], shots: Sequence[Shot], folder: Path) -> None:
    """Photograph pages in both sizes and both languages."""
    for size, (width, height) in SIZES.items():
        for language, locale in LANGUAGES.items():
            screen = {"viewport": {"width": width, "height": height}}
            context = {**screen, "locale": locale, "has_touch": size == "phone", "is_mobile": size == "phone"}
            visitors = Visitors(browser, server, words, context, {})
            photograph(visitors, shots, f"{size}-{language}", folder)
            visitors.close()


def for_readme(browser: Browser, server: Server, words: dict[str, str], folder: Path) -> None:
    """Make the pictures of the README: three pages in English, and the bold poster as it is printed."""
    for name, (page, scale) in README.items():
        width, height = (1100, 760) if scale == 1.0 else (390, 844)
        window = {"viewport": {"width": width, "height": height}, "device_scale_factor": scale}
        visitors = Visitors(browser, server, words, {**window, "locale": "en-GB", "has_touch": scale > 1}, {})
        write(visitors.show(next(each for each in PAGES if each.name == page)).screenshot(), folder / f"{name}.webp")
        visitors.close()
    write(poster(), folder / "poster.webp")


def poster() -> bytes:
    """Return the bold poster of the event on A5, as a PNG."""
    site = "photos.example.org"
    words = wording("en", Event(date=DAY))
    content = Content(NAME, CODE, f"https://{site}/join?event_code={CODE}", site, [words])
    paper = pypdfium2.PdfDocument(pdf(lay_out("bold", "a5", content), NAME))[0].render(scale=1.5).to_pil()
    return saved(paper, "PNG")


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--readme", action="store_true", help="make the pictures of the README")
    asked = parser.parse_args()
    target = asked.folder or (FOLDER if asked.readme else FOLDER / "all")
    target.mkdir(parents=True, exist_ok=True)
    settings = {"FACE_RECOGNIZER_PROVIDER": "local", "GUNICORN_WORKERS": "1", "JOB_POLL_SECONDS": "0.2"}
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        server = stack.enter_context(run_server(folder, MAIL_OUTBOX=str(folder / "outbox"), **settings))
        browser = stack.enter_context(camera_browser(folder, filmed()))
        if asked.readme:
            for_readme(browser, server, prepare(server), target)
            return 0
        admin = Api(server).logged_in(server.admin, server.password).token
        all_of(browser, server, {"admin": admin}, EMPTY, target)
        words = prepare(server)
        grow_old(folder / "bench.db")
        all_of(browser, server, words, PAGES, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
