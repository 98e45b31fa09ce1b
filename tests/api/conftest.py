"""The application without a database or a face engine: for what is decided before either is needed."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from settings import get_settings
from testkit.application import application


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The application as the server loads it, before its lifespan."""
    yield from _loaded(monkeypatch)


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    """The OpenAPI document, made once: no test may change it."""
    with pytest.MonkeyPatch.context() as patch:
        (document,) = (app.openapi() for app in _loaded(patch))
    return document


def _loaded(patch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    patch.setenv("SECRET_KEY", "a key for tests only, forty characters..")
    get_settings.cache_clear()
    yield application()
    get_settings.cache_clear()
