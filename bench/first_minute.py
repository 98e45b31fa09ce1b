"""A guest's first minute in Chromium: how long the machine lets wait from the poster's code to the first own photo.

A phone's screen of 360 x 640, a fake camera that films a face, a new browser each time, the local engine, a server
that has matched a portrait before. Two networks: 60 ms and 1 MB/s, 400 ms and 50 kB/s, for all connections. The times
from each tap to the next thing to tap are summed, by the clock of the browser. The guest takes a second to aim and
one to look at the picture.
"""

import statistics
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser

from bench.report import Drawing, Measured, Result, run_part
from testkit.builders import OPEN
from testkit.camera import camera_browser, filmed, portrait
from testkit.event_photos import give_cover, send_photos
from testkit.first_minute import FirstMinute, first_minute
from testkit.pictures import saved
from testkit.servers import Server, create_event, run_server, temporary_folder
from testkit.slow_network import Network, slowed

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "device_scale_factor": 2, "has_touch": True}
# The network, and the bound in seconds.
NETWORKS = {
    "60 ms, 1 MB/s": (Network(0.06, 1e6), 3.0),
    "400 ms, 50 kB/s": (Network(0.4, 50e3), 8.0),
}
VISITS, QUICK_VISITS = 5, 2
PAUSE = 1.0
PHOTOS = 6
CODE = "MINUTE26"


def _noisy(image: Image.Image, dice: np.random.Generator) -> Image.Image:
    """Return a picture with a sensor's noise."""
    pixels = np.asarray(image, np.int16)
    noise = dice.integers(-6, 7, pixels.shape, np.int16)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _photos() -> Iterator[bytes]:
    """Photos of the guest as a camera gives them: 2,400 px, with a sensor's noise."""
    dice = np.random.default_rng(1)
    for number in range(PHOTOS):
        large = portrait().crop((0, 0, 512, 340 + 20 * number)).resize((2400, 1600))
        yield saved(_noisy(large, dice), "JPEG", quality=90)


def prepare(server: Server) -> None:
    """Make an event with photos of the guest and a cover, and wait until they are processed."""
    event = create_event(server, "camera", name="Mariage de Léa et Tom", event_code=CODE, **OPEN)
    photos = send_photos(event.photographer, event.id, _photos())
    give_cover(event.photographer, event.id, photos[0])


def visit(browser: Browser, url: str, pause: float = PAUSE) -> FirstMinute:
    """Go the way once in a new browser."""
    context = browser.new_context(base_url=url, permissions=["camera"], locale="fr-FR", **PHONE)
    try:
        return first_minute(context.new_page(), f"/join?event_code={CODE}", pause=pause)
    finally:
        context.close()


def measure(quick: bool) -> Measured:
    """Measure both networks."""
    visits = QUICK_VISITS if quick else VISITS
    results, lines = list[Result](), dict[str, list[tuple[float, float]]]()
    with temporary_folder() as folder, run_server(folder, FACE_RECOGNIZER_PROVIDER="local") as server:
        prepare(server)
        with camera_browser(folder, _noisy(filmed(), np.random.default_rng(2))) as browser:
            visit(browser, server.url)
            for name, (network, bound) in NETWORKS.items():
                with slowed(server.url, network) as url:
                    ways = [visit(browser, url) for _ in range(visits)]
                results += _results(name, bound, ways)
                steps = [statistics.median(way.seconds[step] for way in ways) for step in ways[0].seconds]
                lines[name] = [(float(place), seconds) for place, seconds in enumerate(steps)]
    drawing = Drawing("Where does a guest wait?", "", "seconds", lines, list(ways[0].seconds))
    return Measured("first_minute", results, [drawing])


def _results(name: str, bound: float, ways: list[FirstMinute]) -> list[Result]:
    waited = sorted(way.waited for way in ways)
    steps = {step: statistics.median(way.seconds[step] for way in ways) for step in ways[0].seconds}
    told = ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
    note = f"{told}; {len(ways)} visits {waited[0]:.1f} to {waited[-1]:.1f} s"
    return [
        Result(f"first minute, {name}", statistics.median(waited), "s", bound, note=note),
        Result(f"taps, {name}", max(way.taps for way in ways), "", 4),
        Result(f"the page of the code, {name}", steps["invitation"], "s"),
    ]


if __name__ == "__main__":
    sys.exit(run_part(measure, __doc__))
