"""Checks of keys: everything is encrypted that should be, each key belongs to what is there, and none is missing."""

from collections.abc import Iterator

import storage
from database import reading
from encryption import keys, store
from encryption import queries as key_queries
from encryption.templates import template_of
from jobs.unnamed_keys import unnamed
from matching import queries as matching_queries
from privacy import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import all_rows

KEY_STORE = "key store"
MOST_LISTED = 10_000


def plain(_: Scope) -> Iterator[Finding]:
    """Yield templates and portraits that are not encrypted."""
    with reading() as session:
        found = key_queries.plain_templates(session, MOST_LISTED)
        found += [("selfies", str(each.id)) for each in key_queries.plain_selfies(session, MOST_LISTED)]
    yield from (Finding(table, row_id) for table, row_id in found)


def lost(_: Scope) -> Iterator[Finding]:
    """Yield events with encrypted templates, and encrypted portraits, whose key is not in the key store."""
    for row_id, name in all_rows(key_queries.encrypted_events_after):
        if not store.has(name) or not _can_be_read(row_id):
            yield Finding("events", str(row_id))
    for row_id, key in all_rows(queries.selfie_files_after):
        if key is not None and not store.has(keys.of_portrait(key)) and _is_encrypted(row_id, key):
            yield Finding("selfies", str(row_id))


def _can_be_read(event_id: int) -> bool:
    """Return whether the event's key, which may have been made anew since, fits its oldest face."""
    with reading() as session:
        face = key_queries.oldest_face(session, event_id)
        return face is None or template_of(session, face) is not None


def _is_encrypted(selfie_id: int, key: str) -> bool:
    with reading() as session:
        selfie = matching_queries.selfie(session, selfie_id)
    return selfie is not None and selfie.is_encrypted and storage.exists(key)


def orphans(scope: Scope) -> Iterator[Finding]:
    """Yield keys of what is erased: no row names them, or the event that does compares faces no longer."""
    if not store.has_check():
        return
    yield from (Finding(KEY_STORE, name) for name in unnamed(scope.grace))
    for _, name in all_rows(key_queries.ended_events_after):
        if store.has(name):
            yield Finding(KEY_STORE, name)


CHECKS = (
    Check("plain-template", "Each template and portrait is encrypted.", plain),
    Check("lost-key", "What is encrypted has its key in the key store.", lost),
    Check("orphan-key", "Each key in the key store is that of an event or a portrait that is there.", orphans),
)
