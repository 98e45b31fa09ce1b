"""Payloads of the calls about photos."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.fields import UtcTime
from api.links import face_link, link
from keys import MAX_ID
from matching.confirmations import MaybePhoto
from models import REJECTED, User
from photos.queries import PhotoRow

# Photos that one call names at most.
MAX_IDS = 10_000


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
    uploaded_at: UtcTime
    taken_at: UtcTime | None
    width: int
    height: int
    size: int = Field(description="Size of the original in bytes.")
    mean_colour: str | None = Field(description="`#rrggbb`, shown until the picture has loaded.")
    favourite: bool
    for_everyone: bool = Field(description="Every guest of the event sees it, also where guests see only their own.")
    has_face_match: bool
    confidence_score: float | None = Field(description="Similarity: 0 to 100; 100 times the local engine's cosine.")
    matched_face: FaceBox | None
    processing_status: str = Field(description="`pending`, `processing`, `done` or `failed`.")
    url: str
    thumbnail_url: str
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
            matched_face=_fractions(box, photo.width, photo.height) if box else None,
            processing_status=photo.status if photo.status != REJECTED else "failed",
            url=link(photo.id, "web", viewer),
            thumbnail_url=link(photo.id, "thumb", viewer),
            download_url=link(photo.id, "original", viewer, download=True),
        )


class SeenPhoto(BaseModel):
    url: str
    thumbnail_url: str
    face: FaceBox


class PhotographerPhotoOut(PhotoOut):
    face_count: int
    error: str | None = Field(description="Reason why processing failed.")

    @classmethod
    def of(cls, row: PhotoRow, viewer: User) -> Self:
        """Return the payload of a list's row for its photographer."""
        seen = PhotoOut.of(row, viewer).model_dump()
        return cls(**seen, face_count=row.face_count or 0, error=row.photo.error)


def _fractions(box: list[float], width: int, height: int) -> FaceBox:
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
    photo: SeenPhoto | None = Field(description="The whole photo; null if only those see it who are in it.")

    @classmethod
    def of(cls, asked: MaybePhoto, viewer: User) -> Self:
        """Return the payload of a face that `viewer` is asked about."""
        (_, face, photo), visible = asked.maybe, asked.is_visible
        seen = SeenPhoto(
            url=link(photo.id, "web", viewer),
            thumbnail_url=link(photo.id, "thumb", viewer),
            face=_fractions(face.box, photo.width, photo.height),
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
    photo_ids: list[Annotated[int, Field(ge=1, le=MAX_ID)]] = Field(min_length=1, max_length=MAX_IDS, examples=[[42]])


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


class RejectedFile(BaseModel):
    original_filename: str
    error: str


class UploadResult(BaseModel):
    message: str
    uploaded_photos: list[UploadedPhoto]
    rejected: list[RejectedFile]
