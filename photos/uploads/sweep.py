"""Takes away what is left of uploads: after a day, and files of which no upload knows."""

import logging
from datetime import datetime, timedelta

import presigning
import s3_parts
import storage
from database import reading, transaction
from models import utcnow
from photos.uploads import queries, service
from photos.uploads.keys import PREFIX, token_of
from settings import get_settings

log = logging.getLogger("reperio.jobs")
KEPT = timedelta(days=1)
BATCH = 200


def erase_old() -> None:
    """Delete uploads that were begun a day ago, complete or not, with their parts, and files that no upload names.

    Raises:
        SQLAlchemyError: the database does not answer. StorageError: the storage does not answer.
    """
    while True:
        with transaction() as session:
            old = queries.begun_before(session, utcnow() - KEPT, BATCH)
            service.discard(session, old)
        if len(old) < BATCH:
            break
    _erase_unnamed(timedelta(seconds=get_settings().orphan_grace_seconds))


def _erase_unnamed(grace: timedelta) -> None:
    """Erase files of uploads that have no row, older than `grace`: of crashes, and sent after the upload was over."""
    before = utcnow() - grace
    for batch in storage.objects(BATCH, (PREFIX,)):
        old = [key for key, modified in batch if modified < before]
        unnamed = set(_unnamed(old))
        storage.delete(key for key in old if key in unnamed)
        if unnamed:
            log.warning("erased %d files of uploads that are over", len(unnamed))
    if get_settings().presigned_uploads and presigning.takes_headers():
        try:
            _give_up_unnamed(before)
        except storage.StorageError as problem:
            # Credentials may lack this right alone: everything else is swept all the same.
            log.warning("uploads in parts without a row are left in the store: %s", problem)


def _give_up_unnamed(before: datetime) -> None:
    begun = [each for each in s3_parts.unfinished(PREFIX) if each.begun_at < before]
    for start in range(0, len(begun), BATCH):
        unnamed = set(_unnamed([each.key for each in begun[start : start + BATCH]]))
        for each in begun[start : start + BATCH]:
            if each.key in unnamed:
                s3_parts.give_up(each.key, each.store_upload)


def _unnamed(keys: list[str]) -> list[str]:
    with reading() as session:
        known = queries.tokens_among(session, sorted({token_of(key) for key in keys}))
    return [key for key in keys if token_of(key) not in known]
