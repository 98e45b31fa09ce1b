"""Who acts: the account of the current request, or the operator at the shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

SHELL, SERVICE = "shell", "service"


@dataclass(slots=True)
class Actor:
    """The account that acts, None without one, and its type; `service` and `shell` are not accounts."""

    user_id: int | None = None
    kind: str = SERVICE


_current: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor:
    """Return who acts now; outside a request and the shell, the service itself."""
    return _current.get() or Actor()


@contextmanager
def acting(kind: str = SERVICE) -> Iterator[Actor]:
    """Begin a request or a command whose account is not known yet. `identify` fills it in."""
    # One object for all threads of the request: each of them has a copy of the context, not of the object.
    actor = Actor(kind=kind)
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)


def identify(user_id: int, user_type: str) -> None:
    """Name the account of the current request."""
    actor = _current.get()
    if actor is not None:
        actor.user_id, actor.kind = user_id, user_type
