"""SQL statements compiled once per process, not once per database: tests use hundreds of databases."""

from sqlalchemy import Engine

_first: dict[tuple[str, str], Engine] = {}


def share_statements(engine: Engine) -> None:
    """Let an engine use the statements that were compiled for the first engine of its kind."""
    first = _first.setdefault((engine.dialect.name, engine.dialect.driver), engine)
    # The dialect is part of a statement's key.
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
