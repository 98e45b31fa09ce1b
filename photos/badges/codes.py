"""What a badge's QR code holds, and the number that is shown below it.

The code holds the event, the badge's random number and a signature: no name, and no id of an account. Capitals,
digits and dots are the characters of which a small QR code holds most.
"""

import io
import secrets

import segno

import signing
from decoding.badges import FORM
from keys import BADGE_NUMBER_CHARACTERS

PURPOSE = b"badge of a guest"
# Base 32 without letters that read alike (Crockford's).
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_ALIKE = str.maketrans("OIL", "011", " -.")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIGNATURE_CHARACTERS, BITS = 10, 5
BORDER = 4


def new_number() -> str:
    """Return a random number of 40 bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(BADGE_NUMBER_CHARACTERS))


def typed_number(typed: str) -> str:
    """Return the stored form of a number that a person types, or that is in a code as a scanner reads it.

    Return an empty text if it cannot be a number.
    """
    text = typed.strip().upper()
    number = text.split(".")[2] if FORM.fullmatch(text) else text.translate(READ_ALIKE)
    return number if len(number) == BADGE_NUMBER_CHARACTERS and set(number) <= set(LETTERS) else ""


def shown_number(number: str) -> str:
    """Return a number as people read it: in two groups."""
    return f"{number[:4]}-{number[4:]}"


def code_of(event_id: int, number: str) -> str:
    """Return what the QR code of a badge holds."""
    return f"RB.{_in_base_36(event_id)}.{number}.{_signature(event_id, number)}"


def number_in(code: str, event_id: int) -> str | None:
    """Return the number of a code of this event; None if it is another event's, or forged."""
    if not FORM.fullmatch(code):
        return None
    number = code.split(".")[2]
    return number if signing.same(code_of(event_id, number), code) else None


def svg_of(code: str) -> str:
    """Return the QR code as an SVG element, black on white in both colour themes."""
    drawn = segno.make(code, error="q", boost_error=False, micro=False)
    return str(drawn.svg_inline(border=BORDER, light="#fff", omitsize=True))


def png_of(code: str, scale: int) -> bytes:
    """Return the QR code as a PNG, `scale` pixels per module."""
    written = io.BytesIO()
    segno.make(code, error="q", boost_error=False, micro=False).save(written, kind="png", scale=scale, border=BORDER)
    return written.getvalue()


def _in_base_36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits or "0"


def _signature(event_id: int, number: str) -> str:
    bits = int.from_bytes(signing.hash_for(PURPOSE, f"{event_id}/{number}")[:8])
    return "".join(LETTERS[bits >> BITS * place & 31] for place in range(SIGNATURE_CHARACTERS))
