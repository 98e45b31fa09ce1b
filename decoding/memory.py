"""How much memory a process takes and keeps, and which errors mean that it got no more."""

import ctypes
import re
import resource
import sys

import cv2

import process_memory

MEGABYTE = 1024 * 1024
# malloc.h of glibc.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# Most bytes of data that a child may use: with code and mapped files, it stays under 1 GB in all.
CHILD_BYTES = 900 * MEGABYTE
# A child that has reserved so much more than it uses is replaced: see `process_memory.untouched`.
RESERVED_BYTES = 1000 * MEGABYTE
# Whatever a child reserves, the kernel never lets it have more than so many times what it may use.
MOST_RESERVED = 4
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
    """Let allocations fail that would take this process over `size` bytes of data in use; write no memory to disk.

    Call it before each task. What is reserved but not used does not count, so that it never takes the place of a
    picture: with too little memory, OpenVINO does not fail but finds no face.
    """
    # RLIMIT_AS would also count what can only be read.
    soft = min(size + process_memory.untouched(), MOST_RESERVED * size)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, MOST_RESERVED * size))
    # A core file of a crash would hold pictures of people.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def may_lack(pixels: int) -> bool:
    """Return whether a picture of so many pixels may need more memory than this process may still take.

    Some decoders call every picture damaged for which they get no memory.
    """
    return pixels * BYTES_PER_PIXEL > process_memory.left()


def is_shortage(error: BaseException | None) -> bool:
    """Return whether an error, or one that it comes from, says that there was not enough memory."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, cv2.error | OSError | RuntimeError | ValueError) and _NO_MEMORY.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
