"""Calls of guests about an event's photos: progress, favourites, download, "not me"."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.paging import PAGED, AskedPage, mark_page
from api.photos.routes import disposition
from api.photos.schemas import FavouriteState, GuestProgress, PhotoOut
from matching.refusals import refuse, take_back
from photos import download, favourites, progress
from photos.progress import Standing
from photos.queries import Which

router = APIRouter(prefix="/api", tags=["photos"])
MEMBERS = (*SIGNED_IN, errors.GuestsOnly, errors.NotInEvent)


@router.get(
    "/user/events/{event_id}/progress",
    summary="Progress of the photos of one of my events",
    response_model=GuestProgress,
    responses=error_responses(*MEMBERS),
)
def event_progress(event_id: RowId, guest: CurrentGuest) -> Standing:
    """For a waiting guest, and to mark new photos."""
    return progress.standing_for(guest, event_id)


# --- favourites ------------------------------------------------------------------------------------


@router.put(
    "/photos/{photo_id}/favourite",
    summary="Add a photo to my favourites",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchPhoto),
)
def keep_photo(photo_id: RowId, guest: CurrentGuest) -> FavouriteState:
    """Idempotent."""
    favourites.add_favourite(guest, photo_id)
    return FavouriteState(favourite=True)


@router.delete(
    "/photos/{photo_id}/favourite",
    summary="Remove a photo from my favourites",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchPhoto),
)
def let_photo_go(photo_id: RowId, guest: CurrentGuest) -> FavouriteState:
    """Idempotent."""
    favourites.remove_favourite(guest, photo_id)
    return FavouriteState(favourite=False)


@router.get(
    "/user/events/{event_id}/favourites",
    summary="List my favourites of one of my events",
    responses={**PAGED, **error_responses(errors.InvalidCursor, *MEMBERS)},
)
def favourite_photos(event_id: RowId, guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """Newest first. Photos that the guest may no longer see are left out."""
    found = favourites.favourites_of(guest, event_id, page)
    mark_page(response, found)
    return [PhotoOut.of(row, guest) for row in found.rows]


# --- download ------------------------------------------------------------------------------------

ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        "description": "A ZIP file with the originals, stored without compression. `Content-Length` is exact.",
    }
}


@router.get(
    "/user/events/{event_id}/photos.zip",
    summary="Download photos of one of my events",
    response_class=Response,
    responses={**ZIP, **error_responses(*MEMBERS, errors.PhotosArePrivate, errors.NoPhotosToDownload)},
)
def photos_zip(event_id: RowId, guest: CurrentGuest, which: Which = "mine") -> Response:
    """`mine`, `favourites`, or `all` if guests see all photos. A photo deleted during the download is left out."""
    found = download.archive(guest, event_id, which)
    headers = {
        "Content-Length": str(found.length),
        "Content-Disposition": disposition("attachment", found.name),
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(found.chunks, media_type="application/zip", headers=headers)


# --- "that is not me" ------------------------------------------------------------------------------


@router.post(
    "/photos/{photo_id}/not-me",
    summary="This photo does not show me",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchMatch),
)
def not_me(photo_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Deletes the match and records the refusal: no later matching brings it back. Idempotent."""
    refuse(guest.id, photo_id)
    return Message(message=Success.PHOTO_REFUSED.text(language))


@router.delete(
    "/photos/{photo_id}/not-me",
    summary="Take back that a photo does not show me",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchRefusal),
)
def perhaps_me(photo_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Deletes the refusal and matches the photo with the guest's selfie again, before the answer."""
    take_back(guest.id, photo_id)
    return Message(message=Success.PHOTO_COMPARED.text(language))
