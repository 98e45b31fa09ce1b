"""What a poster says, and the choices for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import errors

DesignName: TypeAlias = Literal["quiet", "bold", "photo"]
FormatName: TypeAlias = Literal["a4", "a5", "a6", "four", "tent"]
DESIGNS: tuple[DesignName, ...] = get_args(DesignName)
FORMATS: tuple[FormatName, ...] = get_args(FormatName)
SSID_BYTES = 32
# WPA takes 8 to 63 printable ASCII characters, or the key itself as 64 hexadecimal digits.
_PASSWORD = re.compile(r"[ -~]{8,63}|[0-9A-Fa-f]{64}")
_SPECIAL = re.compile(r'([\\;,:"])')


@dataclass(frozen=True, slots=True)
class Wifi:
    """A wireless network; without a password it is open."""

    name: str
    password: str

    def code(self) -> str:
        """Return the text of the QR code with which a phone joins the network."""
        name, password = (_SPECIAL.sub(r"\\\1", each) for each in (self.name, self.password))
        return f"WIFI:T:WPA;S:{name};P:{password};;" if password else f"WIFI:T:nopass;S:{name};;"


def wifi_of(name: str, password: str) -> Wifi | None:
    """Return the network that was typed, None if nothing was.

    Raises:
        BadWifi: such a network cannot exist: a password without a name, a name of more than 32 bytes or with a
            control character, a password that is neither 8 to 63 characters of ASCII nor 64 hexadecimal digits.
    """
    if not name and not password:
        return None
    if not name or not name.isprintable() or len(name.encode(errors="surrogatepass")) > SSID_BYTES:
        raise errors.BadWifi
    if password and not _PASSWORD.fullmatch(password):
        raise errors.BadWifi
    return Wifi(name, password)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a poster in one language; `steps` are three, of one or two words each."""

    date: str
    call: str
    steps: tuple[str, str, str]
    typed: str
    privacy: str
    wifi: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a poster says: `link` is in the QR code, `site` and `code` are typed instead.

    `cover` is a JPEG with the proportions of the design's picture.
    """

    name: str
    code: str
    link: str
    site: str
    words: Sequence[Wording]
    wifi: Wifi | None = None
    cover: bytes | None = None
