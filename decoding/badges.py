"""Reads guests' badges in a picture: QR codes of the form that `photos/badges/codes.py` makes."""

import re

import cv2

from faces.engine import BgrImage

# What a badge's code holds: event, number and signature. Other codes, such as a poster's, say nothing.
FORM = re.compile(r"RB\.[0-9A-Z]{1,13}\.[0-9A-HJKMNP-TV-Z]{8}\.[0-9A-HJKMNP-TV-Z]{10}")
# Badges of one picture, a group's, that are read.
MOST = 24


def codes_in(image: BgrImage) -> list[str]:
    """Return what the badges in a picture hold, each once, in order; an empty list where the reader gives up."""
    # Loaded only by processes that need it.
    import zxingcpp

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    try:
        found = zxingcpp.read_barcodes(grey, zxingcpp.barcode_formats_from_str("QRCode"))
    except (RuntimeError, ValueError, MemoryError):
        # A photo is processed also when no code can be searched for in it.
        return []
    return checked([each.text for each in found])


def checked(codes: list[str]) -> list[str]:
    """Return those of these texts that have the form of a badge, each once, in order."""
    return sorted({each for each in codes if FORM.fullmatch(each)})[:MOST]
