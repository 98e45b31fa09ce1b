"""The one client of a process, by its settings."""

from functools import lru_cache

from azure_face.connection import Connection, Timing
from azure_face.service import FaceService
from settings import get_settings


@lru_cache
def face_service() -> FaceService | None:
    """Return the client of this process, or None if no key is set. It connects at its first call."""
    settings = get_settings()
    if not settings.azure_face_key:
        return None
    # The cap is the resource's: every process of this machine gets its part.
    pace = settings.azure_face_calls_per_second / settings.gunicorn_workers
    timing = Timing(timeout=settings.azure_face_timeout_seconds)
    return FaceService(Connection(settings.azure_face_endpoint, settings.azure_face_key, pace, timing))
