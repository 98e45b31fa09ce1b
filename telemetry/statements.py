"""Spans of statements of the database, below the request or job that sends them: their text, never their values."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext

MOST_CHARACTERS = 2000
# A value in the text itself. Values of callers are always parameters; this is for constants.
LITERAL = re.compile(r"'(?:[^']|'')*'")
TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?(\w+)", re.IGNORECASE)
SPAN = "_reperio_span"
_tracer: Tracer | None = None


class _Told(NamedTuple):
    name: str
    operation: str
    text: str


@lru_cache(1024)
def _told(statement: str) -> _Told:
    """Return what is told of a statement."""
    operation = statement.split(None, 1)[0].upper()[:20] if statement.strip() else "?"
    text = LITERAL.sub("'?'", statement)[:MOST_CHARACTERS]
    table = TABLE.search(text)
    return _Told(f"{operation} {table[1]}" if table else operation, operation, text)


def watch(tracer: Tracer) -> None:
    """Record the statements of all engines of this process with `tracer`."""
    global _tracer
    _tracer = tracer
    for name, listener in _LISTENERS:
        if not event.contains(Engine, name, listener):
            event.listen(Engine, name, listener)


def unwatch() -> None:
    """Record no statements any more."""
    for name, listener in _LISTENERS:
        if event.contains(Engine, name, listener):
            event.remove(Engine, name, listener)


def _begin(
    connection: Connection, _: Any, statement: str, __: Any, context: ExecutionContext | None, many: bool
) -> None:
    if context is None or _tracer is None or not trace.get_current_span().is_recording():
        return
    told = _told(statement)
    system = connection.dialect.name
    span = _tracer.start_span(
        told.name,
        None,
        SpanKind.CLIENT,
        {"db.system.name": system, "db.operation.name": told.operation, "db.query.text": told.text},
    )
    setattr(context, SPAN, span)


def _end(_: Connection, __: Any, ___: str, ____: Any, context: ExecutionContext | None, many: bool) -> None:
    span: Span | None = getattr(context, SPAN, None)
    if span is not None:
        span.end()


def _fail(failure: ExceptionContext) -> None:
    span: Span | None = getattr(failure.execution_context, SPAN, None)
    if span is not None:
        # The class, not the message, which holds values.
        span.set_attribute("error.type", type(failure.original_exception).__name__)
        span.set_status(Status(StatusCode.ERROR))
        span.end()


_LISTENERS: tuple[tuple[str, Any], ...] = (
    ("before_cursor_execute", _begin),
    ("after_cursor_execute", _end),
    ("handle_error", _fail),
)
