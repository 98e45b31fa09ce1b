"""What a link to photos opens, without an account: the list, the pictures, the ZIP. The pages answer by these too."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

import errors
from api.documentation import error_responses
from api.fields import RowId
from api.photo_links.schemas import SharedOut
from api.photos.reports import ReportIn, ReportOut
from api.photos.routes import PICTURE, picture
from api.photos.zips import ZIP, ZIP_ERRORS, zip_response
from api.rules import public
from api.sessions import browser_secret
from api.throttling import Caller, CallerDep
from models import PhotoReport
from photos.links import download
from photos.links import service as links
from photos.reports import service as reports
from throttling import rules, slots

router = APIRouter(prefix="/api/shared", tags=["sharing"])
LinkToken = Annotated[str, Path(max_length=200, description="The last part of the link.")]
SharedSize = Literal["thumb", "web"]
AskedSize = Annotated[SharedSize, Query(description="Long side of 400 or of 1600 pixels.")]
AsFile = Annotated[bool, Query(description="As a file to save, under the photo's original name.")]
OPENING = (errors.NoSuchPhotoLink, errors.PhotoLinkExpired, errors.TooManyRequests)
# The address contains the token: browsers must not send it as a referrer, and search engines must not list it.
PRIVATE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
# Asked for again at each look, so that a link that is revoked shows nothing more.
PICTURE_RULE = "private, no-cache"


@router.get("/{link_token}", summary="Photos behind a link", responses=error_responses(*OPENING))
@public
def shared_photos(link_token: LinkToken, caller: CallerDep, response: Response) -> SharedOut:
    """Those that the link's maker may still see, as they were taken. Needs no account."""
    response.headers.update(PRIVATE)
    with caller.shared_link():
        return SharedOut.of(links.opened(link_token))


@router.get(
    "/{link_token}/photos/{photo_id}",
    summary="Picture of a photo behind a link",
    response_class=Response,
    responses={**PICTURE, **error_responses(*OPENING, errors.NoSuchPhoto, errors.PhotoNotReady)},
)
@public
def shared_picture(
    link_token: LinkToken,
    photo_id: RowId,
    request: Request,
    caller: CallerDep,
    size: AskedSize = "web",
    download: AsFile = False,
) -> Response:
    """Without what the camera has written into the original. Whether the link still shows it is asked each time."""
    return picture_behind(link_token, photo_id, request, caller, size, download=download)


@router.get(
    "/{link_token}/photos.zip",
    summary="Download the photos behind a link",
    response_class=Response,
    responses={**ZIP, **error_responses(*OPENING, *ZIP_ERRORS)},
)
@public
def shared_zip(link_token: LinkToken, request: Request, caller: CallerDep) -> Response:
    """The pictures with a long side of 1600 pixels. A broken download resumes with `Range`."""
    return zip_behind(link_token, request, caller)


@router.post(
    "/{link_token}/photos/{photo_id}/report",
    summary="Report a photo behind a link",
    responses=error_responses(*OPENING, errors.NoSuchPhoto),
)
@public
def report_shared(
    link_token: LinkToken, photo_id: RowId, asked: ReportIn, request: Request, caller: CallerDep
) -> ReportOut:
    """Asks the event's photographers to look at it. Needs no account, so the decision is not sent to the visitor."""
    return ReportOut.of(report_behind(request, link_token, photo_id, caller, asked))


def report_behind(request: Request, token: str, photo_id: int, caller: Caller, asked: ReportIn) -> PhotoReport:
    """Report a photo of a link.

    Counted by browser: at a venue many people share an address, and one of them must not silence the others.

    Raises:
        NoSuchPhotoLink, PhotoLinkExpired, NoSuchPhoto: see `photos.links.service`.
        TooManyRequests: this browser or address reports too much, or the address made up too many links.
    """
    browser = browser_secret(request)
    rules.count(rules.REPORTS, f"browser {browser}" if browser else f"{caller.address} {token}")
    rules.count(rules.REPORTS_OF_ADDRESS, caller.address)
    with caller.shared_link():
        return reports.report_by_link(token, photo_id, asked.reason, asked.text)


def picture_behind(
    token: str, photo_id: int, request: Request, caller: Caller, size: SharedSize, *, download: bool
) -> Response:
    """Return a picture of a link, to show or to save.

    Raises:
        NoSuchPhotoLink, PhotoLinkExpired, NoSuchPhoto: see `photos.links.service`.
        TooManyRequests: too many links from this address were made up.
    """
    with caller.shared_link():
        photo = links.photo_of(token, photo_id)
    answer = picture(photo, size, request, download=download, cached=PICTURE_RULE)
    answer.headers.update({name: PRIVATE[name] for name in ("Referrer-Policy", "X-Robots-Tag")})
    return answer


def zip_behind(token: str, request: Request, caller: Caller) -> Response:
    """Return the ZIP of a link.

    Raises:
        NoSuchPhotoLink, PhotoLinkExpired: see `photos.links.service`. NoPhotosToDownload: there is no picture yet.
        TooManyRequests: this address loads too many ZIPs of it, or made up too many links.
    """
    with caller.shared_link():
        shared = links.opened(token)
    row = shared.link.row
    asked = (row.user_id, row.event_id, f"link {row.id}")
    # Before the storage is asked for the size of each photo.
    slot = slots.take(f"link {row.id}:{caller.address}")
    try:
        answer = zip_response(request, download.archive(shared), asked, lambda: slot)
    except BaseException:
        slot.release()
        raise
    answer.headers.update(PRIVATE)
    return answer
