"""Plans the copies of a picture: one without any note, one that says when and whose it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from stripping import exif, jpeg, png, webp
from stripping.plan import CannotStrip, Plan, joined
from stripping.reader import Reader

WALKS = {"image/jpeg": jpeg.walked, "image/png": png.walked, "image/webp": webp.walked}


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of both copies of a picture."""

    plain: Plan
    detailed: Plan


def plans(content_type: str, chunks: Iterator[bytes]) -> Plans:
    """Return the plans of a picture's copies; `chunks` are the file, which is read once.

    Raises:
        CannotStrip: it is of another format, damaged, or has a part of an unknown kind.
    """
    walk = WALKS.get(content_type)
    if walk is None:
        raise CannotStrip(f"a picture of type {content_type}")
    noted, parts = walk(Reader(chunks))
    plain, detailed = (Plan(tuple(joined(parts(exif.kept(noted, detailed=each))))) for each in (False, True))
    return Plans(plain, detailed)
