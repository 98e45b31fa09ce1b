"""What the web process does for pictures that it passes on, and for those that browsers load from the store itself.

`python -m bench.bytes` runs one worker with its files on an S3 server of this machine, and loads the same signed
links both ways in turn: as a script does, which gets the picture from us, and as an `<img>` does, which is led to the
store.
Then it sends photos as the studio does: in a form, in parts through the service, and to the store. It prints CPU of
the worker and the bytes of bodies that it received or sent. `--photos` is how many are sent each way.
"""

import argparse
import hashlib
import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from bench.ingest import twelve_megapixel_photo
from bench.responsive import cpu_seconds
from testkit.deployed import make_bucket, s3_server
from testkit.servers import TLS, Launcher, NewEvent, create_event, temporary_folder, wait_until

QUIET_SECONDS = 0.5
PHOTOS, LOADS, TURNS, TURNS_SENDING = 8, 100, 9, 5
SIZES = ("thumb", "web")
THROUGH, AROUND = "through us", "from the store"
# How a browser names the two: `fetch` of a script, and `<img>`.
MODES = {THROUGH: "cors", AROUND: "no-cors"}


@contextmanager
def served(folder: Path) -> Iterator[tuple[Launcher, NewEvent]]:
    """Run the service on S3 with links; yields it with an event."""
    with s3_server(folder) as environment:
        make_bucket(environment, "pictures")
        launcher = Launcher(
            folder,
            **environment,
            STORAGE_URL="s3://pictures",
            PRESIGNED_SECONDS="600",
            PRESIGNED_UPLOADS="true",
            FACE_RECOGNIZER_PROVIDER="fake",
            GUNICORN_WORKERS="1",
            ACCESS_LOG="false",
        )
        try:
            yield launcher, create_event(launcher.start())
        finally:
            launcher.stop()


def settle(event: NewEvent, photos: int) -> list[dict[str, str]]:
    """Wait until that many photos are processed; return them."""
    path = f"/api/photographer/events/{event.id}/photos"

    def done() -> bool:
        states = [each["processing_status"] for each in event.photographer.call("GET", path)]
        return states.count("done") == photos

    wait_until(done, 300, f"{photos} photos")
    found: list[dict[str, str]] = event.photographer.call("GET", path)
    return found


def wait_quietly(event: NewEvent, photos: int) -> None:
    """Wait until that many photos are processed; asks so seldom that it adds nothing to what is measured."""
    while event.photographer.call("GET", f"/api/photographer/events/{event.id}/progress")["done"] < photos:
        time.sleep(QUIET_SECONDS)


def load_all(launcher: Launcher, links: list[str], way: str) -> tuple[float, int]:
    """Load links over one connection; return CPU of the worker in ms and bytes of bodies, both for one load."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(launcher.url).port or 80, timeout=60)
    workers, received = launcher.workers(), 0
    before = cpu_seconds(workers)
    for link in links:
        parts = urlsplit(link)
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Mode": MODES[way]})
        answer = connection.getresponse()
        received += len(answer.read())
        assert answer.status == (200 if way == THROUGH else 302), answer.status
    connection.close()
    # What is sent on has come from the store before.
    return (cpu_seconds(workers) - before) / len(links) * 1000, 2 * received // len(links)


def looks(launcher: Launcher, photos: list[dict[str, str]], size: str, turns: int) -> None:
    """Print a line for each way of loading pictures of this size."""
    key = {"thumb": "thumbnail_url", "web": "url"}[size]
    links = [each[key] for each in photos] * (LOADS // len(photos))
    found: dict[str, list[tuple[float, int]]] = {way: [] for way in MODES}
    for _ in range(turns + 1):
        for way in MODES:
            found[way].append(load_all(launcher, links, way))
    for way, measured in found.items():
        cpu = statistics.median(each for each, _ in measured[1:])
        print(f"{size:<8}{way:<16}{cpu:>8.2f} ms{measured[-1][1] / 1000:>12.1f} kB")


def send_form(event: NewEvent, name: str, data: bytes) -> int:
    """Send a photo in a form; return the bytes of bodies that the service received or sent."""
    path = f"/api/photographer/events/{event.id}/upload-photos"
    event.photographer.call("POST", path, files=[("files", (name, data))])
    # In, and on to the store.
    return 2 * len(data)


def send_parts(event: NewEvent, name: str, data: bytes, *, direct: bool) -> int:
    """Send a photo in parts; return the bytes of bodies that the service received or sent."""
    path = f"/api/photographer/events/{event.id}/uploads"
    asked = {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "direct": direct}
    upload = event.photographer.call("POST", path, json=asked)
    for part in upload["parts"]:
        start = (part["number"] - 1) * upload["part_size"]
        content = data[start : start + part["size"]]
        if part["url"]:
            httpx2.put(part["url"], content=content, verify=TLS).raise_for_status()
        else:
            where = f"{path}/{upload['upload_id']}/parts/{part['number']}"
            event.photographer.call("PUT", where, files={"file": ("part", content)})
    event.photographer.call("POST", f"{path}/{upload['upload_id']}/complete")
    # To the store: read back to be judged. Through us: in, to the store, read back, and to its place.
    return len(data) if direct else 4 * len(data)


WAYS: dict[str, Callable[[NewEvent, str, bytes], int]] = {
    "form": send_form,
    "parts through us": partial(send_parts, direct=False),
    "to the store": partial(send_parts, direct=True),
}


def sending(launcher: Launcher, event: NewEvent, kinds: dict[str, bytes], photos: int) -> None:
    """Print a line for each way of sending photos; jobs of those before are finished first."""
    there = PHOTOS
    for kind, data in kinds.items():
        found: dict[str, list[tuple[float, float, int]]] = {way: [] for way in WAYS}
        for turn in range(TURNS_SENDING + 1):
            for way, send in WAYS.items():
                number = 1 if turn == 0 else photos // TURNS_SENDING
                workers = launcher.workers()
                before, began, moved = cpu_seconds(workers), time.perf_counter(), 0
                for each in range(number):
                    # Viewers pass over what stands behind a picture: each photo has bytes of its own.
                    own = data + f"{kind} {way} {turn} {each}".encode()
                    moved += send(event, f"{there + each}.jpg", own)
                wall = time.perf_counter() - began
                there += number
                wait_quietly(event, there)
                cpu = cpu_seconds(workers) - before
                found[way].append((cpu / number * 1000, wall / number * 1000, moved // number))
        for way, measured in found.items():
            cpu, wall = (statistics.median(each[which] for each in measured[1:]) for which in (0, 1))
            print(f"{kind:<8}{way:<18}{cpu:>8.1f} ms CPU{wall:>8.0f} ms{measured[-1][2] / 1e6:>8.1f} MB", flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.bytes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--photos", type=int, default=100)
    asked = parser.parse_args()
    with temporary_folder() as folder, served(folder) as (launcher, event):
        files = []
        for number in range(PHOTOS):
            path = folder / f"{number}.jpg"
            path.write_bytes(twelve_megapixel_photo(number))
            files.append(path)
        event.photographer.upload(event.id, files)
        photos = settle(event, PHOTOS)
        print("One look: CPU of the web process, bytes that it received and sent")
        for size in SIZES:
            looks(launcher, photos, size, asked.turns)
        print("One photo sent: CPU of the web process with the steps of its job, time of the sender, bytes it moved")
        small = files[0].read_bytes()
        sending(
            launcher,
            event,
            {f"{len(small) / 1e6:.0f} MB": small, "20 MB": small + bytes(20_000_000 - len(small))},
            asked.photos,
        )


if __name__ == "__main__":
    main()
