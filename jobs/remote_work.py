"""The work of each kind of job where Azure recognises faces. Each step is committed before the next call to Azure.

Pictures are decoded here, as for the other engines; renditions are sent, upright and without metadata.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from functools import partial

from sqlalchemy.orm import Session

import images
import storage
from azure_face.problems import NotThere, TrainingFailed
from azure_face.service import FaceService
from azure_face.shared import face_service
from database import reading, transaction
from decoding.decoder import Decoder, ReadPhoto, TaskFailed
from events import queries as event_queries
from events.ending import compares_faces
from faces.engine import RecogniserAway
from faces.providers import AZURE_ENGINE_ID
from faces.selfie import NoFace, SelfieRejected
from jobs.outcomes import embed_selfie, erase_if_deleted, read_photo, reject, warning_of
from jobs.queue import Claim
from jobs.reprocessing import read_anew
from matching import queries as matching_queries
from matching import rematching
from matching import service as matching
from matching.azure import again, photos, portraits
from matching.azure.keeping import AttemptTooOld
from matching.azure.pictures import Detected
from matching.azure.searches import queries as search_queries
from matching.changing import service as changing
from matching.reprocessing import service as reprocessing
from models import Photo, Selfie, UserEvent
from photos.copies.service import renditions_for
from photos.keys import key_of
from selfies import files
from selfies.service import REASONS
from settings import get_settings

log = logging.getLogger("reperio.jobs")
# Errors that another attempt may not get: by then the list is filled again, or trained with more faces.
PASSING = (AttemptTooOld, NotThere, TrainingFailed)


def _service() -> FaceService:
    service = face_service()
    if service is None:
        raise RecogniserAway("AZURE_FACE_KEY is not set")
    return service


def check_recogniser() -> None:
    """Return if Azure answers and accepts the key.

    Raises:
        RecogniserAway: it does not; also while calls are suspended.
    """
    _service().check()


def process_selfie(claim: Claim, decoder: Decoder) -> str | None:
    """Check a selfie here, add its face to the lists there, and match it, or reject it and return `rejected`.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone. TaskFailed: to be tried again.
    """
    with reading() as session:
        selfie = matching_queries.selfie(session, claim.id)
    if selfie is None or selfie.storage_key is None:
        return None
    service = _service()
    try:
        embedding = embed_selfie(selfie, selfie.storage_key, decoder, strict=selfie.strict)
        portrait = Detected(service, files.read(selfie.storage_key))
        if not portrait.faces:
            raise NoFace
        matching.accept_selfie(
            claim.id,
            AZURE_ENGINE_ID,
            embedding,
            claim.is_current,
            lambda event_id: portraits.search(service, claim.id, event_id, portrait),
        )
    except SelfieRejected as reason:
        reject(claim, REASONS[type(reason)])
        return "rejected"
    except PASSING as error:
        raise TaskFailed(str(error)) from error
    return None


def process_membership(claim: Claim, decoder: Decoder) -> None:
    """Search for a guest with the accepted selfies in one event, and match the guest there.

    Raises:
        MissingObject: a selfie's file is gone. TaskFailed: to be tried again.
    """
    service = _service()
    with reading() as session:
        membership = session.get(UserEvent, claim.id)
    if membership is None:
        return
    searched = set[int]()
    for selfie in _portraits(membership):
        if selfie.storage_key is None:
            continue
        portrait = Detected(service, files.read(selfie.storage_key))
        try:
            portraits.search(service, selfie.id, membership.event_id, portrait)
            searched.add(selfie.id)
        except NoFace:
            log.warning("selfie %d: Azure finds no face in it", selfie.id)
        except PASSING as error:
            raise TaskFailed(str(error)) from error
    again_after = timedelta(seconds=get_settings().azure_face_gather_seconds)
    rematching.rematch(claim.id, AZURE_ENGINE_ID, {}, claim.is_current, partial(_is_outdated, searched), again_after)


def _portraits(membership: UserEvent) -> list[Selfie]:
    """Return the selfies to search with: those in force, and any that is in the event before it is accepted.

    A photo may have come between the search of a selfie's own job and its acceptance.
    """
    accepted = [each.selfie for each in rematching.selfies_for_membership(membership.id, AZURE_ENGINE_ID)]
    known = {each.id for each in accepted}
    with reading() as session:
        there = matching_queries.portrait_embeddings(
            session, membership.user_id, membership.event_id, AZURE_ENGINE_ID
        )
        early = [session.get(Selfie, each.selfie_id) for each in there if each.selfie_id not in known]
    return [*accepted, *(each for each in early if each is not None)]


def _is_outdated(searched: Collection[int], session: Session, membership: UserEvent) -> bool:
    return search_queries.is_search_wanted(session, searched, membership.event_id)


def process_photo(claim: Claim, decoder: Decoder) -> None:
    """Have a photo's renditions made and its faces kept there, and queue the matching of the guests they resemble.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone. TaskFailed: to be tried again.
    """
    with reading() as session:
        photo = session.get(Photo, claim.id)
        badges = photo is not None and event_queries.uses_badges(session, photo.event_id)
    if photo is None:
        return
    keys = renditions_for(photo, photo.rendition_set)
    read = read_photo(photo, keys, decoder, badges=badges)
    _note_renditions(claim, read)
    service = _service()
    try:
        found, scale = _detected(service, photo, keys["web"])
        recorded = photos.record_photo(service, claim.id, found, scale, claim.is_current, read.badges)
    except PASSING as error:
        raise TaskFailed(str(error)) from error
    if not recorded:
        erase_if_deleted(claim.id, [*keys.values()])


def _note_renditions(claim: Claim, read: ReadPhoto) -> None:
    """Store mean colour and warning: with the colour, pages show the renditions while the photo waits for Azure."""
    with transaction() as session:
        photo = matching_queries.lock_photo(session, claim.id)
        if photo is not None and claim.is_current(photo):
            photo.note_renditions(read.mean_colour, warning_of(read), read.full)


def process_reprocessing(claim: Claim, decoder: Decoder) -> None:
    """Make a photo's renditions again, have Azure look at them, and replace what the photo has.

    Raises:
        ImageError: the file cannot be decoded. MissingObject: the file is gone. TaskFailed: to be tried again.
        StrangersEnd: the event lets templates of strangers go.
    """
    subject = reprocessing.subject_of(claim.id)
    if subject is None:
        return
    # First: while Azure is away, thousands of renditions would be made for nothing.
    photos.check_strangers(subject.event)
    service = _service()
    service.check()
    read = read_anew(claim.id, subject, decoder)
    if not compares_faces(subject.event):
        if not reprocessing.record(claim.id, AZURE_ENGINE_ID, read.anew, [], claim.is_current):
            reprocessing.erase_unused(claim.id, subject.photo)
        return
    try:
        found, scale = _detected(service, read.photo, read.keys["web"])
        recorded = again.record(service, claim.id, read.photo, read.anew, found, scale, claim.is_current)
    except PASSING as error:
        raise TaskFailed(str(error)) from error
    if not recorded:
        reprocessing.erase_unused(claim.id, subject.photo)


def _detected(service: FaceService, photo: Photo, key: str) -> tuple[Detected, float]:
    """Return a photo's rendition, to be detected by Azure, and the photo's width divided by the rendition's."""
    picture = storage.get(key)
    return Detected(service, picture), max(photo.width, photo.height) / max(images.size_of(picture))


def process_reembedding(claim: Claim, decoder: Decoder) -> None:
    """Have Azure process a photo that another engine has processed; switch the event with its last photo.

    Raises:
        MissingObject: the rendition is gone. TaskFailed: to be tried again.
    """
    photo = changing.photo_of(claim.id, AZURE_ENGINE_ID)
    if photo is None:
        changing.drop(claim.id, AZURE_ENGINE_ID)
        return
    service = _service()
    try:
        found, scale = _detected(service, photo, key_of(photo, "web"))
        photos.record_again(service, claim.id, photo, found, scale, claim.is_current)
    except PASSING as error:
        raise TaskFailed(str(error)) from error
