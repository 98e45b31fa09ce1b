"""The application of tests, built quickly."""

from functools import lru_cache

from fastapi import FastAPI


@lru_cache
def _first() -> FastAPI:
    from main import create_app

    return create_app()


def application() -> FastAPI:
    """Return a new application with the routes of the first: preparing them takes longer than many a test."""
    from main import create_app

    app = create_app()
    app.router = _first().router
    return app
