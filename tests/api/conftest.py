"""The application without a database or a face engine: for what is decided before either is needed."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from settings import get_settings


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The application as the server loads it, before its lifespan."""
    from main import create_app

    monkeypatch.setenv("SECRET_KEY", "a key for tests only, forty characters..")
    get_settings.cache_clear()
    yield create_app()
    get_settings.cache_clear()
