"""Requests that Schemathesis generates from the OpenAPI document, sent with every kind of account.

A generated path seldom names a row that exists, and a generated body is seldom accepted. So most requests are the
valid one of `testkit/calls.py` with a generated part: path, query, body, or one field of the body.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import requests
from httpx2 import Response
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from testkit.callers import HOST
from testkit.calls import request_of
from testkit.world import World
from tests.access_table import KINDS, reached, table

ROLES = ("anonymous", "other guest", "other photographer", "monitoring", *KINDS)
CHECKS: list[Any] = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Schemathesis sets these to values of its own.
OURS = ("authorization", "user-agent", "x-schemathesis-testcaseid", "content-length")

# The client refuses to send a longer one, and servers to read it.
LONGEST_ADDRESS = 60_000


class Generated:
    """Sends generated requests, collects what is wrong with the answers and counts the calls that succeeded."""

    def __init__(self, world: World) -> None:
        self.world = world
        document = world.client.app.openapi()  # type: ignore[attr-defined]
        self._operations = [found.ok() for found in from_dict(document).get_all_operations() if isinstance(found, Ok)]
        assert len(self._operations) == sum(map(len, document["paths"].values()))
        self._table = table()
        # What is wrong → the first request that showed it.
        self.problems: dict[str, str] = {}
        self.sent = 0
        self.succeeded: Counter[str] = Counter()

    @property
    def calls(self) -> list[str]:
        """Every call of the document."""
        return [operation.label for operation in self._operations]

    def run(self, number: int, examples: int, until: float = float("inf")) -> None:
        """Send `examples` valid and as many invalid cases of every call; the same `number` sends the same ones.

        Ends early at `until`, in seconds of the monotonic clock.
        """
        self._run(self._operations, number, examples, until, sample=False)

    def sample(self, number: int, further: int) -> None:
        """Send a valid case of every call by every role and an invalid one by one role.

        For calls that did not succeed, send `further` cases more.
        """
        self._run(self._operations, number, 1, float("inf"), sample=True)
        left = [operation for operation in self._operations if not self.succeeded[operation.label]]
        self._run(left, number + 1, further, float("inf"), sample=True)

    def _run(self, operations: list[Any], number: int, examples: int, until: float, *, sample: bool) -> None:
        chance = random.Random(number)
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                for place, case in enumerate(_cases(operation, mode, number, examples)):
                    if time.monotonic() > until:
                        return
                    alone = sample and mode is GenerationMode.NEGATIVE
                    for role in self._roles(operation.label, place, alone=alone):
                        self._try(case, role, chance)

    def _roles(self, call: str, place: int, *, alone: bool) -> list[str]:
        """Return every role for the first case of a call, and for the others one of those that it lets in."""
        let_in = [role for role in ROLES if reached(self._table[call][role])]
        if alone and let_in:
            return let_in[:1]
        return list(ROLES) if place == 0 or not let_in else [let_in[place % len(let_in)]]

    def _try(self, case: Case[Any], role: str, chance: random.Random) -> None:
        method, url, body, headers = _mixed(case, self.world, chance)
        if len(url) > LONGEST_ADDRESS:
            return
        token = self.world.callers[role].token
        if token:
            headers["authorization"] = f"Bearer {token}"
        self.world.client.cookies.clear()
        response = self.world.client.request(method, url, content=body, headers=headers)
        self.sent += 1
        self.succeeded[case.operation.label] += response.is_success
        for problem in _problems(case, response):
            shown = f"{role}: {method} {url} {headers.get('content-type', '')} {(body or b'')[:300]!r}"
            self.problems.setdefault(problem, f"{shown} -> {response.text[:300]}")
        if response.is_success and method != "GET":
            self.world.restore()


def _cases(operation: Any, mode: GenerationMode, number: int, examples: int) -> list[Case[Any]]:
    found: list[Case[Any]] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Case[Any]) -> None:
        found.append(case)

    with suppress(Unsatisfiable):
        # A call without parameters has no invalid case.
        collect()
    return found


def _mixed(case: Case[Any], world: World, chance: random.Random) -> tuple[str, str, bytes | None, dict[str, str]]:
    """Return method, address, body and headers of the case, some of it replaced by what the valid request has."""
    method, path, valid = request_of(case.operation.label, world.objects)
    made = dict(case.as_transport_kwargs(base_url=HOST))
    kind = chance.choice(("generated", "valid path", "valid path", "one field", "one field", "valid"))
    if kind != "generated":
        made["url"] = f"{HOST}{path}"
        if valid.get("params") and chance.random() < 0.7:
            made["params"] = valid["params"]
    sent = made.get("json")
    if kind == "one field" and "json" in valid and isinstance(sent, dict) and sent:
        name = chance.choice(sorted(sent, key=str))
        made["json"] = {**valid["json"], name: sent[name]}
    elif kind in ("one field", "valid") and ({"json", "files", "data"} & valid.keys()):
        for part in ("json", "files", "data"):
            made.pop(part, None)
        made |= {part: valid[part] for part in ("json", "files", "data") if part in valid}
        made["headers"] = {k: v for k, v in made.get("headers", {}).items() if k.lower() != "content-type"}
    known = ("method", "url", "params", "json", "data", "files", "headers", "cookies")
    wire = requests.Request(**{name: made[name] for name in known if name in made}).prepare()
    body = wire.body.encode() if isinstance(wire.body, str) else wire.body
    headers = {name: value for name, value in wire.headers.items() if name.lower() not in OURS}
    return method, str(wire.url), body, headers  # type: ignore[return-value]


def _problems(case: Case[Any], response: Response) -> Iterator[str]:
    """Return what is wrong with an answer; the same fault has the same text."""
    call = case.operation.label
    if response.status_code >= 500:
        yield f"{call}: {response.status_code}"
    if response.status_code in (429, 503) and "retry-after" not in response.headers:
        yield f"{call}: {response.status_code} without Retry-After"
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as group:
        for failure in group.exceptions:
            yield f"{call}: {type(failure).__name__} {response.status_code} {_first_line(str(failure))}"


def _first_line(text: str) -> str:
    return " ".join(text.split())[:200]
