"""How much memory a process takes and keeps, and which errors mean that it got no more."""

import ctypes
import re
import resource
import sys
from pathlib import Path

import cv2

MEGABYTE = 1024 * 1024
# malloc.h of glibc.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# Most bytes that a child may allocate: what it takes beside them (code, mapped files) stays under 1 GB in all.
CHILD_BYTES = 900 * MEGABYTE
# What the decoders take at their highest, as measured with WebP, HEIC and AVIF.
BYTES_PER_PIXEL = 11
# What Pillow, libheif, OpenCV and OpenVINO say when an allocation fails.
_NO_MEMORY = re.compile(
    r"out of memory|insufficient memory|bad.?alloc|(failed|unable|cannot) to allocate", re.IGNORECASE
)


def return_memory() -> None:
    """Make glibc return large blocks to the system at once, and limit it to two heaps.

    Otherwise a process that decoded a 12-megapixel photo in each of several threads keeps all that memory. Blocks
    below 24 MB are reused (a password hash takes 19 MB, a selfie 9): new pages for each cost a seventh of a journey.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        mallopt = getattr(libc, "mallopt", None)
        if mallopt is not None:
            mallopt(M_ARENA_MAX, 2)
            mallopt(M_MMAP_THRESHOLD, 24 * MEGABYTE)
            mallopt(M_TRIM_THRESHOLD, 48 * MEGABYTE)


def limit(size: int) -> None:
    """Let allocations fail that would take this process over `size` bytes of data; write no memory to disk."""
    # RLIMIT_AS would count what OpenVINO and the allocator only reserve: 0.6 GB that are never touched.
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    # A core file of a crash would hold pictures of people.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def resident() -> int:
    """Return how many bytes of memory this process takes now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def may_lack(pixels: int) -> bool:
    """Return whether a picture of so many pixels may need more memory than this process may still take.

    Some decoders call every picture damaged for which they get no memory.
    """
    size = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return size != resource.RLIM_INFINITY and resident() + pixels * BYTES_PER_PIXEL > size


def is_shortage(error: BaseException | None) -> bool:
    """Return whether an error, or one that it comes from, says that there was not enough memory."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, cv2.error | OSError | RuntimeError | ValueError) and _NO_MEMORY.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
