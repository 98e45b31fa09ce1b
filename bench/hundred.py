"""How long 100 ordinary photos of 12 megapixels take, from the first byte sent to the last match, on this machine.

`python -m bench.hundred` starts a server, sends the photos one by one, and waits until the guest who had sent a
selfie has a match in each. For the same figure of another version, in the same session:
`PYTHONPATH=DIR python bench/hundred.py`, with DIR a checkout of it (`git worktree add DIR COMMIT`).
"""

import argparse
import os
import time
from pathlib import Path

from bench.ingest import twelve_megapixel_photo
from bench.responsive import Scene, cpu_seconds, drain, make_scene
from testkit.sample_pictures import sample_event
from testkit.servers import Api, temporary_folder

PHOTOS, WARM_UP = 100, 6
POLL_SECONDS = 0.05


def _send_selfie(scene: Scene, folder: Path) -> None:
    folder.mkdir()
    selfie = next(iter(sample_event(folder).portraits["person1"]))
    guest = Api(scene.server, scene.guest_token)
    files = {"file": ("me.png", selfie.read_bytes(), "image/png")}
    guest.call("POST", "/api/upload-selfie", files=files, params={"strict": False})


def _matches(scene: Scene) -> int:
    return len(Api(scene.server, scene.guest_token).call("GET", "/api/my-photos"))


def _cpu(scene: Scene) -> float:
    return cpu_seconds([scene.server.pid, *scene.launcher.processes()])


def seconds(photos: int) -> tuple[float, float]:
    """Return the seconds from the first byte sent to the last match, and the server's CPU seconds meanwhile."""
    with temporary_folder() as folder:
        scene = make_scene(folder)
        try:
            _send_selfie(scene, folder / "sample")
            photo = twelve_megapixel_photo()
            scene.upload(photo, WARM_UP)
            drain(scene)
            before = _matches(scene)
            assert before == WARM_UP, f"{before} of {WARM_UP} photos are matched with their guest"
            began, used = time.monotonic(), _cpu(scene)
            scene.upload(photo, photos)
            while scene.waiting():
                time.sleep(POLL_SECONDS)
            taken, used = time.monotonic() - began, _cpu(scene) - used
            assert _matches(scene) == before + photos
            return taken, used
        finally:
            scene.launcher.stop()


def main() -> None:
    """Print the figure."""
    parser = argparse.ArgumentParser(prog="python -m bench.hundred", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=PHOTOS)
    photos = parser.parse_args().photos
    taken, used = seconds(photos)
    cores = len(os.sched_getaffinity(0))
    print(f"{photos} ordinary photos of 12 megapixels, from the first byte sent to the last match, on {cores} cores:")
    print(f"  {taken:.1f} s, CPU of the server {used / photos * 1000:.0f} ms a photo")


if __name__ == "__main__":
    main()
