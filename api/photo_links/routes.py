"""Calls of guests about their links to photos."""

from fastapi import APIRouter

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.photo_links.schemas import PhotoLinkIn, PhotoLinkMade, PhotoLinkOut
from photos.links import service as links
from throttling import rules

router = APIRouter(prefix="/api", tags=["sharing"])
GUESTS = (*SIGNED_IN, errors.GuestsOnly)


@router.post(
    "/user/events/{event_id}/photo-links",
    summary="Make a link to chosen photos",
    responses=error_responses(
        errors.TooManyLinkedPhotos,
        *GUESTS,
        errors.NotInEvent,
        errors.SharingOff,
        errors.NoneOfThesePhotos,
        errors.SharingOver,
        errors.TooManyPhotoLinks,
        errors.TooManyRequests,
    ),
)
def make_link(event_id: RowId, guest: CurrentGuest, asked: PhotoLinkIn) -> PhotoLinkMade:
    """For people without an account. It shows at most 200 photos, each as long as I may see it myself."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    made = links.make(guest, event_id, asked.photo_ids, days=asked.days, shows_name=asked.shows_name)
    return PhotoLinkMade.of(made)


@router.get("/photo-links", summary="List my links to photos", responses=error_responses(*GUESTS))
def my_links(guest: CurrentGuest) -> list[PhotoLinkOut]:
    """Newest first. A link is listed for a month after it has expired."""
    return [PhotoLinkOut.of(each) for each in links.links_of(guest)]


@router.delete(
    "/photo-links/{link_id}",
    summary="Revoke a link to photos",
    responses=error_responses(*GUESTS, errors.NoSuchPhotoLink, errors.TooManyRequests),
)
def revoke_link(link_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """The link stops working at once. Photos that were downloaded before cannot be recalled."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    links.revoke(guest, link_id)
    return Message(message=Success.PHOTO_LINK_REVOKED.text(language))
