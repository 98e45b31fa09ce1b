"""Calls of guests about an event's photos: progress, favourites, download, "not me"."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.paging import CURSORS, PAGED, AskedPage, mark_page
from api.photos.chosen import ChoiceIn, ChoiceOut, FavouritesChanged, FavouritesIn
from api.photos.schemas import FavouriteState, GuestProgress, PhotoOut
from api.photos.zips import ZIP, ZIP_ERRORS, zip_response
from keys import MAX_ID
from matching.refusals import refuse, take_back
from photos import download, favourites, progress
from photos.chosen import service as chosen
from photos.progress import Standing
from photos.queries import Which
from throttling import rules, slots

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


@router.put(
    "/user/events/{event_id}/favourites",
    summary="Add or remove several favourites",
    responses=error_responses(*MEMBERS, errors.NoneOfThesePhotos, errors.TooManyRequests),
)
def mark_photos(event_id: RowId, guest: CurrentGuest, asked: FavouritesIn) -> FavouritesChanged:
    """Photos of one of my events, all at once. Idempotent."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    marked = chosen.mark_favourites(guest, event_id, asked.photo_ids, favourite=asked.favourite)
    return FavouritesChanged(favourite=asked.favourite, photos=marked.photos, left_out=marked.left_out)


# --- download ------------------------------------------------------------------------------------

AskedChoice = Annotated[
    int | None, Query(ge=1, le=MAX_ID, description="Instead of a list: the photos of a choice, by its `id`.")
]


@router.post(
    "/user/events/{event_id}/choices",
    summary="Choose photos to download",
    responses=error_responses(*MEMBERS, errors.NoneOfThesePhotos, errors.TooManyRequests),
)
def choose_photos(event_id: RowId, guest: CurrentGuest, asked: ChoiceIn) -> ChoiceOut:
    """Keeps a choice for a day. Its `zip_url` is short however many photos it has, and the download resumes."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    return ChoiceOut.of(chosen.keep(guest, event_id, asked.photo_ids), event_id)


@router.get(
    "/user/events/{event_id}/photos.zip",
    summary="Download photos of one of my events",
    response_class=Response,
    responses={
        **ZIP,
        **error_responses(*MEMBERS, errors.NoSuchChoice, *ZIP_ERRORS),
    },
)
def photos_zip(
    event_id: RowId, request: Request, guest: CurrentGuest, which: Which = "mine", choice: AskedChoice = None
) -> Response:
    """`mine`, `favourites`, or `all` that `all-photos` lists. A photo deleted during the download is left out.

    A guest downloads at most `RATE_ZIPS` (2) at the same time. A broken download resumes with `Range`, best with the
    ETag in `If-Range`: once the list is another one, the whole new ZIP comes.
    """
    if choice is None:
        found, asked = download.archive(guest, event_id, which), str(which)
    else:
        found, asked = chosen.archive(guest, event_id, choice), f"choice {choice}"
    return zip_response(request, found, (guest.id, event_id, asked), lambda: slots.take(guest.id))


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
