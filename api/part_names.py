"""The name of a part of a multipart form and of its file, however a client writes them.

Browsers send `filename="…"` in UTF-8. Others send `filename*` (RFC 8187, once RFC 5987) alone or beside it, pieces of
it (RFC 2231), encoded words as in mails (RFC 2047; .NET does), other charsets, or whole paths. What cannot be decoded
stays as it was sent: a name is never a reason to refuse a photo.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote_to_bytes

# Names of charsets come from strangers, and some of Python's codecs take minutes: these alone are used.
CHARSETS = frozenset(
    {
        *("utf-8", "utf8", "us-ascii", "ascii", "latin-1", "latin1", "koi8-r", "koi8-u"),
        *(f"iso-8859-{number}" for number in (*range(1, 12), 13, 14, 15, 16)),
        *(f"windows-{number}" for number in range(1250, 1259)),
        *("gb2312", "gbk", "gb18030", "big5", "shift_jis", "iso-2022-jp", "euc-jp", "euc-kr"),
    }
)
# Parameters of one header that are read: more than any client sends.
MAX_PARAMETERS = 100
_MARKS = re.compile(r'\\.|[";]', re.DOTALL)
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]{0,40})?\?([bqBQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"\?=\s+(?==\?)")
_ESCAPED = re.compile(r"=([0-9A-Fa-f]{2})")
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PIECE = re.compile(r"filename\*(\d{1,3})(\*?)")


@dataclass(frozen=True, slots=True)
class PartName:
    """What a part is called: its field, and its file's name, None if it is no file. Both may be empty."""

    field: str | None
    filename: str | None


def read(disposition: bytes) -> PartName:
    """Return the names in a part's `Content-Disposition`. Takes time in proportion to its length."""
    given: dict[str, str] = {}
    for name, value in islice(_parameters(_text(disposition)), MAX_PARAMETERS):
        given.setdefault(name, value)
    return PartName(given.get("name"), _filename(given))


def _filename(given: dict[str, str]) -> str | None:
    """Return the best of the file names: `filename*`, then its pieces, then `filename`."""
    plain = given.get("filename")
    if "filename*" in given:
        extended = _extended(given["filename*"], alone=plain is None)
        if extended:
            return extended
    pieces = _pieces(given)
    if pieces:
        return pieces
    if plain is None:
        return "" if "filename*" in given else None
    return _words(plain)


def _parameters(value: str) -> Iterator[tuple[str, str]]:
    """Yield names, in lower case, and values, unquoted, of what follows the first semicolon."""
    for part in islice(_split(value), 1, None):
        name, equals, text = part.partition("=")
        if equals:
            yield name.strip().lower(), _unquoted(text.strip())


def _split(value: str) -> Iterator[str]:
    """Yield the parts between the semicolons that are not within quotes."""
    start, quoted = 0, False
    for found in _MARKS.finditer(value):
        if found[0] == '"':
            quoted = not quoted
        elif found[0] == ";" and not quoted:
            yield value[start : found.start()]
            start = found.end()
    yield value[start:]


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    # Only quotes and backslashes are escaped: Internet Explorer sent whole paths without escaping anything.
    return inner.replace("\\\\", "\\").replace('\\"', '"')


def _extended(value: str, *, alone: bool) -> str:
    """Return the name in a `filename*`; empty if it is malformed and there is another name (not `alone`)."""
    charset, _, encoded = value.split("'", 2) if value.count("'") >= 2 else ("", "", value)
    charset, data = charset.strip().lower(), unquote_to_bytes(encoded)
    if alone:
        return _decoded(data, charset)
    if charset not in CHARSETS or _STRAY.search(encoded):
        return ""
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return ""


def _pieces(given: dict[str, str]) -> str:
    """Return the name that is in pieces: `filename*0*=utf-8''a%20; filename*1=b.jpg`."""
    found = {}
    for name, value in given.items():
        piece = _PIECE.fullmatch(name)
        if piece:
            found[int(piece[1])] = (value, bool(piece[2]))
    charset, collected = "utf-8", b""
    for number in range(len(found)):
        if number not in found:
            break
        value, encoded = found[number]
        if encoded and number == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        collected += unquote_to_bytes(value) if encoded else value.encode()
    return _decoded(collected, charset.strip().lower())


def _words(value: str) -> str:
    """Return a name with its encoded words decoded; those that cannot be stay as they are."""
    if "=?" not in value:
        return value
    # Spaces between two words are not part of the text.
    text = _BETWEEN_WORDS.sub("?=", value)
    parts, end = list[str](), 0
    charset, waiting = "", b""
    for found in _WORD.finditer(text):
        data = _word(found)
        if waiting and (found.start() != end or found[1].lower() != charset or data is None):
            parts.append(_decoded(waiting, charset))
            waiting = b""
        parts.append(text[end : found.start()])
        if data is None:
            parts.append(found[0])
        else:
            # Clients cut words in the middle of a character: what belongs together is decoded together.
            charset, waiting = found[1].lower(), waiting + data
        end = found.end()
    return "".join([*parts, _decoded(waiting, charset), text[end:]])


def _word(found: re.Match[str]) -> bytes | None:
    """Return the bytes of an encoded word, None if they cannot be told."""
    charset, encoding, text = found[1].lower(), found[2].lower(), found[3]
    if charset not in CHARSETS:
        return None
    if encoding == "q":
        plain = text.replace("_", " ").encode("latin-1", "replace").decode("latin-1")
        return _ESCAPED.sub(lambda each: chr(int(each[1], 16)), plain).encode("latin-1")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _decoded(data: bytes, charset: str) -> str:
    if charset in CHARSETS:
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            pass
    return _text(data)


def _text(data: bytes) -> str:
    """Decode bytes whose charset is not given: as UTF-8, else as Windows-1252, else as Latin-1."""
    for charset in ("utf-8", "cp1252"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
