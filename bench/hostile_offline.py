"""Judges and decodes hostile images in child processes, and counts how often a decoder dies."""

import multiprocessing
import os
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from threading import Lock

import images
from testkit.hostile_images import Hostile

CHILDREN = 2
SECONDS = 30.0
PHOTO_PIXELS = 120_000_000


def judge_and_decode(data: bytes) -> str:
    """Return what becomes of a file: `decoded`, or the name of the error."""
    try:
        images.inspect(data, PHOTO_PIXELS)
        images.renditions(images.decode(data, long_side=images.WEB_LONG_SIDE))
    except images.ImageError as error:
        return type(error).__name__
    return "decoded"


def _serve(pipe: Connection) -> None:
    # libjpeg writes a line about every damaged file.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while True:
        data = pipe.recv_bytes()
        began = time.perf_counter()
        became = judge_and_decode(data)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        pipe.send((became, time.perf_counter() - began, held))


class _Child:
    """A child process that decodes one file after another; a dead one is replaced."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, far = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(far,), daemon=True)
        self._process.start()
        far.close()

    def stop(self) -> None:
        self._process.kill()
        self._process.join()

    def ask(self, data: bytes) -> tuple[str, float, int]:
        """Return what becomes of a file, the seconds it took, and the most memory in MB that the child has had."""
        try:
            self._pipe.send_bytes(data)
            if self._pipe.poll(SECONDS):
                became, took, held = self._pipe.recv()
                return str(became), float(took), int(held)
            became = f"NO END within {SECONDS:.0f} s"
        except (EOFError, OSError):
            self._process.join()
            became = f"DIED with {self._process.exitcode}"
        self.stop()
        self._start()
        return became, 0.0, 0


def offline(files: Iterator[Hostile]) -> int:
    """Judge and decode all files; print what became of them by format; return 1 if a child died or hung."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, tuple[float, str]] = {}
    bad: list[str] = []
    turn, lock, most = enumerate(files), Lock(), [0]

    def work() -> None:
        child = _Child()
        while True:
            with lock:
                number, each = next(turn, (0, None))
            if each is None:
                child.stop()
                return
            became, took, held = child.ask(each.data)
            with lock:
                counts[each.format][became] += 1
                slowest[each.format] = max(slowest.get(each.format, (0.0, "")), (took, f"{number} ({each.kind})"))
                most[0] = max(most[0], held)
                if became[:4] in ("DIED", "NO E"):
                    bad.append(f"{each.format} {number} ({each.kind}): {became}")

    with ThreadPoolExecutor(CHILDREN) as pool:
        for done in [pool.submit(work) for _ in range(CHILDREN)]:
            done.result()
    for name, found in counts.items():
        said = ", ".join(f"{number} {became}" for became, number in found.most_common())
        print(f"{name:5} {said}; slowest {slowest[name][0]:.2f} s: {slowest[name][1]}")
    print(f"most memory of a child: {most[0]} MB; children that died or hung: {len(bad)}")
    print("\n".join(bad))
    return 1 if bad else 0
