"""Reads what cameras say of their colours in EXIF alone (DCF 2.0; Exif 2.32, 4.6.5 and 4.6.7)."""

from image_headers.exif import SUB_IFD, opened

COLOUR_SPACE, INTEROPERABILITY, INDEX = 0xA001, 0xA005, 0x0001
# Of the tag for colours: 1 is sRGB, 65535 is another space; 2 is none of the standard, and means Adobe RGB.
OTHER_COLOURS, ADOBE_COLOURS = 65_535, 2
ADOBE_INDEX = "R03"


def is_adobe_rgb(exif: bytes) -> bool:
    """Return whether a camera says that the colours are Adobe RGB: DCF 2.0 calls it the "option file", R03.

    Cameras that are set to Adobe RGB often embed no profile.
    """
    block = opened(exif)
    if block is None:
        return False
    main = block.find(block.number(4, 4), SUB_IFD)
    camera = block.find(block.value(main.get(SUB_IFD)), COLOUR_SPACE, INTEROPERABILITY)
    said = block.value(camera.get(COLOUR_SPACE))
    index = block.find(block.value(camera.get(INTEROPERABILITY)), INDEX)
    named = block.text(index.get(INDEX)).startswith(ADOBE_INDEX)
    return said == ADOBE_COLOURS or (said == OTHER_COLOURS and named)
