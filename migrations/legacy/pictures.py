"""Where the bytes of the predecessor's pictures are: in its database, in a folder or in a bucket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from migrations.legacy.report import Refused
from migrations.legacy.source import Source, Values


class Place(Protocol):
    """A folder or bucket that holds pictures under the names that rows give."""

    def has(self, named: object) -> bool:
        """Return whether there is a picture of this name, without reading it."""

    def content(self, named: object) -> bytes:
        """Return the bytes of the picture of this name; empty if there is none."""


class Folder:
    """A folder with files whose paths in it are the names that rows give."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def has(self, named: object) -> bool:
        """Return whether there is such a file inside the folder."""
        return self._find(named) is not None

    def content(self, named: object) -> bytes:
        """Return the bytes of the file; empty if there is none inside the folder."""
        path = self._find(named)
        return path.read_bytes() if path is not None else b""

    def _find(self, named: object) -> Path | None:
        for parts in self._ways(_parts(named)):
            path = self._folder.joinpath(*parts).resolve()
            if path.is_relative_to(self._folder) and path.is_file():
                return path
        return None

    def _ways(self, parts: list[str]) -> Iterator[list[str]]:
        if parts:
            yield parts


class Files(Folder):
    """The folder of `--files`. Names may start above it: uploads/photos/a.jpg, photos/a.jpg and a.jpg are tried."""

    def _ways(self, parts: list[str]) -> Iterator[list[str]]:
        return (parts[start:] for start in range(len(parts)))


def _parts(named: object) -> list[str]:
    path = Path(str(named or "").replace("\\", "/").replace("\0", ""))
    return [part for part in path.parts if part not in ("/", "..", ".")]


class Pictures:
    """Finds and reads the picture of a row."""

    def __init__(self, source: Source, files: Place | None, objects: Place | None) -> None:
        self._source, self._files, self._objects = source, files, objects

    def check_selfie(self, row: Values) -> None:
        """Check that there are bytes of an account's selfie, without reading them.

        Raises:
            Refused: there are none.
        """
        if not row.get("selfie_data") and not self._any_has(self._selfie_names(row)):
            raise _no_file(row.get("selfie_path"))

    def selfie(self, row: Values) -> bytes:
        """Return the bytes of an account's selfie.

        Raises:
            Refused: there are none.
        """
        if row.get("selfie_data"):
            return self._source.content("users", "selfie_data", row["id"])
        data = self._first(self._selfie_names(row))
        if not data:
            raise _no_file(row.get("selfie_path"))
        return data

    def check_photo(self, row: Values) -> None:
        """Check that there are bytes of a photo, without reading them.

        Raises:
            Refused: there are none. CannotMove: the bucket does not answer.
        """
        if not row.get("photo_data") and not self._any_has(self._photo_names(row)):
            raise self._no_photo(row)

    def photo(self, row: Values) -> bytes:
        """Return the bytes of a photo.

        Raises:
            Refused: there are none. PhotoTooLarge: they are too many. CannotMove: the bucket does not answer.
        """
        if row.get("photo_data"):
            return self._source.content("photos", "photo_data", row["id"])
        data = self._first(self._photo_names(row))
        if not data:
            raise self._no_photo(row)
        return data

    def _selfie_names(self, row: Values) -> list[tuple[Place | None, object]]:
        return [(self._files, row.get("selfie_path"))]

    def _photo_names(self, row: Values) -> list[tuple[Place | None, object]]:
        return [
            (self._objects, row.get("s3_key")),
            (self._files, row.get("file_path")),
            (self._files, row["filename"]),
        ]

    def _any_has(self, names: list[tuple[Place | None, object]]) -> bool:
        return any(place is not None and place.has(name) for place, name in names)

    def _first(self, names: list[tuple[Place | None, object]]) -> bytes:
        found = (place.content(name) for place, name in names if place is not None)
        return next((data for data in found if data), b"")

    def _no_photo(self, row: Values) -> Refused:
        key = row.get("s3_key")
        if not key:
            return _no_file(row.get("file_path"))
        if self._objects is None:
            return Refused(f"its bytes are in a bucket, under {key!r}; give --objects", "give --objects")
        return Refused(f"the bucket has no object {key!r}", "the bucket has no such object")


def _no_file(path: object) -> Refused:
    return Refused(f"there are no bytes and no file {path!r}; give --files", "no bytes and no file; give --files")
