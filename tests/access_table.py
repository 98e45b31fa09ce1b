"""The table of `docs/access.md`, and how a cell of it is walked through the application."""

import base64
import json
import re

from fastapi.routing import iter_route_contexts
from httpx2 import Response

from settings import ROOT
from testkit.callers import Caller, Objects
from testkit.calls import request_of
from testkit.world import World

DOCUMENT = ROOT / "docs" / "access.md"
COLUMNS = (
    "anonymous",
    "guest",
    "fellow guest",
    "other guest",
    "photographer",
    "other photographer",
    "admin",
    "closed",
    "expired",
    "monitoring",
)
# Closed accounts and expired sessions are of the kind that the row lets in, the first of these.
KINDS = ("guest", "photographer", "admin")
Row = dict[str, str]
_ROW = re.compile(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) /\S*)` \|(.*)\|$", re.MULTILINE)
_REACHED = re.compile(r"2\d\d|303")
# What a form leaves for its page when it was not obeyed, besides problems.
_NOT_DONE = ({"done": "wrong_password"}, {"done": "not_cancelled"}, {"done": "retried", "number": "0"})


def table() -> dict[str, Row]:
    """Return the answers that the document gives: call → column → answer."""
    rows: dict[str, Row] = {}
    for call, cells in _ROW.findall(DOCUMENT.read_text()):
        answers = [cell.strip() for cell in cells.split("|")]
        assert len(answers) == len(COLUMNS), f"{call}: the row needs {len(COLUMNS)} answers"
        assert call not in rows, f"{call} has two rows in {DOCUMENT.name}"
        rows[call] = dict(zip(COLUMNS, answers, strict=True))
    return rows


def row_text(call: str, answers: Row) -> str:
    """Return the line of the table."""
    return f"| `{call}` | {' | '.join(answers[column] for column in COLUMNS)} |"


def calls_of(world: World) -> list[str]:
    """Return every call of the application, such as `GET /api/me`."""
    found = []
    for route in iter_route_contexts(world.client.app.routes):  # type: ignore[attr-defined]
        path = re.sub(r":path}", "}", route.path or "")
        found += [f"{method} {path}" for method in sorted(route.methods or ()) if method not in ("HEAD", "OPTIONS")]
    return found


def reached(answer: str) -> bool:
    """Tell whether an answer of the table means that the call was carried out."""
    return _REACHED.fullmatch(answer) is not None


def caller_of(world: World, column: str, row: Row) -> Caller:
    """Return the account of a column."""
    if column not in ("closed", "expired"):
        return world.callers[column]
    kind = next((kind for kind in KINDS if reached(row.get(kind, ""))), "guest")
    return world.callers[f"{column} {kind}"]


def answer_of(response: Response) -> str:
    """Return an answer as the table writes it."""
    if response.status_code != 303:
        return str(response.status_code)
    if response.headers["location"].startswith("/login"):
        return "login"
    return "303 refused" if _was_refused(response) else "303"


def _was_refused(response: Response) -> bool:
    flash = next((value for name, value in response.cookies.items() if name.endswith("reperio_said")), "")
    if not flash:
        return False
    _, said = json.loads(base64.urlsafe_b64decode(flash.strip('"')))
    problems = any(name.startswith(("problem", "overtaken")) and value for name, value in said.items())
    return problems or any(each.items() <= said.items() for each in _NOT_DONE)


def walked(world: World, call: str, column: str, row: Row, of: Objects | None = None) -> Response:
    """Send the call as the column's account, about the objects `of`, and undo what it has changed."""
    method, path, rest = request_of(call, of or world.objects)
    response = world.send(method, path, caller_of(world, column, row), **rest)
    if method != "GET" and response.status_code < 400 and answer_of(response) != "login":
        world.restore()
    return response
