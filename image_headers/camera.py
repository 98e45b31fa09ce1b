"""Reads which camera took a picture: make, model and the number of its body (EXIF)."""

from dataclasses import dataclass

from image_headers import exif

MAKE, MODEL, BODY_NUMBER, DNG_NUMBER = 0x010F, 0x0110, 0xA431, 0xC62F


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera as its pictures name it. `number` is the serial number of its body: it is personal, never store it."""

    make: str = ""
    model: str = ""
    number: str = ""


def read(block: bytes) -> Camera | None:
    """Return the camera that EXIF metadata names; None where they name none."""
    opened = exif.opened(block)
    if opened is None:
        return None
    main = opened.find(opened.number(4, 4), MAKE, MODEL, DNG_NUMBER, exif.SUB_IFD)
    body = opened.find(opened.value(main.get(exif.SUB_IFD)), BODY_NUMBER)
    number = opened.text(body.get(BODY_NUMBER)) or opened.text(main.get(DNG_NUMBER))
    found = Camera(_plain(opened.text(main.get(MAKE))), _plain(opened.text(main.get(MODEL))), _plain(number))
    return found if any((found.make, found.model, found.number)) else None


def _plain(text: str) -> str:
    """Return a text with single spaces and nothing that cannot be shown."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
