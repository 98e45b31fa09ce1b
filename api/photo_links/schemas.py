"""Payloads of the calls about links to photos."""

from typing import Self

from pydantic import BaseModel, Field

from api.fields import LinkDays, PhotoIds, UtcTime
from keys import LINK_DAYS
from models import Photo
from photos.links.service import OwnLink, Shared
from settings import get_settings

LEFT_OUT = "How many of the photos asked for I may not see, or are not of this event: they are left out."


class PhotoLinkIn(BaseModel):
    photo_ids: PhotoIds
    days: LinkDays = Field(LINK_DAYS, description="To the end of that day there, or until the event expires.")
    shows_name: bool = Field(False, description="Whether the page says whose link it is.")


class PhotoLinkOut(BaseModel):
    id: int
    event_id: int
    event_name: str
    link: str = Field(description="Opens the photos without an account.")
    photos: int = Field(description="How many it shows now. A photo that I may no longer see is not shown.")
    created_at: UtcTime
    expires_at: UtcTime
    open: bool = Field(description="Whether it shows photos now: it has not expired, and guests may make links.")
    opened: int = Field(description="How often it was opened, roughly. Nothing else is kept about who opens it.")
    shows_name: bool

    @classmethod
    def of(cls, link: OwnLink) -> Self:
        """Return the payload of a link."""
        return cls(**_values(link))


class PhotoLinkMade(PhotoLinkOut):
    left_out: int = Field(description=LEFT_OUT)

    @classmethod
    def of(cls, link: OwnLink) -> Self:
        """Return the payload of a link that was just made."""
        return cls(**_values(link), left_out=link.left_out)


def _values(link: OwnLink) -> dict[str, object]:
    return {
        "id": link.row.id,
        "event_id": link.event.id,
        "event_name": link.event.name,
        "link": link.address,
        "photos": link.photos,
        "created_at": link.row.created_at,
        "expires_at": link.expires_at,
        "open": link.is_open,
        "opened": link.row.opened,
        "shows_name": link.row.shows_name,
    }


class SharedPhotoOut(BaseModel):
    id: int
    width: int
    height: int
    mean_colour: str | None = Field(description="`#rrggbb`, shown until the picture has loaded.")
    taken_at: UtcTime | None
    url: str
    thumbnail_url: str
    download_url: str = Field(description="The picture of `url`, as a file to save.")

    @classmethod
    def of(cls, photo: Photo, token: str) -> Self:
        """Return the payload of a photo behind a link."""
        path = f"{get_settings().public_url}/api/shared/{token}/photos/{photo.id}"
        return cls(
            id=photo.id,
            width=photo.width,
            height=photo.height,
            mean_colour=photo.mean_colour,
            taken_at=photo.taken_at,
            url=f"{path}?size=web",
            thumbnail_url=f"{path}?size=thumb",
            download_url=f"{path}?size=web&download=true",
        )


class SharedOut(BaseModel):
    event_name: str
    by: str | None = Field(description="Who shares the photos, if they want it to be said.")
    expires_at: UtcTime
    photos: list[SharedPhotoOut] = Field(description="In the order in which they were taken.")
    zip_url: str

    @classmethod
    def of(cls, shared: Shared) -> Self:
        """Return the payload of what a link shows."""
        token = shared.link.token
        return cls(
            event_name=shared.event.name,
            by=shared.by,
            expires_at=shared.link.expires_at,
            photos=[SharedPhotoOut.of(photo, token) for photo in shared.photos],
            zip_url=f"{get_settings().public_url}/api/shared/{token}/photos.zip",
        )
