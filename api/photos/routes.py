"""Calls of guests: lists of photos, and their pictures."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

import errors
from accounts import service as accounts
from accounts import tokens
from api.callers import CurrentGuest, CurrentUser
from api.cookies import cookie_of
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.links import LIFETIME_SECONDS, signer
from api.paging import CURSORS, PAGED, AskedPage, mark_page
from api.photos.redirects import may_be_redirected, redirect
from api.photos.schemas import PhotoFacesOut, PhotoOut
from api.ranges import asks_for_part, last_modified, part_of
from api.rules import signed_link
from api.sessions import SESSION_COOKIE, bearer_token, session_token
from keys import storable
from models import ADMIN, PHOTOGRAPHER, Photo, User
from photos import service
from photos.copies.service import JPEG, given_to_guests
from photos.keys import key_of
from photos.names import fitting
from photos.presigned import link_to
from photos.raws.forms import ORIGINAL, Size, form_for
from photos.seen import faces
from photos.service import PhotoList
from storage import MissingObject

router = APIRouter(prefix="/api", tags=["photos"])
LinkPart = Annotated[str | None, Query(description="Part of a signed link.")]
# Of a signed link: user, expiry, signature and session.
Signed = tuple[str | None, str | None, str | None, str | None]
REDIRECTED = (
    "With `PRESIGNED_SECONDS`, in answer to an `<img>`, a page or an app that loads a signed link: where the object "
    "store gives the picture, for a short time. Never in answer to a Bearer token."
)
# A picture up to this size is sent in one piece: each chunk of a stream costs a switch between threads.
WHOLE_BYTES = 512 * 1024
WHOLE_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {}}, "description": "The picture."},
    304: {"description": "The picture has not changed."},
}
PICTURE = {
    **WHOLE_PICTURE,
    302: {"description": REDIRECTED},
    206: {"content": {"image/*": {}}, "description": "The part of an original that `Range` asks for."},
}

NOT_FOUND = error_responses(*SIGNED_IN, errors.SecondFactorMissing, errors.NoSuchPhoto)
NOT_SHOWN = error_responses(
    *SIGNED_IN, errors.SecondFactorMissing, errors.NoSuchPhoto, errors.PhotoNotReady, errors.RangeNotSatisfiable
)


def _shown(response: Response, found: PhotoList, viewer: User) -> list[PhotoOut]:
    mark_page(response, found)
    return [PhotoOut.of(row, viewer) for row in found.rows]


LISTED = error_responses(*CURSORS, *SIGNED_IN, errors.GuestsOnly, errors.NotInEvent, errors.NoSuchEvent)


@router.get("/my-photos", summary="List the photos I am in", responses={**PAGED, **LISTED})
def my_photos(guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """The photos of the guest's event that show the guest, newest first."""
    return _shown(response, service.photos_with(guest, None, page), guest)


@router.get("/all-photos", summary="List all photos of my event", responses={**PAGED, **LISTED})
def all_photos(guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """Newest first, each with `has_face_match`. If guests see only their own photos: those marked for everyone."""
    return _shown(response, service.photos_for_guest(guest, None, page), guest)


@router.get(
    "/user/events/{event_id}/photos",
    summary="List the photos I am in, of one of my events",
    responses={**PAGED, **LISTED},
)
def my_photos_of_event(event_id: RowId, guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """The photos of the event that show the guest, newest first."""
    return _shown(response, service.photos_with(guest, event_id, page), guest)


@router.get(
    "/user/events/{event_id}/all-photos",
    summary="List all photos of one of my events",
    responses={**PAGED, **LISTED},
)
def all_photos_of_event(event_id: RowId, guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """Newest first, each with `has_face_match`. If guests see only their own photos: those marked for everyone."""
    return _shown(response, service.photos_for_guest(guest, event_id, page), guest)


async def signed_parts(
    user: LinkPart = None, expires: LinkPart = None, session: LinkPart = None, signature: LinkPart = None
) -> Signed:
    """Return the parts of a signed link, if the address is one. Asynchronous, to take no request thread."""
    return user, expires, signature, session


SignedParts = Annotated[Signed, Depends(signed_parts)]


def viewer_of(request: Request, photo_id: RowId, signed: SignedParts, size: Size = "web") -> User:
    """Return the account of the Bearer token, else the one a link was signed for, else that of the session cookie.

    Raises:
        NotAuthenticated: there is none of them. InvalidToken: the token or the link is forged or expired, its session
        is over, or the account is closed.
    """
    return holder_of(request, photo_id, size, signed)


def holder_of(request: Request, row_id: int, size: str, signed: Signed) -> User:
    """Return the account of the token, the signed link or the cookie; see `viewer_of`."""
    user, expires, signature, session = signed
    token = bearer_token(request)
    if token is None and not (user and expires and signature):
        token = session_token(request)
    if token is not None:
        return accounts.user_of(tokens.read(token))
    if not (user and expires and signature):
        raise errors.NotAuthenticated
    return accounts.signer_of(signer(row_id, size, user, expires, signature, session), session)


@router.get(
    "/photo/{photo_id}",
    summary="Picture of a photo",
    response_class=Response,
    responses={**PICTURE, **NOT_SHOWN},
)
@signed_link
def photo_picture(
    photo_id: RowId,
    request: Request,
    viewer: Annotated[User, Depends(viewer_of)],
    size: Size = "web",
    download: Annotated[bool, Query(description="As a file to save, under the photo's original name.")] = False,
) -> Response:
    """With a token, or by a signed link without one. 404 also if the caller may not see the photo.

    `raw` is the camera's RAW file, for photographers and admins; where it came without a JPEG, they get it as the
    `original` too. Guests get the JPEG. As the `original`, photographers and admins get the file byte for byte;
    guests get the same picture without metadata, of formats other than JPEG, PNG and WebP a JPEG of the same size.
    Of an original, a part can be asked for (`Range`).
    """
    return _shown_to(viewer, service.visible_photo(viewer, photo_id), size, request, download=download)


@router.get(
    "/image/{filename}",
    summary="Picture of a photo, by its stored name",
    response_class=Response,
    responses={**PICTURE, **NOT_SHOWN},
)
def image_picture(filename: str, request: Request, viewer: CurrentUser, size: Size = "web") -> Response:
    """Like `GET /api/photo/{photo_id}`, with a token only."""
    if not storable(filename):
        raise errors.NoSuchPhoto
    return _shown_to(viewer, service.visible_photo(viewer, filename), size, request)


def _shown_to(viewer: User, photo: Photo, size: Size, request: Request, *, download: bool = False) -> Response:
    photo, size = form_for(viewer, photo, size)
    if size == ORIGINAL and viewer.user_type not in (PHOTOGRAPHER, ADMIN):
        return _copy(photo, request, download=download)
    return picture(photo, size, request, download=download)


@router.get("/photo/{photo_id}/faces", summary="Faces of a photo", responses=NOT_FOUND)
def photo_faces(photo_id: RowId, viewer: CurrentUser) -> PhotoFacesOut:
    """For who may see the photo: the place of each face, and which one is matched with the calling guest.

    Empty until the photo has been processed. Staff see the places only: `matched` is false.
    """
    return PhotoFacesOut.of(faces.faces_for(viewer, photo_id))


def picture(
    photo: Photo, size: Size, request: Request, *, download: bool = False, cached: str | None = None
) -> Response:
    """Return a picture, 304, or a redirect to it; `cached` is how long it may be kept, by default `cache_rule`.

    Raises:
        NoSuchPhoto, PhotoNotReady: there is no such file, or not yet. RangeNotSatisfiable: of an original.
    """
    made_anew = f"-{photo.rendition_set}" if photo.rendition_set and size != "original" else ""
    etag = f'"{photo.sha256[:24]}-{size}{made_anew}"'
    headers = {
        "ETag": etag,
        "Cache-Control": cached or cache_rule(request),
    }
    if etag in tags_of(request):
        return Response(status_code=304, headers=headers)
    # What a browser saves has the ending of its content, whatever ending the camera or a person gave it.
    name = fitting(photo.original_filename, photo.filename if size == "original" else ".jpg")
    headers["Content-Disposition"] = disposition("attachment" if download else "inline", name)
    kind = photo.content_type if size == "original" else JPEG
    if (elsewhere := _elsewhere(photo, key_of(photo, size), kind, request, headers)) is not None:
        return elsewhere
    if size == "original":
        return _original(photo, request, etag, headers)
    length, chunks = service.open_bytes(photo, size)
    return _sent(chunks, length, JPEG, {**headers, "Content-Length": str(length)})


def _elsewhere(photo: Photo, key: str, kind: str, request: Request, headers: dict[str, str]) -> Response | None:
    """Return the redirect to the object store for a file; None where the service sends it."""
    if not may_be_redirected(request):
        return None
    link = link_to(photo, key, kind, headers["Content-Disposition"])
    return None if link is None else redirect(link, headers["Cache-Control"])


def _copy(photo: Photo, request: Request, *, download: bool) -> Response:
    """Return what a guest gets of an original, or the part of it that is asked for; or 304.

    Raises:
        NoSuchPhoto, PhotoNotReady, RangeNotSatisfiable: see `picture`.
    """
    given = given_to_guests(photo.id)
    etag = f'"{photo.sha256[:24]}-{given.tag}"'
    headers = {"ETag": etag, "Cache-Control": cache_rule(request)}
    if etag in tags_of(request):
        return Response(status_code=304, headers=headers)
    name = fitting(photo.original_filename, given.stored_name)
    headers["Content-Disposition"] = disposition("attachment" if download else "inline", name)
    if given.source.plan is None:
        # A JPEG that was made here. What is stripped is put together while it is sent.
        elsewhere = _elsewhere(photo, given.source.key, given.content_type, request, headers)
        if elsewhere is not None:
            return elsewhere
    part = part_of(request, given.source.size, etag, given.modified)
    try:
        chunks = given.source.opened(part.start, part.end)
    except MissingObject as error:
        raise errors.NoSuchPhoto from error
    headers |= part.headers | (last_modified(given.modified) if given.modified is not None else {})
    return _sent(chunks, part.end - part.start, given.content_type, headers, part.status)


def _original(photo: Photo, request: Request, etag: str, headers: dict[str, str]) -> Response:
    """Return an original, or the part of it that is asked for. Its bytes never change, so a part always fits."""
    if asks_for_part(request):
        length, chunks = service.size_of(photo), None
    else:
        length, chunks = service.open_bytes(photo, "original")
    part = part_of(request, length, etag, photo.uploaded_at)
    if chunks is None:
        chunks = service.open_part(photo, part.start, part.end)
    headers = {**headers, **last_modified(photo.uploaded_at), **part.headers}
    return _sent(chunks, part.end - part.start, photo.content_type, headers, part.status)


def _sent(
    chunks: Iterator[bytes], length: int, kind: str, headers: dict[str, str], status_code: int = 200
) -> Response:
    if length <= WHOLE_BYTES:
        return Response(b"".join(chunks), status_code, media_type=kind, headers=headers)
    return StreamingResponse(chunks, status_code, media_type=kind, headers=headers)


def cache_rule(request: Request) -> str:
    """Return how long the caller may keep a picture without asking again.

    A browser with a session asks each time: after the logout, a shared device shows no photo of the last guest. An
    app, which has no cookies, keeps it as long as its signed link may live.
    """
    return "private, no-cache" if cookie_of(request, SESSION_COOKIE) else f"private, max-age={LIFETIME_SECONDS}"


def disposition(kind: str, name: str) -> str:
    """Return a `Content-Disposition` header (RFC 6266) for a name in any script, and in ASCII for old programs."""
    letters = (each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    # Some programs decode "%" even here, and few know quoted pairs.
    plain = "".join(each if " " <= each <= "~" and each not in '"\\%' else "_" for each in letters)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def tags_of(request: Request) -> Sequence[str]:
    """Return the ETags that the caller has."""
    given = request.headers.get("if-none-match", "").split(",")
    return [tag.strip().removeprefix("W/") for tag in given]
