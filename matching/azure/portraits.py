"""A portrait in one event: added to the event's list there, compared with the photos' faces and other portraits."""

from azure_face.problems import NotThere
from azure_face.service import FaceService
from database import reading, transaction
from events import queries as event_queries
from faces.providers import AZURE_ENGINE_ID
from faces.selfie import NoFace
from matching import queries as matching_queries
from matching.azure import keeping, lists, queries
from matching.azure.lists import PHOTOS, PORTRAITS, EventGone
from matching.azure.pictures import Detected
from matching.azure.searches import queries as search_queries
from matching.guest_matches import match_guest
from models import RemoteList, SelfieEmbedding

# Similarities below this are not stored. It is far below the lowest threshold.
REMEMBERED = 0.2
# Two portraits with at least this similarity are taken for one person. Microsoft names no such value; not measured.
SURELY_ONE_PERSON = 0.9
# The main face of a portrait: the largest.
MAIN = 0


def search(service: FaceService, selfie_id: int, event_id: int, portrait: Detected) -> None:
    """Add a portrait to the event's list there, search with it in the list of the photos' faces, and match its guest.

    Does nothing where the guest is no member any more or has withdrawn the consent. Idempotent.

    Raises:
        NoFace: Azure finds no face in it. RecogniserAway: Azure cannot be used now. NotThere: a list is gone there.
        TrainingFailed: Azure could not train a list. AttemptTooOld: see `keeping.record`.
    """
    embedding_id = _embedding(selfie_id, event_id)
    if embedding_id is None:
        return
    try:
        if not _is_kept(embedding_id):
            _keep(service, event_id, embedding_id, portrait)
        if not _searched_before(embedding_id):
            _find_twins(service, event_id, embedding_id, portrait)
        _find_faces(service, event_id, embedding_id, portrait)
    except NoFace:
        _forget(embedding_id)
        raise
    except EventGone:
        return


def _forget(embedding_id: int) -> None:
    """Delete the row of a portrait that cannot be searched with."""
    with transaction() as session:
        row = session.get(SelfieEmbedding, embedding_id)
        if row is not None:
            session.delete(row)


def _embedding(selfie_id: int, event_id: int) -> int | None:
    """Return the id of the row that stands for the selfie in the event, made if need be."""
    with transaction() as session:
        if event_queries.lock_event(session, event_id) is None:
            return None
        if matching_queries.selfie_of_member(session, selfie_id, event_id) is None:
            return None
        if queries.embedding_of(session, selfie_id, event_id, AZURE_ENGINE_ID) is None:
            matching_queries.add_selfie_embeddings(session, selfie_id, [event_id], AZURE_ENGINE_ID, b"")
        row = queries.embedding_of(session, selfie_id, event_id, AZURE_ENGINE_ID)
        return row.id if row is not None else None


def _is_kept(embedding_id: int) -> bool:
    with reading() as session:
        return queries.is_portrait_kept(session, embedding_id)


def _searched_before(embedding_id: int) -> bool:
    with reading() as session:
        return search_queries.searched_version(session, embedding_id) >= 0


def _keep(service: FaceService, event_id: int, embedding_id: int, portrait: Detected) -> None:
    if not portrait.faces:
        raise NoFace
    listed = lists.made(service, event_id, PORTRAITS)
    kept = keeping.add(service, listed, portrait.picture, [portrait.faces[MAIN]])
    if not kept:
        raise NoFace
    with transaction() as session:
        event_queries.lock_event(session, event_id)
        there = session.get(SelfieEmbedding, embedding_id)
        keeping.record(session, listed, kept, "embedding_id", [there.id if there is not None else None])


def _find_twins(service: FaceService, event_id: int, embedding_id: int, portrait: Detected) -> None:
    """Record the portraits of the event that show the same person as this one."""
    row = lists.known(event_id, PORTRAITS)
    if row is None:
        return
    _, similar = _searched(service, row, portrait)
    sure = [each for each, value in similar.items() if value >= SURELY_ONE_PERSON]
    with transaction() as session:
        event_queries.lock_event(session, event_id)
        own = session.get(SelfieEmbedding, embedding_id)
        if own is None:
            return
        found = queries.owners(session, row.id, sure).values()
        others = {each.embedding_id for each in found if each.embedding_id is not None} - {embedding_id}
        search_queries.store_twins(session, embedding_id, others)


def _find_faces(service: FaceService, event_id: int, embedding_id: int, portrait: Detected) -> None:
    """Match the guest by which of the photos' faces resemble the portrait, unless the last search covered all."""
    # Read first: a face that is added meanwhile has a later version.
    version, similar = lists.version(event_id, PHOTOS), dict[str, float]()
    row = lists.known(event_id, PHOTOS)
    if row is not None:
        with reading() as session:
            covered = search_queries.searched_version(session, embedding_id)
        if covered >= row.changed:
            return
        version, similar = _searched(service, row, portrait)
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        embedding = session.get(SelfieEmbedding, embedding_id)
        if event is None or embedding is None:
            return
        # Another process may have stored a search of a later version.
        if search_queries.searched_version(session, embedding_id) > version:
            return
        near = {each: value for each, value in similar.items() if value >= REMEMBERED}
        known = queries.owners(session, row.id, near) if row is not None else {}
        found = {known[each].face_id: round(value, 6) for each, value in near.items() if each in known}
        search_queries.store_search(session, embedding_id, version, {k: v for k, v in found.items() if k is not None})
        # In the same transaction: if this job has lost its claim, the job that has it sees a search that covers all
        # and does not match.
        if event.active_engine_id == AZURE_ENGINE_ID:
            for user_id in queries.guests_of(session, [embedding_id]):
                match_guest(session, event, user_id)


def _searched(service: FaceService, row: RemoteList, portrait: Detected) -> tuple[int, dict[str, float]]:
    """Search with the portrait in a list; return the version that this covers, and what is similar."""
    try:
        version = lists.trained(service, row)
        if not portrait.faces:
            raise NoFace
        return version, portrait.similar(MAIN, row.name)
    except NotThere:
        lists.forget(row)
        raise
