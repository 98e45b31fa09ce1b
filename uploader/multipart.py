"""One file as the body of a multipart form, read while it is sent."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

CHUNK = 256 * 1024


class Unreadable(Exception):
    """The file cannot be read, or became shorter. Not an OSError, which would look like a lost connection."""


def form(
    path: Path, sent: Callable[[int], None], *, field: str = "files", start: int = 0, size: int | None = None
) -> tuple[Iterator[bytes], dict[str, str]]:
    """Return the chunks of the body and its headers; the file is the part `field`: from `start`, `size` bytes or all.

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
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    if size is None:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise Unreadable from error
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + size + len(tail)),
    }

    def body() -> Iterator[bytes]:
        yield head
        for chunk in chunks_of(path, size, start):
            yield chunk
            sent(len(chunk))
        yield tail

    return body(), headers


def chunks_of(path: Path, size: int, start: int = 0) -> Iterator[bytes]:
    """Yield exactly `size` bytes from `start`: a file that grew meanwhile has more than was announced.

    Raises:
        Unreadable: the file cannot be read so far.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            while size:
                chunk = file.read(min(CHUNK, size))
                if not chunk:
                    raise Unreadable
                size -= len(chunk)
                yield chunk
    except OSError as error:
        raise Unreadable from error
