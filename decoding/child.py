"""A child: does one task after another for the process that asked for it, until that process is gone."""

import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import process_memory
from decoding import memory, wire
from decoding.decoder import OutOfMemory
from decoding.task_types import Values
from decoding.tasks import TASKS
from faces.engine import FaceEngine
from faces.providers import make_engine
from settings import get_settings
from telemetry.storage_calls import collected

log = logging.getLogger("reperio.decoding")
PR_SET_PDEATHSIG = 1  # linux/prctl.h
# In need of memory, the kernel ends a process with more of these first (0 to 1000): rather a child than a worker.
OOM_SCORE = 500
# What the decoders call a picture for which they get no memory.
DAMAGED = ("DamagedImage", "UnsupportedImage")
# A stop is told to the process that serves, which lets the child end its task; a terminal's Ctrl+C goes to all.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def ignore_signals() -> None:
    """Leave the end of this process to the one it works for."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the process `parent`, which made it, dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def set_up(niceness: int) -> None:
    """Set the priority of this process, and how it gives memory back."""
    os.setpriority(os.PRIO_PROCESS, 0, niceness)
    memory.return_memory()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def serve(connection: socket.socket, size: int) -> None:
    """Do the tasks that come, each within `size` bytes of data in use.

    Returns when the other side is gone, or after a task that ran out of memory.
    """
    engines = list[FaceEngine]()

    def engine() -> FaceEngine:
        if not engines:
            engines.append(make_engine(get_settings()))
        return engines[0]

    while True:
        memory.limit(size)
        try:
            request, data = wire.receive(connection)
        except wire.Ended:
            return
        with collected() as calls:
            told, packed = _done(engine, request, data)
        # A connection that is gone ends the next round.
        with suppress(ConnectionError):
            size_now = {"resident": process_memory.resident(), "untouched": process_memory.untouched()}
            wire.send(connection, {**told, **size_now, "storage_calls": calls}, packed)
        if told.get("error") == OutOfMemory.__name__:
            return


def _done(engine: Callable[[], FaceEngine], request: Values, data: bytes) -> tuple[Values, bytes]:
    try:
        return TASKS[request["task"]](engine, request["arguments"], data)
    except BaseException as error:
        # BaseException, because the process that asked waits for an answer to every request.
        told = wire.described(error)
        if told["error"] in DAMAGED and memory.may_lack(request["pixels"]):
            told = wire.described(OutOfMemory("the picture is damaged, or needs more memory than it may take"))
        if told["error"] not in wire.KNOWN:
            log.exception("the task %s failed", request.get("task"))
        return told, b""
