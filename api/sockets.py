"""What the system knows of a connection's socket, and how it is closed."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios


def unsent(transport: asyncio.Transport) -> int:
    """Return how many bytes the client has not taken: those in this process, and those the system still holds."""
    size = transport.get_write_buffer_size()
    if sys.platform == "linux":
        held = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        size += int.from_bytes(held, sys.byteorder)
    return size


def reset_on_close(transport: asyncio.Transport) -> None:
    """Let the end of the connection be a reset, so that a sender who goes on learns of it with the next byte.

    Only if the client's system has the whole answer: a reset would otherwise lose the rest.
    """
    if unsent(transport) == 0:
        linger_none = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
