"""The settings of the face engines and of Azure's Face service, and what is wrong with them."""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from setting_values import LOOPBACK, is_installed, is_origin

# The packages of engines that requirements.txt does not install.
PROVIDER_PACKAGES = {"dlib": ("dlib", "face_recognition_models")}
AZURE_PACKAGE = "azure.cognitiveservices.vision.face"
TEST_PROVIDERS = ("fake", "other-fake")
# Room for the faces that processes hold in memory, in MiB: 2,000,000 faces of 128 components, of 272 bytes each.
DEFAULT_FACES_MB = 520


class RecogniserSettings(BaseSettings):
    """The part of `settings.Settings` that chooses and configures a recogniser."""

    face_recognizer_provider: Literal["local", "fake", "other-fake", "dlib", "azure"] = "local"
    selfie_validation_strict: bool = True
    # None: the engine's own.
    match_threshold: float | None = Field(None, gt=0, lt=1)
    # None: the engine's own.
    detection_long_side: int | None = Field(None, ge=320, le=4096)

    # 0: each process for itself.
    faces_shared_mb: int = Field(DEFAULT_FACES_MB, ge=0, le=1_000_000)

    azure_face_endpoint: str = ""
    azure_face_key: str = Field("", repr=False)
    azure_face_calls_per_second: float = Field(10, gt=0)
    azure_face_timeout_seconds: float = Field(15, gt=0)
    azure_face_gather_seconds: float = Field(5, ge=0)

    @field_validator("azure_face_endpoint")
    @classmethod
    def _endpoint_without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("azure_face_key")
    @classmethod
    def _key_without_space_around(cls, value: str) -> str:
        """A key that was read from a file may end with a line break."""
        return value.strip()


def missing_packages(provider: str) -> list[str]:
    """Return the packages that a provider needs and that are not installed.

    They are not imported: dlib must not be loaded in a process that answers requests.
    """
    return [name for name in PROVIDER_PACKAGES.get(provider, ()) if not is_installed(name)]


def provider_problem(settings: RecogniserSettings, *, in_production: bool) -> str | None:
    """Return why the provider cannot be used, in a sentence, or None."""
    provider = settings.face_recognizer_provider
    if in_production and provider in TEST_PROVIDERS:
        return f"FACE_RECOGNIZER_PROVIDER={provider} is for tests only."
    missing = missing_packages(provider)
    if missing:
        return (
            f"FACE_RECOGNIZER_PROVIDER={provider} needs packages that are not installed ({', '.join(missing)}): "
            f"make run PROVIDER={provider}, or pip install -r requirements-{provider}.txt."
        )
    return None


def azure_problem(settings: RecogniserSettings) -> str | None:
    """Return why Azure's Face service cannot be called, in a sentence, or None.

    Its settings also count with another provider: faces that Azure still keeps are erased with them.
    """
    endpoint, chosen = settings.azure_face_endpoint, settings.face_recognizer_provider == "azure"
    problems = (
        (
            chosen and not endpoint,
            "AZURE_FACE_ENDPOINT is required with FACE_RECOGNIZER_PROVIDER=azure "
            "(https://NAME.cognitiveservices.azure.com).",
        ),
        (
            endpoint and not is_origin(endpoint),
            "AZURE_FACE_ENDPOINT is no address such as https://NAME.cognitiveservices.azure.com, without a path.",
        ),
        (
            endpoint.startswith("http://") and urlsplit(endpoint).hostname not in LOOPBACK,
            "AZURE_FACE_ENDPOINT with http:// would send faces and the key unencrypted: use https://.",
        ),
        (
            chosen and not settings.azure_face_key,
            "AZURE_FACE_KEY is required with FACE_RECOGNIZER_PROVIDER=azure: a key of the resource.",
        ),
        # It is sent as a header. The error of a header that cannot be sent would hold the key.
        (
            not re.fullmatch("[!-~]*", settings.azure_face_key),
            "AZURE_FACE_KEY has a space, a line break or a character that is not ASCII; no key has one.",
        ),
        (settings.azure_face_key and not endpoint, "AZURE_FACE_KEY needs AZURE_FACE_ENDPOINT."),
        (
            settings.azure_face_key and not is_installed(AZURE_PACKAGE),
            "Azure's recogniser needs packages that are not installed: make run PROVIDER=azure, or "
            "pip install -r requirements-azure.txt.",
        ),
    )
    return next((sentence for applies, sentence in problems if applies), None)
