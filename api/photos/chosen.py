"""Payloads of the calls about several photos that a guest has chosen."""

from typing import Self

from pydantic import BaseModel, Field

from api.fields import PhotoIds
from api.photo_links.schemas import LEFT_OUT
from photos.chosen.service import Choice
from settings import get_settings


class FavouritesIn(BaseModel):
    photo_ids: PhotoIds
    favourite: bool = True


class FavouritesChanged(BaseModel):
    favourite: bool
    photos: int = Field(description="How many are favourites now, or are none any more.")
    left_out: int = Field(description=LEFT_OUT)


class ChoiceIn(BaseModel):
    photo_ids: PhotoIds


class ChoiceOut(BaseModel):
    id: int
    photos: int
    bytes: int = Field(description="Size of the ZIP.")
    left_out: int = Field(description=LEFT_OUT)
    zip_url: str = Field(description="The ZIP of the originals; needs the token, as every `photos.zip`.")

    @classmethod
    def of(cls, choice: Choice, event_id: int) -> Self:
        """Return the payload of a choice."""
        path = f"/api/user/events/{event_id}/photos.zip?choice={choice.id}"
        return cls(
            id=choice.id,
            photos=choice.photos,
            bytes=choice.bytes,
            left_out=choice.left_out,
            zip_url=f"{get_settings().public_url}{path}",
        )
