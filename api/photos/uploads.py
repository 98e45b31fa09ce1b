"""Calls of photographers who send a photo in parts: begin, send, look what has arrived, complete, give up."""

from typing import Annotated

from fastapi import APIRouter, File, Header, Path, UploadFile
from pydantic import BaseModel, Field

import errors
from api.callers import CurrentPhotographer
from api.dependencies import RequestDecoder, WakeJobs
from api.documentation import PHOTO_FILE, SIGNED_IN, error_responses
from api.events.access import AssignedEvent
from api.fields import RowId
from api.photos.schemas import UploadedPhoto
from api.rules import PART_BODY, body_limit
from api.uploads import read_at_most
from keys import MAX_FILENAME, MAX_ID
from photos.uploads import service, ways
from photos.uploads.service import Announced, State
from photos.uploads.ways import PART_BYTES

router = APIRouter(prefix="/api/photographer/events/{event_id}/uploads", tags=["photographer"])
REFUSED = (*SIGNED_IN, errors.PhotographersOnly, errors.NoSuchEvent)
# SHA-256 in hex.
CHECKSUM = r"^[0-9A-Fa-f]{64}$"
PartNumber = Annotated[int, Path(ge=1, le=10_000)]


class UploadsOut(BaseModel):
    """How photos are sent."""

    part_size: int = Field(description="Bytes of a part that passes through the service.")
    direct: bool = Field(description="Whether parts go to the object store itself.")


class UploadIn(BaseModel):
    """A file that is to be sent."""

    name: str = Field(max_length=4 * MAX_FILENAME)
    size: int = Field(ge=1, le=MAX_ID, description="Bytes.")
    sha256: str | None = Field(
        None,
        pattern=CHECKSUM,
        description="Of the whole file, in hex. With it, an interrupted upload is found again.",
    )
    direct: bool = Field(True, description="`false`: all parts are to pass through the service.")


class UploadPartOut(BaseModel):
    """A part: bytes from (`number` - 1) * `part_size` on."""

    number: int
    size: int
    arrived: bool
    url: str | None = Field(None, description="Where the part is sent by `PUT`, for a quarter of an hour.")
    headers: dict[str, str] = Field({}, description="What that request must have.")


class UploadOut(BaseModel):
    """An upload, or the photo that there is already."""

    upload_id: int | None = Field(description="Null if the event has this photo already.")
    part_size: int
    parts: list[UploadPartOut]
    photo: UploadedPhoto | None = Field(None, description="If there is nothing left to send.")

    @classmethod
    def of(cls, state: State) -> "UploadOut":
        """Return the answer for a state."""
        receipt, upload = state.receipt, state.upload
        return cls(
            upload_id=upload.id if upload is not None else None,
            part_size=upload.part_size if upload is not None else PART_BYTES,
            parts=[UploadPartOut.model_validate(each, from_attributes=True) for each in state.parts],
            photo=None if receipt is None else UploadedPhoto.model_validate(receipt, from_attributes=True),
        )


class PartReceived(BaseModel):
    """A part that is in storage."""

    number: int
    size: int


class UploadGivenUp(BaseModel):
    """An upload that is erased."""

    upload_id: int


@router.get("", summary="How photos are sent in parts", responses=error_responses(*REFUSED))
def how_to_send(event: AssignedEvent, photographer: CurrentPhotographer) -> UploadsOut:
    """Whether the store takes the parts itself, and how large a part is that passes through the service."""
    return UploadsOut(part_size=PART_BYTES, direct=ways.way_for(1, direct=True) != ways.THROUGH)


@router.post(
    "",
    summary="Begin to send a photo in parts",
    responses=error_responses(
        errors.PhotoTooLarge, *REFUSED, errors.PhotosEnded, errors.TooManyUploads, errors.ServiceUnavailable
    ),
)
def begin_upload(event: AssignedEvent, photographer: CurrentPhotographer, asked: UploadIn) -> UploadOut:
    """Or go on: the same file, name and photographer are the same upload, with the parts that have arrived.

    Parts without a `url` are sent with `PUT …/parts/{number}`. What is announced is checked when the file is there.
    """
    sha256 = asked.sha256.lower() if asked.sha256 is not None else None
    return UploadOut.of(service.begin(event, photographer, Announced(asked.name, asked.size, sha256, asked.direct)))


@router.get(
    "/{upload_id}",
    summary="Which parts of a photo have arrived",
    responses=error_responses(*REFUSED, errors.NoSuchUpload, errors.ServiceUnavailable),
)
def look_at_upload(event: AssignedEvent, photographer: CurrentPhotographer, upload_id: RowId) -> UploadOut:
    """For an upload that was interrupted. Missing parts get new addresses of the store."""
    return UploadOut.of(service.state(event, photographer, upload_id))


@router.put(
    "/{upload_id}/parts/{number}",
    summary="Send a part of a photo",
    responses=error_responses(
        errors.UploadPartDiffers,
        *REFUSED,
        errors.NoSuchUpload,
        errors.PhotosEnded,
        errors.UploadElsewhere,
        errors.BodyTooLarge,
    ),
)
@body_limit(PART_BODY)
def send_part(
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    upload_id: RowId,
    number: PartNumber,
    file: Annotated[UploadFile, File(description="The bytes of the part.")],
    checksum: Annotated[
        str | None, Header(alias="X-Part-SHA256", pattern=CHECKSUM, description="SHA-256 of the part, in hex.")
    ] = None,
) -> PartReceived:
    """When this answers, the part is durable. The same part may be sent again."""
    try:
        data = read_at_most(file, PART_BYTES)
    finally:
        file.file.close()
    service.receive_part(event, photographer, upload_id, number, data, checksum)
    return PartReceived(number=number, size=len(data))


@router.post(
    "/{upload_id}/complete",
    summary="Complete a photo that was sent in parts",
    responses=error_responses(
        *PHOTO_FILE,
        *REFUSED,
        errors.NoSuchUpload,
        errors.PhotosEnded,
        errors.UploadIncomplete,
        errors.UploadDiffers,
        errors.ServiceUnavailable,
    ),
)
def complete_upload(
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    upload_id: RowId,
    wake_jobs: WakeJobs,
    decoder: RequestDecoder,
) -> UploadedPhoto:
    """Judges the file as any photo, and keeps it. Asked again, answers the same. A refused file is erased."""
    receipt = service.complete(event, photographer, upload_id, decoder)
    wake_jobs()
    return UploadedPhoto.model_validate(receipt, from_attributes=True)


@router.delete(
    "/{upload_id}",
    summary="Give up a photo that was sent in parts",
    responses=error_responses(*REFUSED, errors.NoSuchUpload),
)
def give_up_upload(event: AssignedEvent, photographer: CurrentPhotographer, upload_id: RowId) -> UploadGivenUp:
    """Erases its parts. Uploads that nobody completes are erased a day after they were begun."""
    service.give_up(event, photographer, upload_id)
    return UploadGivenUp(upload_id=upload_id)
