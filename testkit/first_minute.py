"""A guest's first minute in a browser: from the address on the poster to the first photo of their own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Page

ACTION = "main button.main:visible"
# Notes when the guest can do the next thing, by the clock of the browser, through all pages of the way: the action of
# the page once its scripts run, the states of the camera, the first picture of the guest's own list once decoded.
WATCH = """
const note = (name, at = Date.now()) => {
  const notes = JSON.parse(sessionStorage.notes ?? "[]");
  sessionStorage.notes = JSON.stringify([...notes, [name, at]]);
};
addEventListener("click", () => note("tap"), true);
addEventListener("keydown", ({ key }) => note(key.length === 1 ? "typed" : "key"), true);
document.addEventListener("load", ({ target }) => {
  if (target.closest?.(".tile")) target.decode().then(() => note("photo"), () => {});
}, true);
document.addEventListener("DOMContentLoaded", () => {
  if (!sessionStorage.notes) note("opened", performance.timeOrigin);
  note("page");
  const frame = document.getElementById("frame");
  const watch = new MutationObserver(() => requestAnimationFrame(() => note(frame.dataset.state)));
  if (frame) watch.observe(frame, { attributeFilter: ["data-state"] });
});
"""


@dataclass
class FirstMinute:
    """What a guest did, and the seconds that each step let them wait, by its name."""

    taps: int = 0
    typed: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def waited(self) -> float:
        """The seconds from each tap to the next thing to tap, and to the first photo, summed."""
        return sum(seconds for step, seconds in self.seconds.items() if step != "invitation")


def first_minute(
    page: Page, address: str, *, pause: float = 0.0, look: Callable[[str], object] = lambda _: None
) -> FirstMinute:
    """Go the way of a guest who scans the code, agrees, takes a portrait and sends it; return what it took.

    `pause` are the seconds that the guest takes for the camera and for the picture. `look` is called with the name of
    each screen. The camera's permission is given; its prompt would be one tap more.
    """
    page.add_init_script(WATCH)
    page.goto(address, wait_until="domcontentloaded")
    look("invitation")
    for state, screen in (("live", "camera"), ("ready", "review")):
        page.locator(ACTION).click()
        page.wait_for_selector(f"#frame[data-state={state}]")
        look(screen)
        page.wait_for_timeout(pause * 1000)
    page.locator(ACTION).click()
    page.wait_for_function("() => sessionStorage.notes.includes('photo')")
    return _told(json.loads(page.evaluate("sessionStorage.notes")))


def _told(notes: list[tuple[str, float]]) -> FirstMinute:
    """Return what the notes of the browser say; a thing that came twice counts when it came first."""
    taps = [at for name, at in notes if name == "tap"]
    first = dict(reversed(notes))
    seconds = {
        "invitation": first["page"] - first["opened"],
        "camera": first["live"] - taps[0],
        "look at the picture": first["ready"] - taps[1],
        "first photo": first["photo"] - taps[2],
    }
    typed = sum(name == "typed" for name, _ in notes)
    return FirstMinute(len(taps), typed, {step: milliseconds / 1000 for step, milliseconds in seconds.items()})
