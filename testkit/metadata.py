"""Makes the metadata of test pictures: EXIF, XMP and IPTC blocks, and the files that hold them."""

import io
import struct
import zlib
from typing import Any

import pillow_heif
from PIL import Image, TiffImagePlugin

MAKE, MODEL, NUMBER = 0x010F, 0x0110, 0xA431
CHANGED, CHANGED_OFFSET = 0x0132, 0x9010
ORIGINAL, ORIGINAL_OFFSET, ORIGINAL_FRACTION = 0x9003, 0x9011, 0x9291
DIGITISED, DIGITISED_OFFSET, DIGITISED_FRACTION = 0x9004, 0x9012, 0x9292
MAIN = (MAKE, MODEL, CHANGED)
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
SPACES = (
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
)


def exif_of(tags: dict[int, str], gps: dict[int, Any] | None = None) -> bytes:
    """Return an EXIF block of texts by tag, each in its directory; `gps` are those of its place."""
    exif = Image.Exif()
    for tag, text in tags.items():
        (exif if tag in MAIN else exif.get_ifd(0x8769))[tag] = text
    if gps:
        exif.get_ifd(0x8825).update(gps)
    return exif.tobytes()


def xmp_of(attributes: str = "", elements: str = "", spaces: str = SPACES) -> bytes:
    """Return an XMP packet with these attributes of its description, and these elements in it."""
    description = f'<rdf:Description rdf:about="" {spaces} {attributes}>{elements}</rdf:Description>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}>{description}</rdf:RDF></x:xmpmeta>'.encode()


def iptc_of(**texts: str) -> bytes:
    """Return Photoshop's resources with data sets of IPTC by number, such as `_55="20260620"`, behind another one."""
    sets = b"".join(struct.pack(">BBBH", 0x1C, 2, int(n[1:]), len(text)) + text.encode() for n, text in texts.items())
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\x03odd" + struct.pack(">I", 3) + b"abc\0"
    return other + b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0" + struct.pack(">I", len(sets)) + sets


def with_segments(jpeg: bytes, exif: bytes = b"", xmp: bytes = b"", iptc: bytes = b"") -> bytes:
    """Return a JPEG with these blocks in segments of its own."""
    parts = (
        (0xE1, exif),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp if xmp else b""),
        (0xED, b"Photoshop 3.0\0" + iptc if iptc else b""),
    )
    segments = [bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in parts if body]
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def file_of(kind: str, exif: bytes = b"", xmp: bytes = b"", **options: Any) -> bytes:
    """Return a small picture of a format with EXIF and XMP as that format holds them.

    `packed` compresses the XMP of a PNG.
    """
    image, target, packed = Image.new("RGB", (64, 48), (90, 120, 60)), io.BytesIO(), options.pop("packed", False)
    given = {name: block for name, block in (("exif", exif), ("xmp", xmp)) if block}
    if kind == "JPEG":
        image.save(target, "JPEG")
        return with_segments(target.getvalue(), exif, xmp, **options)
    if kind == "TIFF":
        # Either EXIF or the others, of which `iptc` are Photoshop's resources.
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, block in ((700, xmp), (34377, options.get("iptc", b""))):
            if block:
                tags.tagtype[tag], tags[tag] = 1, block
        image.save(target, "TIFF", **({"exif": exif} if exif else {"tiffinfo": tags}))
        return target.getvalue()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(target, **given)
    elif kind == "PNG":
        image.save(target, "PNG", **({"exif": exif} if exif else {}))
        return _with_text(target.getvalue(), xmp, packed=packed) if xmp else target.getvalue()
    else:
        image.save(target, kind, **given)
    return target.getvalue()


def _with_text(png: bytes, xmp: bytes, *, packed: bool) -> bytes:
    body = b"XML:com.adobe.xmp\0" + (b"\1" if packed else b"\0") + b"\0\0\0" + (zlib.compress(xmp) if packed else xmp)
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    # Behind the header chunk.
    return png[:33] + chunk + png[33:]
