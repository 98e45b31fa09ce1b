"""Styles, scripts and pictures of the pages, read once, and served under an address that changes with them."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import rjsmin
from fastapi import APIRouter, Request, Response

import errors

FOLDER = Path(__file__).with_name("static")
# The interactive description of the calls, from a package that brings its files.
API_DOCS = {"api-docs/swagger-ui.css", "api-docs/swagger-ui-bundle.js"}
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}
COMPRESSED = (".js", ".css", ".svg")
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes, plain and compressed, and what they are."""

    data: bytes
    packed: bytes | None
    content_type: str
    etag: str


def _read(name: str, data: bytes) -> Asset:
    suffix = Path(name).suffix
    packed = gzip.compress(data, 9, mtime=0) if suffix in COMPRESSED else None
    kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(data, packed, kind, f'"{hashlib.sha256(data).hexdigest()[:20]}"')


def _content(path: Path) -> bytes:
    """Return a file as it is sent: of scripts, what the browser needs and no comment or indentation."""
    data = path.read_bytes()
    return bytes(rjsmin.jsmin(data)) if path.suffix == ".js" else data


@lru_cache
def assets() -> dict[str, Asset]:
    """Return every file by its name, such as `css/base.css`."""
    found = {path.relative_to(FOLDER).as_posix(): _content(path) for path in FOLDER.rglob("*") if path.is_file()}
    docs = files("fastapi_offline") / "static"
    found |= {name: (docs / name.rpartition("/")[2]).read_bytes() for name in API_DOCS}
    return {name: _read(name, data) for name, data in found.items()}


@lru_cache
def version() -> str:
    """Return what changes whenever one of the files does."""
    digest = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        digest.update(f"{name} {asset.etag}\n".encode())
    return digest.hexdigest()[:12]


def asset_url(name: str) -> str:
    """Return the address of a file.

    Raises:
        KeyError: there is no such file.
    """
    assets()[name]
    return f"/static/{version()}/{name}"


def asset_answer(request: Request, name: str, cache: str) -> Response:
    """Return a file as an answer, 304 where the browser has it.

    Raises:
        NotFound: there is no such file.
    """
    asset = assets().get(name)
    if asset is None:
        raise errors.NotFound
    headers = {
        "Cache-Control": cache,
        "ETag": asset.etag,
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    # A proxy that compresses makes the ETag weak.
    if asset.etag in request.headers.get("if-none-match", "").replace("W/", ""):
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.content_type)
    return Response(asset.data, headers=headers, media_type=asset.content_type)


@router.get("/static/{asked}/{name:path}")
async def static(request: Request, asked: str, name: str) -> Response:
    """A page of an older release may ask for its own files: it gets today's, and does not keep them."""
    return asset_answer(request, name, FOREVER if asked == version() else "no-cache")


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """At the root, so that it may care for every page."""
    return asset_answer(request, "js/sw.js", "no-cache")


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """For whoever asks without reading the page."""
    return asset_answer(request, "icons/icon-32.png", "public, max-age=86400")
