"""Time and size of posters, and how small their codes are: `.venv/bin/python -m bench.posters`.

Prints the figures of docs/decisions/0028-posters-are-pdfs-made-here.md. Times are of the processor.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product

import cv2
import numpy as np

from api.language import LANGUAGES
from events.qr import join_link
from models import Event
from pages.posters import wordings
from posters.content import DESIGNS, FORMATS, Content, DesignName, FormatName, Wifi
from posters.formats import PAPERS, lay_out, picture_mm
from posters.pdf import pdf
from posters.sheet import Code
from posters.typefaces import FOLDER

WIFI = Wifi("Salle des fêtes", "bienvenue-2030")
DOTS = 300 / 25.4


def _contents() -> Iterator[tuple[str, Content]]:
    """Yield what a usual poster says: in one language, and in both with a network."""
    event = Event(name="Mariage de Camille et Théo", date=date(2030, 6, 22), event_code="ABCD2345")
    link = join_link(event.event_code).replace("http://localhost:8000", "https://photos.example.org")
    for label, language, wifi in (("one", LANGUAGES[0], None), ("both", "both", WIFI)):
        yield (
            label,
            Content(event.name, event.event_code, link, "photos.example.org", wordings(language, event), wifi),
        )


def _cover(content: Content, paper: FormatName) -> bytes:
    """Return a picture with the detail of a photo, as large as it is printed."""
    width, height = (round(side * DOTS) for side in picture_mm(PAPERS[paper], content))
    coarse = np.random.default_rng(1).integers(0, 256, (height // 24 + 1, width // 24 + 1, 3), np.uint8)
    picture = cv2.GaussianBlur(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def _drawn(design: DesignName, paper: FormatName, content: Content) -> tuple[float, int, list[float]]:
    """Return the seconds and bytes of a PDF, and the sides of the modules of its codes in mm, the larger first."""
    # A name that has not been set before, as lines are kept.
    said = replace(content, name=f"{content.name} {design} {paper}")
    if design == "photo":
        said = replace(said, cover=_cover(content, paper))
    begun = time.process_time()
    sheet = lay_out(design, paper, said)
    made = pdf(sheet, said.name)
    taken = time.process_time() - begun
    face = sheet.faces[0]
    codes = (item for item in face.items if isinstance(item, Code))
    return taken, len(made), sorted((code.size / len(code.modules) * face.scale for code in codes), reverse=True)


def main() -> None:
    """Print the figures."""
    first, _, _ = _drawn("quiet", "a4", next(_contents())[1])
    found = {
        (design, paper, label): _drawn(design, paper, content)
        for design, paper, (label, content) in product(DESIGNS, FORMATS, _contents())
    }
    print(f"fonts: {sum(path.stat().st_size for path in FOLDER.glob('*.ttf')) / 1e6:.2f} MB")
    print(f"first PDF of a process: {first:.2f} s")
    for pictures in (False, True):
        some = [each for (design, *_), each in found.items() if (design == "photo") == pictures]
        seconds, sizes = [each[0] for each in some], [each[1] / 1000 for each in some]
        spans = f"{min(seconds):.2f} to {max(seconds):.2f} s, {min(sizes):.0f} to {max(sizes):.0f} kB"
        print(f"{'with' if pictures else 'without'} a cover: {spans}")
    for paper in FORMATS:
        sides = {label: [found[design, paper, label][2] for design in DESIGNS] for label in ("one", "both")}
        one, both, network = (
            min(each[at] for each in sides[label]) for label, at in (("one", 0), ("both", 0), ("both", 1))
        )
        print(f"{paper}: {one:.2f} mm, in both with a network {both:.2f} mm, the network's {network:.2f} mm")


if __name__ == "__main__":
    main()
