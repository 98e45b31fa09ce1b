"""Rules of routes that are checked before a body is read: whether a call needs a token, how large its body may be.

A route under `/api/` needs a token and takes a body of at most `MAX_JSON_BYTES`, unless its endpoint is marked:

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

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, compile_path

import errors
from photos.uploads.ways import PART_BYTES
from settings import Settings

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
API_PREFIX = "/api/"
# The attribute of an endpoint that holds its rule.
_RULE = "_reperio_rule"
# Bodies up to this multiple of a selfie's limit are read: a selfie slightly too large gets the contract's 400.
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
# A part of a photo, in a form with its boundary and the headers of its field.
PART_BODY = BodyLimit(lambda _: PART_BYTES + 64 * 1024, errors.BodyTooLarge)


@dataclass(frozen=True, slots=True)
class RouteRule:
    """Whether a call needs a token; whether a signed link (`?signature=`) may replace it; the limit of its body."""

    needs_token: bool = True
    takes_signed_link: bool = False
    body: BodyLimit = JSON_BODY


PRIVATE = RouteRule()
# Pages check the session themselves, and redirect to the login page without one.
OUTSIDE_THE_API = RouteRule(needs_token=False)


def public(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint: its call needs no token."""
    return _changed(endpoint, needs_token=False)


def signed_link(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint: its call takes a signed link instead of a token. The endpoint checks the signature."""
    return _changed(endpoint, takes_signed_link=True)


def body_limit(limit: BodyLimit) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint with the limit of its call's body."""
    return lambda endpoint: _changed(endpoint, body=limit)


def _changed(endpoint: Endpoint, **changes: Any) -> Endpoint:
    setattr(endpoint, _RULE, replace(getattr(endpoint, _RULE, PRIVATE), **changes))
    return endpoint


class RouteRules:
    """The rules of an application's routes, looked up by method and path as the router looks up a route."""

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
        """Return the rule of the route that answers; for an unknown path, the default under or outside `/api/`.

        As in the router, the first route that matches method and path counts, else the first that matches the path
        (it answers 405). A final slash is ignored: the router redirects to the path without it.
        """
        bare = path.removesuffix("/") or "/"
        partial = None
        # Few routes have a rule of their own: for most calls, only these are compared.
        if any(pattern.match(bare) for pattern in self._special):
            for pattern, methods, rule in self._routes:
                if pattern.match(bare):
                    if method in methods:
                        return rule
                    partial = partial or rule
        return partial or _default(path)

    def methods(self, path: str) -> list[str]:
        """Return the methods that a path answers, in the order of the alphabet."""
        fitting = (methods for pattern, methods, _ in self._routes if pattern.match(path))
        found = {method for methods in fitting for method in methods}
        # Every route that answers GET answers HEAD: `RequestLog`.
        return sorted(found | {"HEAD"} if "GET" in found else found)


def rules_of(app: FastAPI) -> RouteRules:
    """Return the rules of the routes of an application, to which every route has been added."""
    if not hasattr(app.state, "route_rules"):
        app.state.route_rules = RouteRules(app.routes)
    rules: RouteRules = app.state.route_rules
    return rules


def _default(path: str) -> RouteRule:
    return PRIVATE if path.startswith(API_PREFIX) else OUTSIDE_THE_API


def _rule_of(endpoint: Callable[..., Any] | None, path: str) -> RouteRule:
    rule: RouteRule = getattr(endpoint, _RULE, PRIVATE)
    return rule if path.startswith(API_PREFIX) else replace(rule, needs_token=False)
