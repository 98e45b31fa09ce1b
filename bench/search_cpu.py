"""CPU of a photo by what it shows: six faces, none, the same six in 24 megapixels, a crowd.

`python -m bench.search_cpu --against DIR` compares with the version in DIR (`git worktree add DIR COMMIT`): both do
the whole work on each photo, from the stored original to renditions and embedded faces, in turn, each in a process of
its own. The figures are the medians over all rounds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parents[1]
ROUNDS = 7
NOISE, QUALITY = 6, 90
RENDITIONS = {"web": "web.jpg", "thumb": "thumb.jpg"}
Picture = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def serve(storage_url: str) -> None:
    """Answer each line on standard input, a file in storage and its size, with CPU seconds and the faces found."""
    os.environ["STORAGE_URL"] = storage_url
    from decoding.decoder import InThisProcess, StoredPhoto
    from faces.local import LocalEngine

    engine = LocalEngine()
    decoder = InThisProcess(lambda: engine)
    for line in sys.stdin:
        name, width, height = line.split()
        began = time.process_time()
        read = decoder.photo(StoredPhoto(name, RENDITIONS, int(width), int(height)))
        print(time.process_time() - began, len(read.faces), flush=True)


def _jpeg(picture: Picture, width: int, height: int, seed: int) -> bytes:
    """Return the picture at that size with sensor noise, so that the file is as large as a camera's."""
    large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).integers(-NOISE, NOISE + 1, large.shape, np.int16)
    noisy = np.clip(large.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def _with_ground(group: Picture, part: float) -> Picture:
    """Return a picture of 4 to 3 whose upper left part shows the group; below is its plain background."""
    width = round(group.shape[1] / part)
    ground = np.full((width * 3 // 4, width, 3), 200, np.uint8)
    ground[: group.shape[0], : group.shape[1]] = group[: ground.shape[0]]
    return ground


def pictures() -> Iterator[tuple[str, int, int, bytes]]:
    """Yield a name, width, height and the JPEG of every kind of photo."""
    from bench.crowds import HEIGHT, WIDTH, crowd
    from testkit.sample_pictures import NoPictures, sample_file

    group = np.asarray(cv2.imread(str(sample_file("insightface", "data/images/t1.jpg"))), np.uint8)
    large, small = _with_ground(group, 1.0), _with_ground(group, 0.36)
    for name, picture in (("six faces of 310 px", large), ("six faces of 110 px", small)):
        yield name, 4000, 3000, _jpeg(picture, 4000, 3000, 1)
    for sample in ("coffee.png", "gravel.png", "hubble_deep_field.jpg"):
        empty = np.asarray(cv2.imread(str(sample_file("skimage", f"data/{sample}"))), np.uint8)
        yield f"none: {sample}", 4000, 3000, _jpeg(empty, 4000, 3000, 2)
    # As many pixels as 6000 x 4000, in the same shape as the photos of 12 megapixels.
    for name, picture in (("24 MP: six of 440 px", large), ("24 MP: six of 155 px", small)):
        yield name, 5656, 4242, _jpeg(picture, 5656, 4242, 3)
    try:
        yield "24 MP: a crowd of 63", WIDTH, HEIGHT, crowd(0).photo
    except NoPictures as problem:
        print(f"without a crowd: {problem}", file=sys.stderr)


@contextmanager
def _version(folder: Path, storage: Path) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, str(Path(__file__).resolve()), "--serve", f"file://{storage}"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _asked(process: "subprocess.Popen[str]", line: str) -> tuple[float, int]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    seconds, faces = process.stdout.readline().split()
    return float(seconds), int(faces)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.search_cpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=Path, help="a checkout of another version")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    folders = {"this version": HERE, **({"the other": asked.against.resolve()} if asked.against else {})}
    with tempfile.TemporaryDirectory() as place:
        storage = Path(place)
        rows = list[tuple[str, str]]()
        for number, (name, width, height, data) in enumerate(pictures()):
            (storage / f"{number}.jpg").write_bytes(data)
            rows.append((name, f"{number}.jpg {width} {height}"))
        with _both(folders, storage) as versions:
            _compare(rows, versions, asked.rounds)


@contextmanager
def _both(folders: dict[str, Path], storage: Path) -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    with _version(folders["this version"], storage) as one:
        if len(folders) == 1:
            yield {"this version": one}
            return
        with _version(folders["the other"], storage) as other:
            yield {"this version": one, "the other": other}


def _compare(rows: list[tuple[str, str]], versions: dict[str, "subprocess.Popen[str]"], rounds: int) -> None:
    taken, found = defaultdict[tuple[str, str], list[float]](list), dict[tuple[str, str], int]()
    # The first round loads and warms up.
    for number in range(rounds + 1):
        for name, line in rows:
            for version in versions if number % 2 else reversed(versions):
                seconds, found[name, version] = _asked(versions[version], line)
                if number:
                    taken[name, version].append(seconds * 1000)
    first = f"{'':<26}" + "".join(f"{version:>16}{'faces':>7}" for version in versions)
    print(first + (f"{'ratio':>8}" if len(versions) > 1 else "") + f"{'to the first':>14}")
    start = statistics.median(taken[rows[0][0], "this version"])
    for name, _ in rows:
        medians = {version: statistics.median(taken[name, version]) for version in versions}
        line = f"{name:<26}" + "".join(
            f"{each:13.1f} ms{found[name, version]:7}" for version, each in medians.items()
        )
        if len(versions) > 1:
            line += f"{medians['this version'] / medians['the other']:8.2f}"
        print(line + f"{medians['this version'] / start:14.2f}")


if __name__ == "__main__":
    main()
