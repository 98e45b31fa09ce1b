"""Checks that run before the body of a request is read: account, role and event of the caller.

FastAPI reads a body before it runs any dependency. A dependency that decides by token and path alone is therefore
marked, once, where it is declared:

    CurrentGuest = Annotated[User, Depends(before_body(only_guests))]

Every route that depends on it, directly or through other dependencies, then refuses before it reads. The mark needs
no second statement at a route. `RequestLimits` runs the checks at the first attempt to read the body.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute
from starlette.types import Scope

from api.sessions import check_form

# The attribute of a marked dependency.
_MARK = "_reperio_before_body"
_REQUEST = "request_of_the_check"


def before_body(check: Callable[..., Any]) -> Callable[..., Any]:
    """Return the dependency `check`, marked: it runs before the body is read, and once a request.

    `check` reads neither the body nor what depends on it, and holds nothing: it is no generator.
    """
    asynchronous = inspect.iscoroutinefunction(check)
    parameters = inspect.signature(check).parameters
    # FastAPI passes the request to one parameter only: to the one that `check` has, if it has one.
    own = next((name for name, each in parameters.items() if each.annotation is Request), None)

    async def once(**values: Any) -> Any:
        request: Request = values[own] if own else values.pop(_REQUEST)
        known = request.scope.setdefault(_MARK, {})
        if check not in known:
            known[check] = await (check(**values) if asynchronous else run_in_threadpool(check, **values))
        return known[check]

    extra = [] if own else [inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request)]
    # FastAPI reads the signature to know what to pass; mypy does not know that functions may have one set.
    once.__signature__ = inspect.Signature([*parameters.values(), *extra])  # type: ignore[attr-defined]
    once.__module__, once.__name__ = check.__module__, check.__name__
    setattr(once, _MARK, True)
    return once


def forget_checks(scope: Scope) -> None:
    """Drop what the checks of a request returned, such as its account."""
    scope.pop(_MARK, None)


@dataclass(frozen=True, slots=True)
class BodyRule:
    """What is checked before the body of an endpoint is read; whether the body is a form, JSON (False) or neither."""

    checks: Dependant | None
    is_form: bool | None
    csrf_in_form: bool


class BodyRules:
    """The rules of an application's endpoints, derived from their dependencies."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Collect the rules of `routes`, which must be complete."""
        self._rules: dict[Any, BodyRule] = {}
        for route in iter_route_contexts(routes):
            dependant = getattr(route, "dependant", None)
            if dependant is not None:
                self._rules[route.endpoint] = _rule_of(dependant, getattr(route, "body_field", None))

    def of(self, scope: Scope) -> BodyRule | None:
        """Return the rule of the endpoint to which the router has sent a request; None for none of ours."""
        return self._rules.get(scope.get("endpoint"))


def _rule_of(dependant: Dependant, body_field: Any) -> BodyRule:
    every = list(_all(dependant))
    csrf = any(each.call is check_form for each in every)
    is_form = None
    if body_field is not None:
        is_form = isinstance(body_field.field_info, params.Form)
    elif csrf:
        is_form = True
    marked = _marked(dependant)
    return BodyRule(Dependant(dependencies=marked) if marked else None, is_form, csrf)


def _all(dependant: Dependant) -> Sequence[Dependant]:
    return [each for child in dependant.dependencies for each in (child, *_all(child))]


def _marked(dependant: Dependant) -> list[Dependant]:
    """Return the marked dependencies, in the order in which FastAPI runs them."""
    found: list[Dependant] = []
    for child in dependant.dependencies:
        found += [child] if getattr(child.call, _MARK, False) else _marked(child)
    return found


async def run_checks(rule: BodyRule, scope: Scope) -> None:
    """Run the checks of a rule. What they return is kept for the endpoint.

    Raises:
        RequestValidationError: a value in the path or the query has the wrong form. Else what the checks raise.
    """
    if rule.checks is None:
        return
    request = Request(scope)
    # The CSRF token is in the form, which is not read yet: `check_form`, a dependency of the same route, checks it.
    request.state.form_checked = rule.csrf_in_form
    try:
        solved = await solve_dependencies(
            request=request,
            dependant=rule.checks,
            async_exit_stack=scope["fastapi_inner_astack"],
            embed_body_fields=False,
        )
    finally:
        request.state.form_checked = False
    if solved.errors:
        raise RequestValidationError(solved.errors)
