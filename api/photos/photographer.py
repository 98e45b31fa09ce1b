"""Calls of photographers: upload, list, share and delete photos."""

from typing import Annotated

from fastapi import APIRouter, File, Query, Response, UploadFile

import errors
from api.accounts.schemas import Message
from api.callers import CurrentPhotographer, PhotographerOrAdmin
from api.dependencies import RequestDecoder, WakeJobs
from api.documentation import PHOTO_FILE, SIGNED_IN, error_responses
from api.events.access import AssignedEvent, OnlyEvent, StaffedEvent
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.paging import CURSORS, PAGED, AskedPage, mark_page
from api.photos.schemas import (
    ForEveryone,
    PhotographerPhotoOut,
    PhotosForEveryone,
    PhotoUploaded,
    RejectedFile,
    UploadedPhoto,
    UploadResult,
)
from api.rules import PHOTOS_BODY, body_limit
from api.uploads import read_photo
from decoding.decoder import Decoder
from keys import MAX_CHOSEN, MAX_ID
from models import Event, User
from photos import receiving, service, sharing
from photos.raws.pairing import has_raw_name

router = APIRouter(prefix="/api", tags=["photographer"])
MAX_FILES = 5000
Files = Annotated[list[UploadFile], File(description="The photos, up to 5,000.")]
# These errors refuse one file, whatever becomes of the others.
REFUSED_FILE = (errors.InvalidImage, errors.PhotoTooLarge)
REFUSED = (*SIGNED_IN, errors.PhotographersOnly)


def _receive(
    event: Event, photographer: User, files: list[UploadFile], language: str, decoder: Decoder
) -> UploadResult:
    """Store each file in turn; return the stored photos, and the refused files with the reason of each.

    RAW files come after their JPEGs, so that the JPEG is processed and not the preview that it replaces.
    """
    taken: dict[int, UploadedPhoto] = {}
    rejected: dict[int, RejectedFile] = {}
    for number, file in sorted(enumerate(files), key=lambda each: has_raw_name(each[1].filename)):
        try:
            taken[number] = _store(event, photographer, file, decoder)
        except REFUSED_FILE as error:
            name = receiving.clean_filename(file.filename)
            rejected[number] = RejectedFile(original_filename=name, error=error.body(language)["detail"])
    return _result([taken[each] for each in sorted(taken)], [rejected[each] for each in sorted(rejected)], language)


def _result(taken: list[UploadedPhoto], rejected: list[RejectedFile], language: str) -> UploadResult:
    message = Success.PHOTOS_RECEIVED.text(language, number=len(taken))
    return UploadResult(message=message, uploaded_photos=taken, rejected=rejected)


def _store(event: Event, photographer: User, file: UploadFile, decoder: Decoder) -> UploadedPhoto:
    """Store one file.

    Raises:
        InvalidImage, PhotoTooLarge: the file is refused. Else what `receiving.receive` raises.
    """
    name = receiving.clean_filename(file.filename)
    try:
        with read_photo(file) as data:
            receipt = receiving.receive(event, photographer.id, name, data, decoder, sender=photographer)
    finally:
        file.file.close()
    return UploadedPhoto.model_validate(receipt, from_attributes=True)


@router.post(
    "/photographer/events/{event_id}/upload-photos",
    summary="Upload photos to my event",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.PhotosEnded, errors.BodyTooLarge),
    form_limits={"max_files": MAX_FILES},
)
@body_limit(PHOTOS_BODY)
def upload_event_photos(
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    files: Files,
    language: Language,
    wake_jobs: WakeJobs,
    decoder: RequestDecoder,
) -> UploadResult:
    """A refused file does not affect the others. A file that the event already has is the same photo."""
    result = _receive(event, photographer, files, language, decoder)
    wake_jobs()
    return result


@router.post(
    "/upload-photos",
    summary="Upload photos to my only event",
    responses=error_responses(
        *REFUSED, errors.NoEventAssigned, errors.SeveralEvents, errors.PhotosEnded, errors.BodyTooLarge
    ),
    form_limits={"max_files": MAX_FILES},
)
@body_limit(PHOTOS_BODY)
def upload_photos(
    event: OnlyEvent,
    photographer: CurrentPhotographer,
    files: Files,
    language: Language,
    wake_jobs: WakeJobs,
    decoder: RequestDecoder,
) -> UploadResult:
    """For a photographer with exactly one event."""
    result = _receive(event, photographer, files, language, decoder)
    wake_jobs()
    return result


@router.post(
    "/upload-photo",
    summary="Upload one photo to my only event",
    responses=error_responses(
        *PHOTO_FILE,
        errors.NoFilesSent,
        *REFUSED,
        errors.NoEventAssigned,
        errors.SeveralEvents,
        errors.PhotosEnded,
        errors.BodyTooLarge,
    ),
    form_limits={"max_files": MAX_FILES},
)
@body_limit(PHOTOS_BODY)
def upload_photo(
    event: OnlyEvent,
    photographer: CurrentPhotographer,
    language: Language,
    wake_jobs: WakeJobs,
    decoder: RequestDecoder,
    file: Annotated[UploadFile | None, File(description="The photo.")] = None,
    files: Annotated[list[UploadFile] | None, File(description="Several photos.")] = None,
) -> PhotoUploaded:
    """For a photographer with exactly one event. 400 with the reason if the only file is refused.

    Of several files, those that are refused are named in `rejected`.
    """
    sent = [*([file] if file is not None else []), *(files or [])]
    if not sent:
        raise errors.NoFilesSent
    if len(sent) == 1:
        result = _result([_store(event, photographer, sent[0], decoder)], [], language)
    else:
        result = _receive(event, photographer, sent, language, decoder)
    wake_jobs()
    return PhotoUploaded.of(result)


@router.get(
    "/photographer/events/{event_id}/photos",
    summary="List all photos of my event",
    responses={**PAGED, **error_responses(*CURSORS, *REFUSED, errors.NoSuchEvent)},
)
def event_photos(
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    page: AskedPage,
    language: Language,
    response: Response,
) -> list[PhotographerPhotoOut]:
    """Newest first, each with its processing state and its number of faces."""
    found = service.photos_of_event(event.id, page)
    mark_page(response, found)
    return [PhotographerPhotoOut.for_photographer(row, photographer, language) for row in found.rows]


@router.get(
    "/my-uploaded-photos",
    summary="List the photos I uploaded",
    responses={**PAGED, **error_responses(*CURSORS, *REFUSED)},
)
def my_uploaded_photos(
    photographer: CurrentPhotographer, page: AskedPage, language: Language, response: Response
) -> list[PhotographerPhotoOut]:
    """Of all events, newest first."""
    found = service.photos_by(photographer.id, page)
    mark_page(response, found)
    return [PhotographerPhotoOut.for_photographer(row, photographer, language) for row in found.rows]


@router.put(
    "/photographer/photos/{photo_id}",
    summary="Show a photo of my event to every guest, or no longer",
    responses=error_responses(*REFUSED, errors.NoSuchPhoto),
)
def share_photo(photo_id: RowId, asked: ForEveryone, staff: PhotographerOrAdmin) -> ForEveryone:
    """Any photographer of the event and any admin may mark any photo of it.

    The mark has an effect only in events whose guests see only their own photos. It does not show a photo that is
    withheld from guests, such as a picture of a badge: guests see that one once it is no longer withheld.
    """
    sharing.share(staff, [photo_id], for_everyone=asked.for_everyone)
    return ForEveryone(for_everyone=asked.for_everyone)


@router.put(
    "/photographer/events/{event_id}/photos",
    summary="Show photos of my event to every guest, or no longer",
    responses=error_responses(*REFUSED, errors.NoSuchEvent, errors.NoSuchPhoto),
)
def share_photos(event: StaffedEvent, asked: PhotosForEveryone, staff: PhotographerOrAdmin) -> ForEveryone:
    """All or none: if one of them is not a photo of the event, nothing changes."""
    sharing.share(staff, asked.photo_ids, for_everyone=asked.for_everyone, event_id=event.id)
    return ForEveryone(for_everyone=asked.for_everyone)


@router.delete(
    "/photos/{photo_id}",
    summary="Delete one of my photos",
    responses=error_responses(*REFUSED, errors.NotYourPhotos, errors.NoSuchPhoto),
)
def delete_photo(photo_id: RowId, owner: PhotographerOrAdmin, language: Language) -> Message:
    """Puts the photo into the trash of its photographer; its faces and matches are erased at once."""
    service.remove(owner, [photo_id])
    return Message(message=Success.PHOTO_DELETED.text(language))


@router.delete(
    "/photos",
    summary="Delete several of my photos",
    responses=error_responses(errors.InvalidPhotoIds, *REFUSED, errors.NotYourPhotos, errors.NoSuchPhoto),
)
def delete_photos(
    owner: PhotographerOrAdmin,
    photo_ids: Annotated[str, Query(examples=["1,2,3"], max_length=200_000)],
    language: Language,
) -> Message:
    """All or none: if one photo is another photographer's, nothing is deleted."""
    number = service.remove(owner, _ids(photo_ids))
    return Message(message=Success.PHOTOS_DELETED.text(language, number=number))


def _ids(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or len(parts) > MAX_CHOSEN or not all(part.isascii() and part.isdigit() for part in parts):
        raise errors.InvalidPhotoIds
    ids = [int(part) for part in parts if len(part) <= 19]
    if len(ids) != len(parts) or not all(1 <= each <= MAX_ID for each in ids):
        raise errors.InvalidPhotoIds
    return ids
