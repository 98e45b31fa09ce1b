"""Which way the parts of an upload take, which of them have arrived, and how the file is read when all have."""

import io
import logging
import uuid
from dataclasses import dataclass, field

import errors
import presigning
import s3_parts
import storage
from database import reading, transaction
from models import Upload
from photos.uploads import queries
from photos.uploads.keys import KEPT, WHOLE, key_of, number_of_parts, size_of_part
from settings import get_settings

log = logging.getLogger("reperio.photos")
# S3 takes no parts below 5 MiB, and proxies with small limits take these.
PART_BYTES = 8 * 1024 * 1024
# For which an address of the store works, from when it is given: a part must begin by then.
LINK_SECONDS = 900
THROUGH, IN_PARTS, AS_WHOLE = "through", "parts", "whole"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file. `url`: the address of the store to which it is sent, with `headers`; None: to the service."""

    number: int
    size: int
    arrived: bool
    url: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def way_for(size: int, *, direct: bool) -> str:
    """Return how a file of `size` bytes is sent; `direct`: to the store, where that is set and can be."""
    if not (direct and get_settings().presigned_uploads and presigning.origin()):
        return THROUGH
    return IN_PARTS if size > PART_BYTES and presigning.takes_headers() else AS_WHOLE


def parts_of(upload: Upload) -> list[Part]:
    """Return the parts of an upload; those that are missing with the address of the store, if they go there.

    Raises:
        MissingObject: S3 has given the upload up. StorageError: the store failed.
    """
    there = _arrived(upload)
    found = []
    for number in range(1, number_of_parts(upload) + 1):
        size, arrived = size_of_part(upload, number), there.get(number) == size_of_part(upload, number)
        url = None if arrived or upload.way == THROUGH else _address(upload, number, size)
        headers = {"x-ms-blob-type": "BlockBlob"} if url and is_azure() else {}
        found.append(Part(number, size, arrived, url, headers))
    return found


def is_azure() -> bool:
    """Return whether the store is Azure Blob, which wants a header of its own with what is sent."""
    return type(storage.remote()).__name__ == "AzureStore"


def _address(upload: Upload, number: int, size: int) -> str:
    if upload.way == AS_WHOLE:
        return presigning.send_link(key_of(upload, WHOLE), size, LINK_SECONDS)
    asked = {"partNumber": str(number), "uploadId": upload.store_upload or ""}
    return presigning.send_link(key_of(upload, WHOLE), size, LINK_SECONDS, asked)


def _arrived(upload: Upload) -> dict[int, int]:
    """Return the sizes of the parts that are in storage, by number."""
    if upload.way == THROUGH:
        with reading() as session:
            return queries.parts_of(session, upload.id)
    key = key_of(upload, WHOLE)
    try:
        if upload.way == IN_PARTS:
            return {each.number: each.size for each in s3_parts.parts_of(key, upload.store_upload or "")}
        return {1: storage.size(key)}
    except storage.MissingObject:
        if upload.way == AS_WHOLE:
            return {}
        if not storage.exists(key):
            raise
        # S3 has put the parts together: what followed was interrupted.
        return {number: size_of_part(upload, number) for number in range(1, number_of_parts(upload) + 1)}


def whole_file(upload: Upload) -> tuple[bytes, str | None]:
    """Return the bytes of a complete file, and the key of an object that holds them and that its sender cannot write.

    Raises:
        UploadIncomplete: a part is missing. UploadDiffers: what is in storage has another size than announced.
        StorageError: the store failed.
    """
    try:
        if upload.way == THROUGH:
            return _joined(upload), None
        key = key_of(upload, WHOLE)
        if upload.way == IN_PARTS:
            _put_together(upload)
        if storage.size(key) != upload.size:
            raise errors.UploadDiffers
        if upload.way == AS_WHOLE:
            # The sender's address still works: what is judged must be what stays, also if two calls complete at once.
            kept = key_of(upload, f"{KEPT}-{uuid.uuid4().hex}")
            storage.copy(key, kept)
            key = kept
        return storage.get(key), key
    except storage.MissingObject as error:
        raise errors.UploadIncomplete from error


def drop_copy(key: str | None) -> None:
    """Delete the copy that `whole_file` has made, if it has made one; what is left of it, the sweep erases."""
    if key is not None and f".{KEPT}-" in key:
        try:
            storage.delete([key])
        except storage.StorageError as problem:
            log.warning("the copy of an upload is left to the sweep: %s", problem)


def _joined(upload: Upload) -> bytes:
    with reading() as session:
        there = queries.parts_of(session, upload.id)
    if len(there) < number_of_parts(upload):
        raise errors.UploadIncomplete
    # Joined in place: a list of all parts would hold the file twice.
    joined = io.BytesIO()
    try:
        for number in range(1, number_of_parts(upload) + 1):
            joined.write(storage.get(key_of(upload, number)))
    except storage.MissingObject:
        # A backup holds the rows of parts and not the parts: all are asked for again.
        with transaction() as session:
            queries.forget_parts(session, upload.id)
        raise
    return joined.getvalue()


def _put_together(upload: Upload) -> None:
    """Have S3 put the parts together, unless it has.

    Raises:
        UploadIncomplete: a part is missing or has another size. StorageError: the store failed.
    """
    key, store_upload = key_of(upload, WHOLE), upload.store_upload or ""
    try:
        parts = s3_parts.parts_of(key, store_upload)
        wanted = {number: size_of_part(upload, number) for number in range(1, number_of_parts(upload) + 1)}
        if {each.number: each.size for each in parts} != wanted:
            raise errors.UploadIncomplete
        s3_parts.complete(key, store_upload, parts)
    except storage.MissingObject:
        # S3 does not know it any more: completed before, by a call whose answer was lost.
        if not storage.exists(key):
            raise
