"""Who may call what: `docs/access.md` is walked through the application, and every deviation fails.

A new route needs its row in that table, and if it has a body or a parameter of a new name, a line in
`testkit/calls.py`.
"""

import re

from testkit.calls import request_of
from testkit.world import NOWHERE, World
from tests.access_table import (
    COLUMNS,
    DOCUMENT,
    Row,
    answer_of,
    caller_of,
    calls_of,
    reached,
    row_text,
    table,
    walked,
)

TABLE = table()
# These tell everyone who has an event's code about the event.
TOLD_BY_CODE = {
    "GET /api/event-info",
    "GET /join",
    "POST /api/register-with-event-code",
    "POST /api/register-invite-with-selfie",
}
OUTSIDERS = ("anonymous", "other guest", "other photographer", "closed", "expired", "monitoring")
# By the contract, 403 tells another photographer that there is a photo with this number, and nothing else.
EXISTENCE_TOLD = {"DELETE /api/photos/{photo_id}", "DELETE /api/photos"}
# A member of the event is told that there is nothing to download yet.
NOTHING_YET = {"GET /api/user/events/{event_id}/photos.zip", "GET /photos/weight"}


def test_the_table_has_a_row_for_every_route(world: World) -> None:
    calls = calls_of(world)
    gone = sorted(set(TABLE) - set(calls))
    assert not gone, f"rows of {DOCUMENT.name} whose route no longer exists: {gone}"
    problems = [_advice(world, call) for call in calls if call not in TABLE]
    assert not problems, "\n" + "\n".join(problems)


def _advice(world: World, call: str) -> str:
    """Return what to write for a route that the table lacks."""
    try:
        answers = {column: answer_of(walked(world, call, column, {})) for column in COLUMNS}
    except KeyError as missing:
        return f"{call}: give the parameter {missing} a value in PARAMETERS of testkit/calls.py"
    line = f"{call}: add its row to {DOCUMENT.name}. Today's answers, to be judged:\n{row_text(call, answers)}"
    if any(map(reached, answers.values())):
        return line
    return f"{line}\nNobody gets through: if the call has a body, add it to REQUESTS of testkit/calls.py"


def test_somebody_gets_through_to_every_route() -> None:
    assert [call for call, row in TABLE.items() if not any(map(reached, row.values()))] == []


def test_every_answer_is_that_of_the_table(world: World) -> None:
    deviations = []
    for call, row in TABLE.items():
        for column, expected in row.items():
            response = walked(world, call, column, row)
            if (found := answer_of(response)) != expected:
                deviations.append(f"{call} as {column}: {found}, not {expected}: {response.text[:160]}")
            elif column in OUTSIDERS and call not in TOLD_BY_CODE:
                told = [each for each in _secrets(world) if each in response.text + str(response.headers)]
                deviations += [f"{call} tells {column}: {each}" for each in told]
    assert not deviations, "\n" + "\n".join(deviations)


def _secrets(world: World) -> tuple[str, ...]:
    """Return texts of the event that nobody outside it may read."""
    return world.objects.event_name, world.objects.filename, "camille-dances", "camille@example.org", "felix"


def test_what_is_hidden_is_answered_like_what_does_not_exist(world: World) -> None:
    """So that nobody finds out by trying which events, photos and people there are."""
    differences = []
    for call, row in TABLE.items():
        for column, expected in row.items():
            if expected not in ("403", "404") or call in EXISTENCE_TOLD:
                continue
            if column == "fellow guest" and call in NOTHING_YET:
                continue
            hidden, missing = (_told(world, call, column, row, of) for of in (world.objects, NOWHERE))
            if hidden != missing:
                differences.append(f"{call} as {column}: {hidden}, but {missing} for what does not exist")
    assert not differences, "\n" + "\n".join(differences)


def _told(world: World, call: str, column: str, row: Row, of: object) -> tuple[int, str]:
    response = walked(world, call, column, row, of)  # type: ignore[arg-type]
    path = request_of(call, of)[1]  # type: ignore[arg-type]
    # Pages contain their own address, and tokens that are new each time.
    text = response.text.replace(path, "…") if response.headers["content-type"] == "application/json" else ""
    return response.status_code, text


def test_no_other_spelling_of_a_call_gets_through(world: World) -> None:
    """Other methods, HEAD, a final slash, capitals: none opens what the call itself refuses."""
    opened = []
    for call, row in TABLE.items():
        for column in ("anonymous", "other guest", "other photographer"):
            who = caller_of(world, column, row)
            method, path, rest = request_of(call, world.objects)
            if method == "GET" and not reached(row[column]):
                spellings = [("HEAD", path), (method, f"{path}/"), (method, path.upper()), (method, f"/{path}")]
                spellings += [
                    (method, path.replace("/api/", "/api//")),
                    (method, f"{path}%00"),
                    (method, f"{path};x"),
                ]
            else:
                spellings = []
            for other, spelled in spellings:
                response = world.send(other, f"http://localhost{spelled}", who, **rest)
                if response.is_success or reached(answer_of(response)):
                    opened.append(f"{other} {spelled} as {column}: {response.status_code}")
    assert not opened, "\n" + "\n".join(opened)


def test_methods_that_a_path_does_not_have_do_nothing(world: World) -> None:
    methods: dict[str, set[str]] = {}
    for call in TABLE:
        method, path = call.split(" ")
        methods.setdefault(re.sub(r"{[^}]*}", "1", path), set()).add(method)
    answers = {
        (other, path): world.send(other, path, world.callers["admin"]).status_code
        for path, known in methods.items()
        for other in {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - known
    }
    # 422: the path of a form, such as /admin/events/new, also fits one with a number.
    assert {call: status for call, status in answers.items() if status not in (405, 422)} == {}
