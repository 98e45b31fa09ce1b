"""Which engine the settings name. Engines are imported when they are made: the request path needs none."""

from faces.engine import FaceEngine
from settings import Settings

ENGINE_IDS = {"local": "yunet2023mar-sface2021dec", "fake": "fake-colours"}


def engine_id_of(provider: str) -> str:
    """Return the id under which a provider's embeddings are stored."""
    return ENGINE_IDS[provider]


def make_engine(settings: Settings) -> FaceEngine:
    """Return a new engine, for one thread.

    Raises:
        EngineUnavailable: its weights are missing or damaged.
    """
    if settings.face_recognizer_provider == "fake":
        from faces.fake import FakeEngine

        return FakeEngine()
    from faces.local import LocalEngine

    return LocalEngine(long_side=settings.detection_long_side)
