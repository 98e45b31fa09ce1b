"""Which providers can be evaluated here, and their evaluators."""

from typing import get_args

import errors
from evaluation.cases import Evaluator, NotPossible
from evaluation.embeddings import ByEmbeddings
from evaluation.searches import BySearches
from faces.providers import DIMENSIONS
from recogniser_settings import TEST_PROVIDERS, missing_packages
from settings import Settings, get_settings


def evaluate_with(provider: str) -> Evaluator:
    """Return the evaluator of this provider.

    Raises:
        NotPossible: it is not configured any more.
    """
    if not is_configured(provider, get_settings()):
        raise NotPossible(f"the provider {provider} is not configured")
    return BySearches() if provider == "azure" else ByEmbeddings()


def check(provider: str) -> None:
    """Return if the provider can be evaluated.

    Raises:
        UnknownProvider: there is none of this name. ProviderNotConfigured: it lacks packages or settings.
    """
    if provider not in known():
        raise errors.UnknownProvider
    if not is_configured(provider, get_settings()):
        raise errors.ProviderNotConfigured


def known() -> set[str]:
    """Return the names of all providers that a setting can name."""
    return set(get_args(Settings.model_fields["face_recognizer_provider"].annotation))


def is_configured(provider: str, settings: Settings) -> bool:
    """Return whether the provider could be used with these settings and the packages installed."""
    if provider in TEST_PROVIDERS:
        return settings.face_recognizer_provider == provider
    if provider == "azure":
        return bool(settings.azure_face_key)
    return provider in DIMENSIONS and not missing_packages(provider)
