"""Payloads of the calls about photos."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.fields import PhotoIds, UtcTime
from api.links import face_link, link
from keys import MAX_ID
from matching.confirmations import MaybePhoto
from models import REJECTED, Photo, User
from photos.failures import reason
from photos.keys import MEDIUM
from photos.queries import PhotoRow
from photos.seen.faces import FacesOfPhoto
from photos.seen.queries import FaceRow


class FaceBox(BaseModel):
    """Box of the guest's face, in fractions (0 to 1) of the picture's width and height."""

    x: float
    y: float
    width: float
    height: float


class PhotoOut(BaseModel):
    id: int
    filename: str
    original_filename: str
    content_type: str
    photo_type: str
    photographer_id: int | None
    event_id: int
    event_name: str
    user_id: None = Field(None, description="Always null: for older clients.")
    file_path: None = Field(None, description="Always null: for older clients.")
    uploaded_at: UtcTime
    taken_at: UtcTime | None
    width: int
    height: int
    size: int = Field(description="Size of the original in bytes.")
    mean_colour: str | None = Field(description="`#rrggbb`, shown until the picture has loaded.")
    favourite: bool
    for_everyone: bool = Field(
        description="Every guest sees it, also where guests see only their own; not while it is withheld."
    )
    has_face_match: bool
    confidence_score: float | None = Field(description="Similarity: 0 to 100; 100 times the local engine's cosine.")
    matched_face: FaceBox | None
    given: bool = Field(description="It was given to the caller without a matching face: by a badge, or by staff.")
    processing_status: str = Field(description="`pending`, `processing`, `done` or `failed`.")
    url: str
    thumbnail_url: str
    medium_url: str | None = Field(
        description="Between `thumbnail_url` and `url`: long side 800 px. Null for photos of earlier releases."
    )
    download_url: str = Field(description="The original, as a file to save.")

    @classmethod
    def of(cls, row: PhotoRow, viewer: User) -> Self:
        """Return the payload of a list's row for `viewer`, with links signed for that account."""
        photo, score, box = row.photo, row.confidence_score, row.face_box
        return cls(
            id=photo.id,
            filename=photo.filename,
            original_filename=photo.original_filename,
            content_type=photo.content_type,
            photo_type=photo.photo_type,
            photographer_id=photo.photographer_id,
            event_id=photo.event_id,
            event_name=row.event_name,
            uploaded_at=photo.uploaded_at,
            taken_at=photo.taken_at,
            width=photo.width,
            height=photo.height,
            size=photo.size,
            mean_colour=photo.mean_colour,
            favourite=bool(row.is_favourite),
            for_everyone=photo.for_everyone,
            has_face_match=score is not None,
            confidence_score=score,
            matched_face=fractions(box, photo.width, photo.height) if box else None,
            given=bool(row.is_given),
            processing_status=photo.status if photo.status != REJECTED else "failed",
            url=link(photo.id, "web", viewer, rendition_set=photo.rendition_set),
            thumbnail_url=link(photo.id, "thumb", viewer, rendition_set=photo.rendition_set),
            medium_url=_medium(photo, viewer),
            download_url=link(photo.id, "original", viewer, download=True),
        )


def _medium(photo: Photo, viewer: User) -> str | None:
    return link(photo.id, MEDIUM, viewer, rendition_set=photo.rendition_set) if photo.has_medium else None


class SeenPhoto(BaseModel):
    url: str
    thumbnail_url: str
    face: FaceBox


class RawOut(BaseModel):
    """The camera's RAW file of a photo. With `alone`, it came without a JPEG: the photo shows the preview in it."""

    original_filename: str
    content_type: str
    size: int = Field(description="In bytes.")
    alone: bool
    download_url: str = Field(description="The RAW file, as a file to save.")


class PhotographerPhotoOut(PhotoOut):
    face_count: int
    error: str | None = Field(description="Why processing failed, in the words of the program.")
    reason: str | None = Field(description="Why processing failed, in a sentence.")
    warning: str | None = Field(description="`incomplete`: shown, but a part of the picture is missing or damaged.")
    raw: RawOut | None = Field(description="The RAW file of a photo that has one.")

    @classmethod
    def for_photographer(cls, row: PhotoRow, viewer: User, language: str) -> Self:
        """Return the payload of a list's row for its photographer."""
        seen = PhotoOut.of(row, viewer).model_dump()
        return cls(
            **seen,
            face_count=row.face_count or 0,
            error=row.photo.error,
            reason=reason(row.photo.error, language),
            warning=row.photo.warning,
            raw=_raw_of(row, viewer),
        )


def _raw_of(row: PhotoRow, viewer: User) -> RawOut | None:
    raw = row.photo.raw
    if raw is None:
        return None
    return RawOut(
        original_filename=raw.original_filename,
        content_type=raw.content_type,
        size=raw.size,
        alone=raw.alone,
        download_url=link(row.photo.id, "raw", viewer, download=True),
    )


def fractions(box: list[float], width: int, height: int) -> FaceBox:
    """Return a box (x, y, width, height) in px in fractions of the picture."""
    x, y, w, h = box
    return FaceBox(
        x=round(x / width, 5), y=round(y / height, 5), width=round(w / width, 5), height=round(h / height, 5)
    )


class GuestProgress(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    photos: int
    processed: int = Field(description="Photos whose processing has ended, in success or failure.")
    matched: int = Field(description="Photos that show the guest.")
    favourites: int
    for_everyone: int = Field(description="Photos that `all-photos` lists.")
    last_photo_at: UtcTime | None


class FaceIn(BaseModel):
    face_id: int = Field(ge=1, le=MAX_ID, examples=[17])


class MaybePhotoOut(BaseModel):
    face_id: int
    photo_id: int
    event_id: int
    crop_url: str = Field(description="The face alone, as a signed link.")
    photo: SeenPhoto | None = Field(description="The whole photo; null if the guest may not see it.")

    @classmethod
    def of(cls, asked: MaybePhoto, viewer: User) -> Self:
        """Return the payload of a face that `viewer` is asked about."""
        (_, face, photo), visible = asked.maybe, asked.is_visible
        seen = SeenPhoto(
            url=link(photo.id, "web", viewer, rendition_set=photo.rendition_set),
            thumbnail_url=link(photo.id, "thumb", viewer, rendition_set=photo.rendition_set),
            face=fractions(face.box, photo.width, photo.height),
        )
        return cls(
            face_id=face.id,
            photo_id=photo.id,
            event_id=photo.event_id,
            crop_url=face_link(face.id, viewer),
            photo=seen if visible else None,
        )


class FavouriteState(BaseModel):
    favourite: bool


class ForEveryone(BaseModel):
    for_everyone: bool = Field(examples=[True])


class PhotosForEveryone(ForEveryone):
    photo_ids: PhotoIds


class ChecksumsIn(BaseModel):
    sha256: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]] = Field(
        max_length=10_000, examples=[["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]]
    )


class KnownPhoto(BaseModel):
    sha256: str
    id: int
    processing_status: str = Field(description="`pending`, `processing`, `done` or `failed`.")


class KnownChecksums(BaseModel):
    known: list[KnownPhoto]


class UploadedPhoto(BaseModel):
    id: int
    filename: str
    original_filename: str
    duplicate: bool = Field(description="The event already had this file; this is that photo.")


class PhotoFaceOut(BaseModel):
    """A face's place, in px of the upright original, and whether it is the caller's. Other guests are not named."""

    face_id: int = Field(description="For `POST /api/photos/{photo_id}/me`.")
    top: int
    left: int
    width: int
    height: int
    confirmed: bool = Field(description="Whether the calling guest has said that it is theirs.")
    matched: bool = Field(description="Whether it is the calling guest's own match; false for staff.")
    confidence: float | None = Field(description="Of the own match: as `confidence_score`, 0 to 100.")

    @classmethod
    def of(cls, row: FaceRow, width: int, height: int) -> Self:
        """Return a face of a photo of that size. A box that a detector set beyond the edge ends at the edge."""
        x, y, w, h = row.box
        left, right = (min(max(round(each), 0), width) for each in (x, x + w))
        top, bottom = (min(max(round(each), 0), height) for each in (y, y + h))
        score = row.confidence_score
        place = {"top": top, "left": left, "width": right - left, "height": bottom - top}
        known = {"matched": score is not None, "confidence": score, "confirmed": row.confirmed}
        return cls(face_id=row.face_id, **place, **known)


class PhotoFacesOut(BaseModel):
    image_width: int
    image_height: int
    boxes: list[PhotoFaceOut]

    @classmethod
    def of(cls, found: FacesOfPhoto) -> Self:
        """Return the payload of a photo's faces."""
        boxes = [PhotoFaceOut.of(row, found.width, found.height) for row in found.faces]
        return cls(image_width=found.width, image_height=found.height, boxes=boxes)


class RejectedFile(BaseModel):
    original_filename: str
    error: str


class UploadResult(BaseModel):
    message: str
    uploaded_photos: list[UploadedPhoto]
    rejected: list[RejectedFile]


class PhotoUploaded(UploadResult):
    photo_id: int | None = Field(description="Of several files, the first that was stored.")
    filename: str | None

    @classmethod
    def of(cls, result: UploadResult) -> Self:
        """Return the payload with the first stored photo named once more, where older clients look for it."""
        first = next(iter(result.uploaded_photos), None)
        named = {"photo_id": first and first.id, "filename": first and first.filename}
        return cls(**result.model_dump(), **named)
