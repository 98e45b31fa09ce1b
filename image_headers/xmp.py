"""Reads the dates of an XMP packet (ISO 16684-1), by its text alone: no XML parser, no entity and no DTD.

A property stands as an attribute, `exif:DateTimeOriginal="…"`, or as an element. Namespaces may have other prefixes.
"""

import re
from collections.abc import Iterator

MAX_XMP = 256 * 1024
MAX_PREFIXES = 8
NAMESPACES = {
    "exif": b"http://ns.adobe.com/exif/1.0/",
    "photoshop": b"http://ns.adobe.com/photoshop/1.0/",
    "xmp": b"http://ns.adobe.com/xap/1.0/",
}
VALUE = rb"[^<>&\"']{1,64}"
DECLARED = re.compile(rb"xmlns:([A-Za-z_][\w.-]{0,31})\s{0,8}=\s{0,8}[\"']([^\"'<>]{1,64})[\"']")


def texts(packet: bytes, *names: tuple[str, str]) -> dict[tuple[str, str], str]:
    """Return the first value of each property that the packet has, by namespace and name."""
    packet = _without_comments(packet[:MAX_XMP])
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return {}
    prefixes: dict[bytes, set[bytes]] = {}
    for prefix, namespace in DECLARED.findall(packet):
        prefixes.setdefault(namespace, set()).add(prefix)
    found: dict[tuple[str, str], str] = {}
    for space, name in names:
        for prefix in sorted(prefixes.get(NAMESPACES[space], ()))[:MAX_PREFIXES]:
            value = next(_values(packet, prefix + b":" + name.encode()), None)
            if value is not None:
                found.setdefault((space, name), value.decode("latin-1").strip())
    return found


def _values(packet: bytes, name: bytes) -> Iterator[bytes]:
    """Yield the values of a property, in the order of the packet."""
    name = re.escape(name)
    attribute = rb"\s" + name + rb"\s{0,8}=\s{0,8}[\"'](" + VALUE + rb")[\"']"
    element = rb"<" + name + rb"(?:\s[^<>]{0,200})?>(" + VALUE + rb")</" + name
    for match in re.finditer(attribute + rb"|" + element, packet):
        yield match[1] or match[2]


def _without_comments(packet: bytes) -> bytes:
    parts, at = [], 0
    while (start := packet.find(b"<!--", at)) >= 0:
        parts.append(packet[at:start])
        end = packet.find(b"-->", start + 4)
        if end < 0:
            return b"".join(parts)
        at = end + 3
    return b"".join([*parts, packet[at:]])
