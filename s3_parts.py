"""Objects that come to S3 in parts (multipart uploads): begun, looked at, completed and given up.

obstore has no such calls, so these are boto3's. It is imported at the first of them: it takes 42 MB of a process.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import presigning
import storage
from settings import get_settings

Result = TypeVar("Result")
# Of one call; the client tries three times.
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 30, 3
GONE = ("NoSuchUpload", "404", "NoSuchKey")


class Part(NamedTuple):
    """A part that S3 has."""

    number: int
    size: int
    etag: str


class Unfinished(NamedTuple):
    """An upload in parts that was neither completed nor given up."""

    key: str
    store_upload: str
    begun_at: datetime


@lru_cache(maxsize=2)
def _client(storage_url: str) -> Any:
    import boto3
    from botocore.config import Config

    settings = dict(storage.remote().config)
    virtual = str(settings.get("virtual_hosted_style_request", "")).lower() == "true"
    return boto3.client(
        "s3",
        endpoint_url=settings.get("endpoint"),
        region_name=presigning.region(),
        config=Config(
            s3={"addressing_style": "virtual" if virtual else "path"},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            # Servers that are only like S3 may not know the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def forget() -> None:
    """Drop the client, as in a new process."""
    _client.cache_clear()


def _call(action: Callable[[Any], Result]) -> Result:
    """Return what `action` returns for the client.

    Raises:
        MissingObject: S3 knows no such upload. StorageError: S3 failed.
    """
    client = _client(get_settings().storage_url)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return action(client)
    except ClientError as error:
        missing = error.response.get("Error", {}).get("Code") in GONE
        raise (storage.MissingObject if missing else storage.StorageError)(str(error)) from error
    except BotoCoreError as error:
        raise storage.StorageError(str(error)) from error


def _place(key: str) -> dict[str, str]:
    store = storage.remote()
    prefix = str(store.prefix or "").strip("/")
    return {"Bucket": str(dict(store.config)["bucket"]), "Key": f"{prefix}/{key}" if prefix else key}


def begin(key: str) -> str:
    """Begin an upload; return the id that S3 gives it.

    Raises:
        StorageError: S3 failed.
    """
    return str(_call(lambda client: client.create_multipart_upload(**_place(key)))["UploadId"])


def parts_of(key: str, store_upload: str) -> list[Part]:
    """Return the parts that S3 has.

    Raises:
        MissingObject: S3 knows no such upload. StorageError: S3 failed.
    """

    def all_pages(client: Any) -> list[Part]:
        pages = client.get_paginator("list_parts").paginate(**_place(key), UploadId=store_upload)
        return [
            Part(int(each["PartNumber"]), int(each["Size"]), str(each["ETag"]))
            for page in pages
            for each in page.get("Parts", ())
        ]

    return _call(all_pages)


def complete(key: str, store_upload: str, parts: list[Part]) -> None:
    """Have S3 put the parts together.

    Raises:
        MissingObject: S3 knows no such upload, perhaps because it is complete. StorageError: S3 failed.
    """
    listed = [{"PartNumber": each.number, "ETag": each.etag} for each in sorted(parts)]
    _call(
        lambda client: client.complete_multipart_upload(
            **_place(key), UploadId=store_upload, MultipartUpload={"Parts": listed}
        )
    )


def give_up(key: str, store_upload: str) -> None:
    """Have S3 erase what it has of an upload. One that it does not know is no error.

    Raises:
        StorageError: S3 failed.
    """
    try:
        _call(lambda client: client.abort_multipart_upload(**_place(key), UploadId=store_upload))
    except storage.MissingObject:
        return


def unfinished(prefix: str) -> Iterator[Unfinished]:
    """Yield the uploads in parts under keys that begin with `prefix`.

    Raises:
        StorageError: S3 failed.
    """
    place = _place(prefix)
    cut = len(place["Key"]) - len(prefix)

    def all_pages(client: Any) -> list[Unfinished]:
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=place["Bucket"], Prefix=place["Key"])
        return [
            Unfinished(str(each["Key"])[cut:], str(each["UploadId"]), each["Initiated"])
            for page in pages
            for each in page.get("Uploads", ())
        ]

    yield from _call(all_pages)
