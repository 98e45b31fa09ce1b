"""What a route says of itself before its call runs: whether it needs a token, and how large its body may be.

Without a word, a route under `/api/` needs a token and takes a body of `MAX_JSON_BYTES`:

    @router.post("/check-event-code")
    @public
    def check_event_code(asked: EventCodeIn) -> CodeValidity: ...

    @router.post("/upload-selfie")
    @body_limit(SELFIE_BODY)
    def upload_selfie(...) -> SelfieReceived: ...
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, compile_path

import errors
from settings import Settings

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
API_PREFIX = "/api/"
# The attribute of an endpoint that holds its rule.
_RULE = "_reperio_rule"
# More than a selfie may have is read, so that the sender of a slightly larger one gets the contract's 400.
SELFIE_BODY_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The largest body of a call in bytes, as the settings say, and the error for a larger one."""

    largest: Callable[[Settings], int]
    error: type[errors.AppError]


JSON_BODY = BodyLimit(lambda settings: settings.max_json_bytes, errors.BodyTooLarge)
SELFIE_BODY = BodyLimit(
    lambda settings: int(settings.max_selfie_bytes * SELFIE_BODY_FACTOR), errors.SelfieBodyTooLarge
)
PHOTOS_BODY = BodyLimit(lambda settings: settings.max_upload_bytes, errors.BodyTooLarge)


@dataclass(frozen=True, slots=True)
class RouteRule:
    """Whether a call needs a token; whether a signed link (`?signature=`) will do instead; the limit of its body."""

    needs_token: bool = True
    takes_signed_link: bool = False
    body: BodyLimit = JSON_BODY


PRIVATE = RouteRule()
# Pages ask for a session themselves, and lead who has none to the login page.
OUTSIDE_THE_API = RouteRule(needs_token=False)


def public(endpoint: Endpoint) -> Endpoint:
    """Mark the call of an endpoint as one that needs no token."""
    return _changed(endpoint, needs_token=False)


def signed_link(endpoint: Endpoint) -> Endpoint:
    """Mark the call of an endpoint as one that takes a signed link instead of a token; the endpoint checks it."""
    return _changed(endpoint, takes_signed_link=True)


def body_limit(limit: BodyLimit) -> Callable[[Endpoint], Endpoint]:
    """Set how large the body of an endpoint's call may be."""
    return lambda endpoint: _changed(endpoint, body=limit)


def _changed(endpoint: Endpoint, **changes: Any) -> Endpoint:
    setattr(endpoint, _RULE, replace(getattr(endpoint, _RULE, PRIVATE), **changes))
    return endpoint


class RouteRules:
    """The rules of an application's routes, found by method and path as the router finds the route."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Collect the rules of `routes`, which must be complete."""
        self._routes: list[tuple[re.Pattern[str], Collection[str], RouteRule]] = []
        self._special: list[re.Pattern[str]] = []
        for route in iter_route_contexts(routes):
            if route.path:
                pattern, rule = compile_path(route.path)[0], _rule_of(route.endpoint, route.path)
                self._routes.append((pattern, route.methods or (), rule))
                if rule != _default(route.path):
                    self._special.append(pattern)

    def of(self, method: str, path: str) -> RouteRule:
        """Return the rule of the route that answers; without one, that of its address: under `/api/` or not.

        As in the router, the first route that fits method and path counts, else the first that fits the path (it
        answers 405). A final slash does not count: the router leads to the address without it.
        """
        bare = path.removesuffix("/") or "/"
        partial = None
        # Most calls end here: only a few routes have a rule of their own.
        if any(pattern.match(bare) for pattern in self._special):
            for pattern, methods, rule in self._routes:
                if pattern.match(bare):
                    if method in methods:
                        return rule
                    partial = partial or rule
        return partial or _default(path)


def _default(path: str) -> RouteRule:
    return PRIVATE if path.startswith(API_PREFIX) else OUTSIDE_THE_API


def _rule_of(endpoint: Callable[..., Any] | None, path: str) -> RouteRule:
    rule: RouteRule = getattr(endpoint, _RULE, PRIVATE)
    return rule if path.startswith(API_PREFIX) else replace(rule, needs_token=False)
