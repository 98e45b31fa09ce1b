"""How much memory this process uses, and how much more it may take."""

import os
import re
import resource
from contextlib import suppress
from pathlib import Path

_PROPORTIONAL = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_FIELD = re.compile(r"^(VmData|RssAnon):\s+(\d+) kB", re.MULTILINE)


def resident() -> int:
    """Return how many bytes of memory this process takes now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def proportional() -> int:
    """Return how many bytes this process and those it has started take, shared pages divided among their users.

    0 where the system does not tell. Takes a few milliseconds.
    """
    return sum(_proportional_of(pid) for pid in _with_descendants(os.getpid()))


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    # The list grows while it is read.
    for each in found:
        for listing in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in listing.read_text().split()]
    return found


def _proportional_of(pid: int) -> int:
    try:
        found = _PROPORTIONAL.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def untouched() -> int:
    """Return how many bytes of data this process has reserved and never used; 0 where the system does not tell.

    Libraries reserve much more than they use: OpenBLAS 128 MB, and OpenVINO 10 MB of code for each new size
    of picture, of which it uses 0.2.
    """
    data, used = _data()
    return max(0, data - used)


def left() -> float:
    """Return how many bytes of data this process may still allocate; infinity without a limit."""
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else max(0, limit - _data()[0])


def _data() -> tuple[int, int]:
    """Return the bytes of data that count against the limit, and those of them that are in use."""
    try:
        found = dict(_FIELD.findall(Path("/proc/self/status").read_text()))
    except OSError:
        return 0, 0
    return 1024 * int(found.get("VmData", 0)), 1024 * int(found.get("RssAnon", 0))
