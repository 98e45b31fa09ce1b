"""One file as the body of a multipart form, read while it is sent."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

CHUNK = 256 * 1024


class Unreadable(Exception):
    """The file cannot be read, or became shorter. Not an OSError, which would look like a lost connection."""


def form(path: Path, sent: Callable[[int], None]) -> tuple[Iterator[bytes], dict[str, str]]:
    """Return the chunks of the body and its headers; the file is the part `files`.

    `sent` is called with the number of bytes of each chunk of the file as it is read.

    Raises:
        Unreadable: the file does not exist; raised by the iterator when the file cannot be read to its end.
    """
    boundary = secrets.token_hex(16)
    name = (
        path.name.encode("utf-8", "replace")
        .decode()
        .replace("\\", "_")
        .replace('"', "%22")
        .replace("\r", "%0D")
        .replace("\n", "%0A")
    )
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Unreadable from error
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + size + len(tail)),
    }
    return _body(head, path, size, tail, sent), headers


def _body(head: bytes, path: Path, size: int, tail: bytes, sent: Callable[[int], None]) -> Iterator[bytes]:
    yield head
    for chunk in _chunks(path, size):
        yield chunk
        sent(len(chunk))
    yield tail


def _chunks(path: Path, size: int) -> Iterator[bytes]:
    """Yield exactly `size` bytes: a file that grew meanwhile has more than Content-Length announced."""
    try:
        with path.open("rb") as file:
            while size:
                chunk = file.read(min(CHUNK, size))
                if not chunk:
                    raise Unreadable
                size -= len(chunk)
                yield chunk
    except OSError as error:
        raise Unreadable from error
