"""The published interface: what clients of an earlier release rely on is still there, unchanged.

`python -m tests.api.test_openapi` accepts additions: it writes today's interface to `openapi.json`.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from settings import ROOT

SNAPSHOT = Path(__file__).with_name("openapi.json")
# Words for readers. They may be improved; programs do not depend on them.
PROSE = {"description", "summary", "title"}
# Objects keyed by names, such as the paths: a name may be added to them.
OPEN = {"paths", "path", "schemas", "properties", "responses", "content", "examples", "headers", "value"}


def bare(node: Any, key: str = "") -> Any:
    """Return a part of an OpenAPI document without its prose and without the examples of its schemas."""
    if isinstance(node, list):
        return [bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    named = key in OPEN
    return {
        name: bare(each, name)
        for name, each in node.items()
        if named or not ((name in PROSE and isinstance(each, str)) or (name == "examples" and isinstance(each, list)))
    }


def interface(document: dict[str, Any]) -> dict[str, Any]:
    """Return what programs depend on: calls with their parameters, bodies and answers, and the schemas."""
    calls = {}
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            kept = {name: call[name] for name in ("parameters", "requestBody", "responses") if name in call}
            calls[f"{method.upper()} {path}"] = bare(kept)
    return {"paths": calls, "schemas": bare(document["components"]["schemas"], "schemas")}


def _sent(document: dict[str, Any]) -> set[str]:
    """Return the names of the schemas that clients send, directly or within another."""
    found: set[str] = set()
    pending: list[Any] = [call.get("requestBody", {}) for call in document["paths"].values()]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            pending.extend(node.values())
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                pending.append(document["schemas"][name])
    return found


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of two documents, and the names of those that clients send."""

    before: dict[str, Any]
    now: dict[str, Any]
    sent: set[str]


def breaks(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the places where `now` would break a client written for `before`."""
    schemas = Schemas(before["schemas"], now["schemas"], _sent(now))
    return [f"{way}: {problem}" for way, problem in _differences(before, now, (), schemas)]


def _differences(before: Any, now: Any, way: tuple[str, ...], schemas: Schemas) -> Iterator[tuple[str, str]]:
    here, key = " > ".join(way), way[-1] if way else ""
    if isinstance(before, dict) and isinstance(now, dict):
        if "$ref" in before and before != now and "responses" in way:
            yield from _other_answer(before["$ref"], now, way, schemas)
            return
        yield from ((here, f"{name} is gone") for name in before.keys() - now.keys())
        if key not in OPEN and way:
            yield from ((here, f"{name} is new") for name in now.keys() - before.keys())
        for name in before.keys() & now.keys():
            yield from _differences(before[name], now[name], (*way, name), schemas)
    elif key == "parameters":
        known = {(each["in"], each["name"]): each for each in now}
        for each in before:
            name = (each["in"], each["name"])
            yield from _differences(each, known.pop(name, None), (*way, " ".join(name)), schemas)
        yield from ((here, f"{name} is new and required") for name, each in known.items() if each["required"])
    elif key == "required" and isinstance(before, list):
        yield from ((here, f"{name} is no longer required") for name in set(before) - set(now))
        if schemas.sent & set(way):
            yield from ((here, f"{name} is required now") for name in set(now) - set(before))
    elif before != now:
        yield here, f"{before!r} became {now!r}"


def _other_answer(
    before: str, now: dict[str, Any], way: tuple[str, ...], schemas: Schemas
) -> Iterator[tuple[str, str]]:
    """An answer may be of another schema that has all fields of the former one; a shared error may become its own."""
    kind, name = before.split("/")[-2:]
    if kind == "responses":
        if now.get("content", {}).get("application/json", {}).get("schema") != {"$ref": "#/components/schemas/Error"}:
            yield " > ".join(way), "the answer is not an error any more"
        return
    other = str(now.get("$ref", "")).rpartition("/")[2]
    yield from _differences(schemas.before[name], schemas.now.get(other), (*way, other), schemas)


@pytest.fixture
def document(openapi: dict[str, Any]) -> dict[str, Any]:
    """The published document, for the test to change."""
    return deepcopy(openapi)


def test_nothing_of_the_interface_is_gone_or_changed(document: dict[str, Any]) -> None:
    assert breaks(json.loads(SNAPSHOT.read_text()), interface(document)) == []


def _without_a_call(now: dict[str, Any]) -> None:
    del now["paths"]["POST /api/login"]


def _without_a_field(now: dict[str, Any]) -> None:
    del now["schemas"]["TokenOut"]["properties"]["expires_in"]


def _with_other_words(now: dict[str, Any]) -> None:
    examples = now["paths"]["POST /api/login"]["responses"]["401"]["content"]["application/json"]["examples"]
    examples["BadCredentials"]["value"]["detail"] = "Erreur"


def _with_a_required_field(now: dict[str, Any]) -> None:
    now["schemas"]["LoginIn"]["properties"]["nickname"] = {"type": "string"}
    now["schemas"]["LoginIn"]["required"].append("nickname")


def _with_a_shorter_limit(now: dict[str, Any]) -> None:
    now["schemas"]["UserData"]["properties"]["username"]["maxLength"] = 20


def _with_a_parameter_of_another_type(now: dict[str, Any]) -> None:
    now["paths"]["GET /api/photo/{photo_id}"]["parameters"][0]["schema"]["type"] = "string"


def _with_an_answer_of_another_form(now: dict[str, Any]) -> None:
    content = now["paths"]["GET /api/me"]["responses"]["200"]["content"]["application/json"]
    content["schema"]["$ref"] = "#/components/schemas/Poorer"
    now["schemas"]["Poorer"] = json.loads(json.dumps(now["schemas"]["UserOut"]))
    del now["schemas"]["Poorer"]["properties"]["email"]


def test_bodies_are_objects_also_where_a_bare_value_is_accepted(document: dict[str, Any]) -> None:
    assert all(document["components"]["schemas"][name]["type"] == "object" for name in ("JoinIn", "EventIdIn"))


@pytest.mark.parametrize(
    "change",
    [
        _with_an_answer_of_another_form,
        _without_a_call,
        _without_a_field,
        _with_other_words,
        _with_a_required_field,
        _with_a_shorter_limit,
        _with_a_parameter_of_another_type,
    ],
)
def test_a_change_that_breaks_clients_is_noticed(change: Any, document: dict[str, Any]) -> None:
    now = interface(json.loads(json.dumps(document)))
    change(now)
    assert len(breaks(interface(document), now)) == 1


def test_additions_are_allowed(document: dict[str, Any]) -> None:
    now = interface(json.loads(json.dumps(document)))
    now["paths"]["GET /api/new"] = {"responses": {"200": {}}}
    now["schemas"]["LoginIn"]["properties"]["nickname"] = {"type": "string"}
    now["schemas"]["TokenOut"]["properties"]["further"] = {"type": "string"}
    now["schemas"]["TokenOut"]["required"].append("further")
    now["paths"]["GET /api/my-photos"]["parameters"].append({"in": "query", "name": "sort", "required": False})
    now["paths"]["POST /api/login"]["responses"]["418"] = {}
    now["schemas"]["Richer"] = json.loads(json.dumps(now["schemas"]["UserOut"]))
    now["schemas"]["Richer"]["properties"]["further"] = {"type": "string"}
    content = now["paths"]["GET /api/me"]["responses"]["200"]["content"]["application/json"]
    content["schema"]["$ref"] = "#/components/schemas/Richer"
    assert breaks(interface(document), now) == []


def test_the_version_is_that_of_the_project(document: dict[str, Any]) -> None:
    versions = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version =")]
    assert versions == [f'version = "{document["info"]["version"]}"']


def _lines(parts: dict[str, Any]) -> str:
    """Return JSON with one line for each call or schema, so that a change shows as a line."""
    lines = (f"{json.dumps(name)}: {json.dumps(parts[name], ensure_ascii=False, sort_keys=True)}" for name in parts)
    return "{\n" + ",\n".join(sorted(lines)) + "\n}"


if __name__ == "__main__":
    from main import app

    found = interface(app.openapi())
    SNAPSHOT.write_text(f'{{"paths": {_lines(found["paths"])}, "schemas": {_lines(found["schemas"])}}}\n')
