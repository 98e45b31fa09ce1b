"""Styles, scripts and icons of the pages: read once, served under an address that changes with their content."""

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
# Swagger UI, from the files of a package.
API_DOCS = {"api-docs/swagger-ui.css", "api-docs/swagger-ui-bundle.js"}
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}
COMPRESSED = (".js", ".css", ".svg")
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes, plain and compressed with gzip, its content type and its ETag."""

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
    """Return a file as it is sent; scripts without comments and indentation."""
    data = path.read_bytes()
    return bytes(rjsmin.jsmin(data)) if path.suffix == ".js" else data


@lru_cache
def assets() -> dict[str, Asset]:
    """Return every file by its name, for example `css/base.css`."""
    found = {path.relative_to(FOLDER).as_posix(): _content(path) for path in FOLDER.rglob("*") if path.is_file()}
    docs = files("fastapi_offline") / "static"
    found |= {name: (docs / name.rpartition("/")[2]).read_bytes() for name in API_DOCS}
    return {name: _read(name, data) for name, data in found.items()}


@lru_cache
def version() -> str:
    """Return a hash of all files, which is part of their addresses."""
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
    """Return the response with a file, or 304 if the browser has this version.

    Raises:
        NotFound: there is no such file.
    """
    asset = assets().get(name)
    if asset is None:
        raise errors.NotFound
    headers = {
        "Cache-Control": cache,
        "ETag": asset.etag,
        # The service worker fetches under the policy of its own file.
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; img-src 'self'"
        ),
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
    """Return a file. A page of an older release gets the current file, which the browser must not cache."""
    return asset_answer(request, name, FOREVER if asked == version() else "no-cache")


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """Return the service worker. Its address is at the root, so that its scope is every page."""
    return asset_answer(request, "js/sw.js", "no-cache")


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Return the icon for clients that ask for this address without reading the page."""
    return asset_answer(request, "icons/icon-32.png", "public, max-age=86400")
