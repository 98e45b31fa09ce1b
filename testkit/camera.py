"""A browser whose camera films a still picture, for benches; tests have theirs in `tests/pages/stage.py`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from testkit.pictures import y4m
from testkit.sample_pictures import sample_file

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def portrait() -> Image.Image:
    """Return a portrait of the guest, 512 x 512 px."""
    return Image.open(sample_file("skimage", "data/astronaut.png")).convert("RGB")


def filmed() -> Image.Image:
    """Return what the camera sees of the guest, 1280 x 960 px."""
    return portrait().crop((60, 0, 444, 288)).resize((1280, 960))


@contextmanager
def camera_browser(folder: Path, still: Image.Image) -> Iterator[Browser]:
    """Yields Chromium with a camera that films a still picture; its film is stored in `folder`."""
    clip = y4m(still, folder / "face.y4m")
    fake = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *fake])
        yield browser
        browser.close()
