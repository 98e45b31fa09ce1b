"""Calls of guests about an event's photos: progress, favourites, download, "not me"."""

from typing import Any

from fastapi import APIRouter, Request, Response

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.paging import CURSORS, PAGED, AskedPage, mark_page
from api.photos.routes import disposition
from api.photos.schemas import FavouriteState, GuestProgress, PhotoOut
from api.ranges import Part, part_of
from api.throttling import SlotResponse
from matching.refusals import refuse, take_back
from photos import download, favourites, progress
from photos.progress import Standing
from photos.queries import Which
from throttling import resumable, rules, slots

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
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchPhoto, errors.TooManyRequests),
)
def keep_photo(photo_id: RowId, guest: CurrentGuest) -> FavouriteState:
    """Idempotent."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    favourites.add_favourite(guest, photo_id)
    return FavouriteState(favourite=True)


@router.delete(
    "/photos/{photo_id}/favourite",
    summary="Remove a photo from my favourites",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchPhoto, errors.TooManyRequests),
)
def let_photo_go(photo_id: RowId, guest: CurrentGuest) -> FavouriteState:
    """Idempotent."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    favourites.remove_favourite(guest, photo_id)
    return FavouriteState(favourite=False)


@router.get(
    "/user/events/{event_id}/favourites",
    summary="List my favourites of one of my events",
    responses={**PAGED, **error_responses(*CURSORS, *MEMBERS)},
)
def favourite_photos(event_id: RowId, guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """Newest first. Photos that the guest may no longer see are left out."""
    found = favourites.favourites_of(guest, event_id, page)
    mark_page(response, found)
    return [PhotoOut.of(row, guest) for row in found.rows]


# --- download ------------------------------------------------------------------------------------

_BYTES = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "content": _BYTES,
        "description": "A ZIP file with the originals, stored without compression. `Content-Length` is exact.",
    },
    206: {"content": _BYTES, "description": "The part that `Range` asks for."},
}


@router.get(
    "/user/events/{event_id}/photos.zip",
    summary="Download photos of one of my events",
    response_class=Response,
    responses={
        **ZIP,
        **error_responses(
            *MEMBERS,
            errors.NoPhotosToDownload,
            errors.DownloadChanged,
            errors.RangeNotSatisfiable,
            errors.TooManyRequests,
        ),
    },
)
def photos_zip(event_id: RowId, request: Request, guest: CurrentGuest, which: Which = "mine") -> Response:
    """`mine`, `favourites`, or `all` that `all-photos` lists. A photo deleted during the download is left out.

    A guest downloads at most `RATE_ZIPS` (2) at the same time. A broken download resumes with `Range`, best with the
    ETag in `If-Range`: once the list is another one, the whole new ZIP comes.
    """
    found = download.archive(guest, event_id, which)
    part = _zip_part(request, found, (guest.id, event_id, which))
    headers = {
        **part.headers,
        "ETag": f'"{found.tag}"',
        "Content-Disposition": disposition("attachment", found.name),
        "Cache-Control": "private, no-store",
    }
    slot, chunks = slots.take(guest.id), found.chunks(part.start, part.end)
    return SlotResponse(slot, chunks, status_code=part.status, media_type="application/zip", headers=headers)


def _zip_part(request: Request, found: download.Archive, asked: tuple[int, int, str]) -> Part:
    """Return the part to send.

    Raises:
        RangeNotSatisfiable, DownloadChanged: see `part_of`.
    """
    part = part_of(
        request, found.length, f'"{found.tag}"', knows_beginning=lambda: resumable.is_same(*asked, found.tag)
    )
    if part.start == 0:
        resumable.begin(*asked, found.tag)
    return part


# --- "that is not me" ------------------------------------------------------------------------------


@router.post(
    "/photos/{photo_id}/not-me",
    summary="This photo does not show me",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchMatch, errors.TooManyRequests),
)
def not_me(photo_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Deletes the match and records the refusal: no later matching brings it back. Idempotent."""
    rules.count(rules.NOT_ME, f"account {guest.id}")
    refuse(guest.id, photo_id)
    return Message(message=Success.PHOTO_REFUSED.text(language))


@router.delete(
    "/photos/{photo_id}/not-me",
    summary="Take back that a photo does not show me",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NoSuchRefusal, errors.TooManyRequests),
)
def perhaps_me(photo_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Deletes the refusal and matches the photo with the guest's selfie again, before the answer."""
    rules.count(rules.NOT_ME, f"account {guest.id}")
    take_back(guest.id, photo_id)
    return Message(message=Success.PHOTO_COMPARED.text(language))
