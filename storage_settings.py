"""The settings of pictures that go past this service: signed links to the object store."""

from pydantic import Field
from pydantic_settings import BaseSettings

MAX_PRESIGNED_SECONDS = 3600


class StorageSettings(BaseSettings):
    """The part of `settings.Settings` that says what browsers load from, and send to, the object store itself."""

    presigned_seconds: int = Field(0, ge=0, le=MAX_PRESIGNED_SECONDS)
    presigned_uploads: bool = False
