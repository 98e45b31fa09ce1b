"""Calls about the trash: for photographers what they have deleted themselves, for admins everything."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

import errors
from api.accounts.schemas import Message
from api.callers import PhotographerOrAdmin
from api.dependencies import WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.fields import Cursor, RowId, UtcTime
from api.language import Language
from api.messages import Success
from api.paging import PAGED, mark_page
from keys import MAX_ID, row_id
from models import TrashedPhoto
from photos.trash import service

router = APIRouter(prefix="/api/trash", tags=["photographer"])
DEFAULT_LIMIT = 100
STAFF = (*SIGNED_IN, errors.PhotographersOnly)
TrashSize = Literal["thumb", "web", "original"]
PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/*": {}}, "description": "The picture."}}


class TrashedPhotoOut(BaseModel):
    id: int = Field(description="The id that the photo had, and gets back.")
    event_id: int
    photographer_id: int | None
    original_filename: str
    content_type: str
    width: int
    height: int
    size: int = Field(description="Size of the original in bytes.")
    mean_colour: str | None
    uploaded_at: UtcTime
    trashed_at: UtcTime
    erased_at: UtcTime = Field(description="From when it is erased for good.")

    @classmethod
    def of(cls, trashed: TrashedPhoto) -> Self:
        """Return the payload of a photo in the trash."""
        columns = {name: getattr(trashed, name) for name in cls.model_fields.keys() - {"id", "erased_at"}}
        return cls(id=trashed.photo_id, erased_at=service.due_at(trashed), **columns)


class Restored(Message):
    photo_id: int = Field(description="Another one if the same bytes were sent again meanwhile.")


@router.get(
    "", summary="List what I have deleted", responses={**PAGED, **error_responses(errors.InvalidCursor, *STAFF)}
)
def trash(
    owner: PhotographerOrAdmin,
    response: Response,
    event_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> list[TrashedPhotoOut]:
    """What was deleted last comes first. Photographers see their own photos, admins those of all."""
    before = row_id(cursor) if cursor else None
    if cursor and before is None:
        raise errors.InvalidCursor
    found = service.listed(owner, event_id, limit, before)
    mark_page(response, found)
    return [TrashedPhotoOut.of(each) for each in found.rows]


@router.get(
    "/{photo_id}/picture",
    summary="Picture of a photo in the trash",
    response_class=Response,
    responses={**PICTURE, **error_responses(*STAFF, errors.NotInTrash)},
)
def trashed_picture(photo_id: RowId, owner: PhotographerOrAdmin, size: TrashSize = "thumb") -> Response:
    """The original, or a rendition if the photo had been processed."""
    return picture(service.open_picture(owner, photo_id, size), size)


def picture(found: service.TrashedFile, size: TrashSize) -> Response:
    """Return a file of the trash."""
    kind = found.photo.content_type if size == "original" else "image/jpeg"
    return StreamingResponse(
        found.chunks,
        media_type=kind,
        headers={"Content-Length": str(found.length), "Cache-Control": "private, no-store"},
    )


@router.post(
    "/{photo_id}/restore",
    summary="Take a photo out of the trash",
    responses=error_responses(*STAFF, errors.NotInTrash, errors.PhotosEnded),
)
def restore(photo_id: RowId, owner: PhotographerOrAdmin, language: Language, wake_jobs: WakeJobs) -> Restored:
    """It is processed again, in the background, and has its id. Favourites, links and answers of guests are gone."""
    back = service.restore(owner, photo_id)
    wake_jobs()
    return Restored(message=Success.PHOTO_RESTORED.text(language), photo_id=back)


@router.delete(
    "/{photo_id}",
    summary="Erase a photo in the trash for good",
    responses=error_responses(*STAFF, errors.NotInTrash),
)
def erase(photo_id: RowId, owner: PhotographerOrAdmin, language: Language) -> Message:
    """At once, with all its files."""
    service.erase_now(owner, [photo_id])
    return Message(message=Success.PHOTO_ERASED.text(language))
