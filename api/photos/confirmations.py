"""Calls of guests about single faces: "this is me", and the faces that may be theirs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

import errors
import storage
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.dependencies import RequestDecoder
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.links import FACE
from api.messages import Success
from api.photos.routes import WHOLE_PICTURE, SignedParts, cache_rule, holder_of, tags_of
from api.photos.schemas import FaceIn, MaybePhotoOut, fractions
from api.rules import signed_link
from matching import confirmations
from models import GUEST, User
from photos import service
from photos.keys import key_of
from selfies.service import told_in_words
from throttling import rules

router = APIRouter(prefix="/api", tags=["photos"])
KNOWN = (*SIGNED_IN, errors.GuestsOnly, errors.TooManyRequests)


@router.post(
    "/photos/{photo_id}/me",
    summary="This face is me",
    responses=error_responses(
        *KNOWN,
        errors.NoSuchPhoto,
        errors.NoSuchFace,
        errors.NoSelfie,
        errors.ConsentWithdrawn,
        errors.FaceOfAnother,
        errors.FaceNotKept,
        errors.FaceNotLikely,
    ),
)
def this_is_me(photo_id: RowId, asked: FaceIn, guest: CurrentGuest, language: Language) -> Message:
    """For a photo the guest may see, or a face of `maybe-photos`. It stays through every later matching. Idempotent.

    Where guests see only their own photos, the face must resemble the guest's portraits.
    """
    rules.count(rules.NOT_ME, f"account {guest.id}")
    confirmations.confirm(guest, photo_id, asked.face_id)
    return Message(message=Success.PHOTO_CONFIRMED.text(language))


@router.delete(
    "/photos/{photo_id}/me",
    summary="Take back that a face is me",
    responses=error_responses(*KNOWN, errors.NoSuchConfirmation),
)
def perhaps_not_me(photo_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """The photo stays among the guest's if the portraits find it."""
    rules.count(rules.NOT_ME, f"account {guest.id}")
    confirmations.take_back(guest.id, photo_id)
    return Message(message=Success.CONFIRMATION_TAKEN_BACK.text(language))


@router.get(
    "/maybe-photos",
    summary="List the faces that may be mine",
    responses=error_responses(*SIGNED_IN, errors.GuestsOnly, errors.NotInEvent, errors.NoSuchEvent),
)
def maybe_photos(
    guest: CurrentGuest,
    event_id: Annotated[RowId | None, Query(description="One of my events; by default the first.")] = None,
) -> list[MaybePhotoOut]:
    """The most similar first, 24 at most. Answer each with `POST /api/photos/{photo_id}/me` or `…/not-me`."""
    event = service.event_of_guest(guest, event_id)
    return [MaybePhotoOut.of(each, guest) for each in confirmations.maybes_of(guest.id, event)]


def face_viewer_of(request: Request, face_id: RowId, signed: SignedParts) -> User:
    """Return the guest of the token, the signed link or the cookie.

    Raises:
        NotAuthenticated, InvalidToken: see `api.photos.routes.viewer_of`. GuestsOnly: the account is not a guest's.
    """
    holder = holder_of(request, face_id, FACE, signed)
    if holder.user_type != GUEST:
        raise errors.GuestsOnly
    return holder


@router.get(
    "/maybe-photos/{face_id}/crop",
    summary="Picture of a face that may be mine",
    response_class=Response,
    responses={
        **WHOLE_PICTURE,
        **error_responses(
            *SIGNED_IN,
            errors.GuestsOnly,
            errors.NoSuchFace,
            errors.TooBusy,
            errors.TooManyRequests,
            errors.ServiceUnavailable,
        ),
    },
)
@signed_link
def maybe_crop(
    face_id: RowId, request: Request, guest: Annotated[User, Depends(face_viewer_of)], decoder: RequestDecoder
) -> Response:
    """The face alone, for a guest who is asked about it."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    maybe = confirmations.maybe_face(guest.id, face_id)
    etag = f'"face-{face_id}"'
    headers = {"ETag": etag, "Cache-Control": cache_rule(request)}
    if etag in tags_of(request):
        return Response(status_code=304, headers=headers)
    photo = maybe.photo
    box = fractions(maybe.face.box, photo.width, photo.height)
    try:
        with told_in_words():
            jpeg = decoder.crop(key_of(photo, "web"), (box.x, box.y, box.width, box.height))
    except storage.MissingObject as error:
        raise errors.NoSuchFace from error
    return Response(jpeg, media_type="image/jpeg", headers=headers)
