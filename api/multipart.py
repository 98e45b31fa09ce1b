"""Multipart forms as all clients send them: with text before the first boundary, with long or encoded file names."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from tempfile import SpooledTemporaryFile
from typing import Any

import starlette.requests
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from api import part_names

# Of one line in a part's head. A name of 255 characters outside ASCII has 3 kB, percent-encoded; both forms of a
# name, 6. Longer ones are cut when they are stored.
MAX_LINE_BYTES = 64 * 1024
# A longer line is not kept after it has been read: uploads are held on disk, and heads in memory.
MAX_KEPT_BYTES = 1024
# Spaces between a boundary and the end of its line (RFC 2046, 5.1.1).
MAX_PADDING = 64
CALLBACKS = (
    *("on_part_begin", "on_part_data", "on_part_end", "on_header_field", "on_header_value", "on_header_end"),
    *("on_headers_finished", "on_end"),
)


class FormParts(MultiPartParser):
    """Starlette's parser of multipart forms, with our reading of names and boundaries."""

    def on_header_end(self) -> None:
        """Take a line of a part's head. Of the name, only what `part_names` makes of it stays in memory."""
        super().on_header_end()
        name, value = self._current_part.item_headers[-1]
        if len(name) + len(value) > MAX_KEPT_BYTES:
            self._current_part.item_headers.pop()

    def on_headers_finished(self) -> None:
        """Begin a part: a file if it has a file name in any form, else a field.

        Raises:
            MultiPartException: the part has no name, or there are more files or fields than the call takes.
        """
        part = self._current_part
        given = part_names.read(part.content_disposition or b"")
        if given.field is None:
            raise MultiPartException('The Content-Disposition header field "name" must be provided.')
        part.content_disposition, part.field_name = None, given.field
        if given.filename is None:
            self._current_fields += 1
            if self._current_fields > self.max_fields:
                raise MultiPartException(f"Too many fields. Maximum number of fields is {self.max_fields}.")
            return
        self._current_files += 1
        if self._current_files > self.max_files:
            raise MultiPartException(f"Too many files. Maximum number of files is {self.max_files}.")
        file = SpooledTemporaryFile(max_size=self.spool_max_size)  # noqa: SIM115 - closed with the request
        self._files_to_close_on_error.append(file)
        headers = Headers(raw=part.item_headers)
        # Starlette declares a BinaryIO, which a temporary file is in all but name.
        part.file = UploadFile(file=file, size=0, filename=given.filename, headers=headers)  # type: ignore[arg-type]

    async def parse(self) -> FormData:
        """Return the form as Starlette does; text before the first boundary and long lines in heads do not matter.

        Raises:
            MultiPartException: the form is malformed, or has more or larger parts than the call takes.
        """
        boundary = parse_options_header(self.headers["Content-Type"])[1].get(b"boundary")
        if not boundary:
            raise MultiPartException("Missing boundary in multipart.")
        # Another charset is refused before (`api.body_types`).
        self._charset = "utf-8"
        try:
            parser = MultipartParser(boundary, self._callbacks(), max_header_size=MAX_LINE_BYTES)
            async with aclosing(_from_first(boundary, self.stream)) as chunks:
                async for chunk in chunks:
                    parser.write(chunk)
                    await self._store()
        except BaseException as error:
            for file in self._files_to_close_on_error:
                file.close()
            if isinstance(error, FormParserError):
                raise MultiPartException("Invalid multipart data.") from error
            raise
        return FormData(self.items)

    def _callbacks(self) -> Any:
        return {name: getattr(self, name) for name in CALLBACKS}

    async def _store(self) -> None:
        """Write to the files what the parser has found; on disk, each write is one of another thread."""
        for part, data in self._file_parts_to_write:
            if part.file is not None:
                await part.file.write(data)
        for part in self._file_parts_to_finish:
            if part.file is not None:
                await part.file.seek(0)
        self._file_parts_to_write.clear()
        self._file_parts_to_finish.clear()


async def _from_first(boundary: bytes, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the chunks from the first line on that is the boundary (RFC 2046, 5.1.1: what is before means nothing).

    Raises:
        MultiPartException: there is none, and the body is not empty.
    """
    line = re.compile(rb"\n--" + re.escape(boundary) + rb"(?:(--)|[ \t]{0,%d}\r\n)" % MAX_PADDING)
    # The first line begins as all others do.
    waiting, found, seen = b"\n", None, False
    async for chunk in chunks:
        if found is not None:
            yield chunk
            continue
        seen = seen or bool(chunk.strip())
        waiting += chunk
        found = line.search(waiting)
        if found is not None:
            yield b"--" + boundary + (found[1] or b"\r\n") + waiting[found.end() :]
            waiting = b""
        else:
            waiting = waiting[-(len(boundary) + MAX_PADDING + 5) :]
    if found is None and seen:
        raise MultiPartException("Invalid multipart data.")


def install() -> None:
    """Make requests parse multipart forms with `FormParts`, wherever a route or a page asks for one."""
    starlette.requests.MultiPartParser = FormParts  # type: ignore[attr-defined]
