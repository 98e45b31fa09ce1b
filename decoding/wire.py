"""Messages between a process and its children: JSON values and bytes, and errors by name.

Nothing is unpickled: a child may have been taken over by the picture it decodes.
"""

import json
import socket
import struct
import time
from typing import Any

import images
import storage
from decoding.decoder import OutOfMemory, TaskFailed
from decoding.memory import is_shortage
from decoding.task_types import Answer, Values
from faces.engine import EngineUnavailable
from faces.selfie import FaceTooSmall, NoFace, SeveralFaces

# Length of the JSON and of the bytes.
_LENGTHS = struct.Struct(">II")
MAX_JSON, MAX_BYTES = 1 << 20, 64 << 20
MAX_TEXT = 1500
# The errors that are raised again by the same class. Their messages are ours, without paths or addresses.
KNOWN: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        images.ImageError, images.UnsupportedImage, images.DamagedImage, images.TooManyPixels,
        images.TooManyScans, images.UnsupportedTiff,
        storage.StorageError, storage.StorageFullError, storage.MissingObject,
        NoFace, SeveralFaces, FaceTooSmall, EngineUnavailable, OutOfMemory,
    )
}  # fmt: skip


class Garbled(Exception):
    """The other side sent what is no message."""


class Ended(Exception):
    """The other side has closed the connection."""


def send(connection: socket.socket, values: Values, data: bytes, until: float | None = None) -> None:
    """Send a message.

    Raises:
        TimeoutError: it was not sent `until` that time of the monotonic clock. OSError: the other side is gone.
    """
    packed = json.dumps(values).encode()
    _limit(connection, until)
    connection.sendall(_LENGTHS.pack(len(packed), len(data)) + packed)
    if data:
        _limit(connection, until)
        connection.sendall(data)


def receive(connection: socket.socket, until: float | None = None) -> tuple[Values, bytes]:
    """Return the next message.

    Raises:
        TimeoutError: it had not come `until` that time. Ended: the other side is gone. Garbled: it is no message.
    """
    length, size = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size, until))
    if length > MAX_JSON or size > MAX_BYTES:
        raise Garbled("a message that is too long")
    try:
        values: Any = json.loads(_exactly(connection, length, until))
    except (ValueError, RecursionError) as error:
        raise Garbled("not JSON") from error
    if not isinstance(values, dict):
        raise Garbled("no object")
    return values, bytes(_exactly(connection, size, until))


def _exactly(connection: socket.socket, size: int, until: float | None) -> bytearray:
    whole = bytearray(size)
    view, at = memoryview(whole), 0
    while at < size:
        _limit(connection, until)
        try:
            count = connection.recv_into(view[at:])
        except ConnectionError as error:
            raise Ended from error
        if count == 0:
            raise Ended
        at += count
    return whole


def _limit(connection: socket.socket, until: float | None) -> None:
    if until is None:
        connection.settimeout(None)
        return
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def described(error: BaseException) -> Values:
    """Return an error as the values of a message."""
    if is_shortage(error):
        return {"error": OutOfMemory.__name__, "text": "the picture needs more memory than it may take"}
    # The subclass that is not known goes by the name of the class that is.
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in KNOWN), type(error).__name__)
    return {"error": name, "text": str(error)[:MAX_TEXT]}


def answer_of(values: Values, data: bytes) -> Answer:
    """Return the answer in a message, or raise the error in it."""
    if "error" not in values:
        return values, data
    name, text = str(values["error"]), str(values.get("text", ""))[:MAX_TEXT]
    if name in KNOWN:
        raise KNOWN[name](text)
    raise TaskFailed(f"{name}: {text}")
