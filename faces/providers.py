"""Makes the engine that the settings name. Its module is imported only then: requests need no engine."""

from contextlib import suppress
from importlib import import_module

from faces.calibration import AZURE, DLIB, LOCAL, Calibration
from faces.engine import EngineUnavailable, FaceEngine
from settings import Settings

# Lengths of the embeddings.
DIMENSIONS = {"local": 128, "dlib": 128, "fake": 128, "other-fake": 64, "azure": 0}
ENGINE_IDS = {
    "local": "yunet2023mar-sface2021dec",
    "dlib": "dlibhog-dlibresnet1",
    "fake": "fake-colours",
    "other-fake": "other-fake-colours",
    "azure": "azure-recognition04-detection03",
}
AZURE_ENGINE_ID = ENGINE_IDS["azure"]
MODULES = {
    "local": "faces.local",
    "dlib": "faces.dlib_engine",
    "fake": "faces.fake",
    "other-fake": "faces.fake",
    "azure": "faces.local",
}
# By engine id: stored embeddings of an engine that is no longer in use need theirs too.
CALIBRATIONS = {
    ENGINE_IDS["local"]: LOCAL,
    ENGINE_IDS["dlib"]: DLIB,
    ENGINE_IDS["fake"]: LOCAL,
    ENGINE_IDS["other-fake"]: LOCAL,
    AZURE_ENGINE_ID: AZURE,
}


def engine_id_of(provider: str) -> str:
    """Return the engine id that is stored with a provider's embeddings."""
    return ENGINE_IDS[provider]


def dimensions_of(provider: str) -> int:
    """Return the length of a provider's embeddings."""
    return DIMENSIONS[provider]


def calibration_of(engine_id: str) -> Calibration:
    """Return the calibration of an engine's similarities."""
    return CALIBRATIONS[engine_id]


def import_engine(provider: str) -> None:
    """Import a provider's engine now, so that forks of this process share it; one that is absent is left out."""
    with suppress(ImportError):
        import_module(MODULES[provider])


def make_engine(settings: Settings) -> FaceEngine:
    """Return a new engine, for one thread.

    Raises:
        EngineUnavailable: its weights are missing, damaged or do not load.
    """
    provider, long_side = settings.face_recognizer_provider, settings.detection_long_side
    if provider == "fake":
        from faces.fake import FakeEngine

        return FakeEngine()
    if provider == "dlib":
        try:
            from faces.dlib_engine import DlibEngine
        except ImportError as error:
            raise EngineUnavailable(f"dlib cannot be imported: {error}") from error
        return DlibEngine(long_side=long_side)
    if provider == "other-fake":
        from faces.fake import OtherFakeEngine

        return OtherFakeEngine()
    from faces.local import LocalEngine

    if provider == "azure":
        from faces.locating import LocatingEngine

        return LocatingEngine(LocalEngine(long_side=long_side))
    return LocalEngine(long_side=long_side)
