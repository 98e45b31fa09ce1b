"""The request id: in every log line, and stored with the jobs that a request creates."""

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """Return the id of the current request, or of the request that created the current job."""
    return _current.get()


@contextmanager
def request_id(given: str | None) -> Iterator[str]:
    """Set the request id for the block: the given one if it matches `SANE`, else a new one.

    A new one is random in all its bits, unlike a UUID: where traces are sent it is the id of the trace, and whether
    that is sampled follows from its last 64 bits.
    """
    chosen = given if given and SANE.fullmatch(given) else secrets.token_hex(16)
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


class _Stamp(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id()
        return True


def set_up_logging(*, structured: bool, access: bool = True) -> None:
    """Log to standard error: one JSON object per line if `structured`, else plain text.

    `access` also logs a line for each request.
    """
    fields = "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s"
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s [%(request_id)s]")
    handler = logging.StreamHandler()
    handler.addFilter(_Stamp())
    handler.setFormatter(JsonFormatter(fields) if structured else plain)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("reperio.access").disabled = not access
    # Procrastinate says of each ticket that it was deferred, began and ended; the jobs say it themselves.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
