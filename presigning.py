"""Signs addresses at which a browser loads or sends one object of the store itself, for a short time.

S3 addresses are signed with botocore at the beginning of a window of time, so that all processes and machines give
the same address for an object until the window ends: a browser then finds the picture in its cache. obstore, which
signs the addresses of GCS and Azure, takes the present time; there each process keeps what it has signed.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

import storage
from settings import UnsafeSettings, get_settings

# Addresses that a process keeps: those of a window, of the galleries that are looked at.
KEPT = 8192
PROBE = "probe"


class Link(NamedTuple):
    """An address of one object, and for how many seconds from now it works."""

    url: str
    seconds: int


def problem() -> str | None:
    """Return why links to the object store cannot be made although the settings ask for them; else None."""
    settings = get_settings()
    if not (settings.presigned_seconds or settings.presigned_uploads):
        return None
    names = [name for name in ("presigned_seconds", "presigned_uploads") if getattr(settings, name)]
    asked = " and ".join(name.upper() for name in names)
    if storage.remote() is None:
        return f"{asked}: the storage is a local folder, which signs no links; pictures pass through this service"
    return None if origin() else f"{asked}: the storage signs no links; pictures pass through this service"


def origin() -> str | None:
    """Return scheme, host and port of the store's addresses; None if it has none, or they cannot be signed now."""
    try:
        parts = urlsplit(_base(get_settings().storage_url)[0])
    except (storage.StorageError, UnsafeSettings):
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else None


def region() -> str:
    """Return the region of the store on S3.

    Raises:
        StorageError: the store signs no addresses.
    """
    return _base(get_settings().storage_url)[1]


def takes_headers() -> bool:
    """Return whether an address can fix the type and the name under which the store gives an object: on S3."""
    return isinstance(storage.remote(), S3Store)


def load_link(key: str, content_type: str = "", disposition: str = "") -> Link | None:
    """Return the address at which the object can be loaded; None where links are off or the storage is local.

    It works for `PRESIGNED_SECONDS` at most, and for half of that at least. `content_type` and `disposition` are the
    headers of the answer, where `takes_headers`.

    Raises:
        StorageError: the store's credentials cannot be had.
    """
    settings = get_settings()
    seconds = settings.presigned_seconds
    store = storage.remote() if seconds else None
    if store is None:
        return None
    window = max(seconds // 2, 1)
    now = time.time()
    began = int(now) // window * window
    if isinstance(store, S3Store):
        asked = {
            "response-cache-control": f"private, max-age={seconds}",
            **({"response-content-type": content_type} if content_type else {}),
            **({"response-content-disposition": disposition} if disposition else {}),
        }
        url = _s3_kept(settings.storage_url, key, began, seconds, tuple(asked.items()))
        return Link(url, int(began + seconds - now))
    url, made = _other_kept(settings.storage_url, key, began, seconds)
    return Link(url, int(made + seconds - now))


@lru_cache(maxsize=KEPT)
def _s3_kept(storage_url: str, key: str, began: int, seconds: int, asked: tuple[tuple[str, str], ...]) -> str:
    return _s3_signed(storage_url, "GET", key, began, seconds, dict(asked))


@lru_cache(maxsize=KEPT)
def _other_kept(storage_url: str, key: str, began: int, seconds: int) -> tuple[str, float]:
    return _signed("GET", key, seconds), time.time()


def send_link(key: str, size: int, seconds: int, asked: Mapping[str, str] | None = None) -> str:
    """Return the address at which exactly `size` bytes can be sent (`PUT`) as an object, for `seconds`.

    On S3 the size is signed; GCS and Azure take any. `asked` are parameters of S3: part and upload.

    Raises:
        StorageError: the store signs no addresses now.
    """
    if isinstance(storage.remote(), S3Store):
        url, at = get_settings().storage_url, int(time.time())
        return _s3_signed(url, "PUT", key, at, seconds, asked or {}, {"content-length": str(size)})
    return _signed("PUT", key, seconds)


def forget() -> None:
    """Drop what was signed, and what is known of the store, as in a new process."""
    for cached in (_s3_kept, _other_kept, _base, _credentials):
        cached.cache_clear()


def _signed(method: Any, key: str, seconds: int) -> str:
    """Return the address that obstore signs now.

    Raises:
        StorageError: the store signs none.
    """
    try:
        return str(obstore.sign(storage.remote(), method, key, timedelta(seconds=seconds)))
    except (BaseError, OSError, TypeError, ValueError) as error:
        raise storage.StorageError(str(error)) from error


@lru_cache(maxsize=4)
def _base(storage_url: str) -> tuple[str, str]:
    """Return the address below which the keys are, without its final slash, and on S3 the region.

    Taken from an address that obstore signs, since it knows how endpoint, bucket, prefix and region come together.

    Raises:
        StorageError: the store signs no addresses.
    """
    if storage.remote() is None:
        raise storage.StorageError("a local folder signs no links")
    parts = urlsplit(_signed("GET", PROBE, 1))
    scope = parse_qs(parts.query).get("X-Amz-Credential", ["///"])[0].split("/")
    return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/' + PROBE)}", scope[2]


@lru_cache(maxsize=1)
def _credentials() -> Any:
    """Return botocore's source of credentials, which renews those that end."""
    # Imported here: it takes 23 MB, and only processes that sign need it.
    import botocore.session

    return botocore.session.Session().get_credentials()


@lru_cache(maxsize=1)
def _signer() -> Any:
    """Return a class of botocore's signer that takes the time of signing from the request."""
    from botocore.auth import S3SigV4QueryAuth

    class Signer(S3SigV4QueryAuth):  # type: ignore[misc]
        def add_auth(self, request: Any) -> None:
            """Sign as the parent does, at `request.context["timestamp"]` instead of now."""
            self._modify_request_before_signing(request)
            text = self.string_to_sign(request, self.canonical_request(request))
            self._inject_signature_to_request(request, self.signature(text, request))

    return Signer


def _s3_signed(
    storage_url: str,
    method: str,
    key: str,
    at: int,
    seconds: int,
    asked: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return an address of an object on S3, signed as at a time (seconds since 1970), for requests with `headers`.

    Raises:
        StorageError: there are no credentials.
    """
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError

    base, region = _base(storage_url)
    request = AWSRequest(
        method=method, url=f"{base}/{quote(key, safe='/~')}", params=dict(asked), headers=dict(headers or {})
    )
    request.context["timestamp"] = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        source = _credentials()
        if source is None:
            raise storage.StorageError("there are no credentials for S3")
        _signer()(source.get_frozen_credentials(), "s3", region, expires=seconds).add_auth(request)
    except BotoCoreError as error:
        raise storage.StorageError(str(error)) from error
    return str(request.url)
