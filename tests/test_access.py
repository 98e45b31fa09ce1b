"""Who may call what: `docs/access.md` is walked through the application, and every deviation fails.

A new route needs its row in that table, and if it has a body or a parameter of a new name, a line in
`testkit/calls.py`.
"""

import re
from dataclasses import replace

import pytest
from httpx2 import Response

from testkit.callers import NOWHERE
from testkit.calls import request_of
from testkit.world import World
from tests.access_table import (
    COLUMNS,
    DOCUMENT,
    KINDS,
    answer_of,
    caller_of,
    calls_of,
    reached,
    row_text,
    table,
    walked,
)

# Two thousand calls: more than the usual two minutes on a machine that others use too.
pytestmark = pytest.mark.timeout(600)
TABLE = table()
# These tell everyone who has an event's code about the event.
TOLD_BY_CODE = {
    "GET /api/event-info",
    "GET /join",
    "GET /privacy",
    "POST /api/register-with-event-code",
    "POST /api/register-invite-with-selfie",
    "POST /api/register-invite",
}
# These tell what a guest shows, to everyone who has the guest's link.
TOLD_BY_LINK = {
    "GET /shared/{link_token}",
    "GET /shared/{link_token}/photos.zip",
    "GET /shared/{link_token}/photos/{photo_id}",
    "GET /api/shared/{link_token}",
    "GET /api/shared/{link_token}/photos.zip",
    "GET /api/shared/{link_token}/photos/{photo_id}",
}
OUTSIDERS = ("anonymous", "other guest", "other photographer", "closed", "expired", "monitoring")
# By the contract, 403 tells another photographer that there is a photo with this number, and nothing else.
EXISTENCE_TOLD = {"DELETE /api/photos/{photo_id}", "DELETE /api/photos"}
# A member of the event is told that there is nothing to download yet, or that none of the photos is in the gallery.
NOTHING_YET = {
    "GET /api/user/events/{event_id}/photos.zip",
    "GET /photos/weight",
    "PUT /api/user/events/{event_id}/favourites",
    "POST /api/user/events/{event_id}/choices",
    "POST /api/user/events/{event_id}/photo-links",
}

# Mail programs call it (RFC 8058): the token in the path is the proof.
PROVEN_BY_PATH = ("POST /unsubscribe/{token}",)


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


@pytest.fixture(scope="module")
def answers(world: World) -> dict[tuple[str, str], Response]:
    """The answer of every call to every caller of the table."""
    return {(call, column): walked(world, call, column, row) for call, row in TABLE.items() for column in row}


def test_every_answer_is_that_of_the_table(answers: dict[tuple[str, str], Response]) -> None:
    deviations = []
    for (call, column), response in answers.items():
        expected = TABLE[call][column]
        if (found := answer_of(response)) != expected:
            deviations.append(f"{call} as {column}: {found}, not {expected}: {response.text[:160]}")
    assert not deviations, "\n" + "\n".join(deviations)


def test_outsiders_are_told_nothing_of_the_event(world: World, answers: dict[tuple[str, str], Response]) -> None:
    secrets = (world.objects.event_name, world.objects.filename, "camille-dances", "camille@example.org", "felix")
    told = [
        f"{call} tells {column}: {secret}"
        for (call, column), response in answers.items()
        if column in OUTSIDERS and call not in TOLD_BY_CODE | TOLD_BY_LINK
        for secret in secrets
        if secret in response.text + str(response.headers)
    ]
    assert not told, "\n" + "\n".join(told)


def test_what_is_hidden_is_answered_like_what_does_not_exist(
    world: World, answers: dict[tuple[str, str], Response]
) -> None:
    """So that nobody finds out by trying which events, photos and people there are."""
    differences = []
    for call, row in TABLE.items():
        about_nothing = request_of(call, world.objects) == request_of(call, NOWHERE)
        for column in ("fellow guest", "other guest", "other photographer"):
            if row[column] not in ("403", "404") or call in EXISTENCE_TOLD or about_nothing:
                continue
            if column == "fellow guest" and call in NOTHING_YET:
                continue
            hidden, missing = _told(answers[call, column]), _told(walked(world, call, column, row, NOWHERE))
            if hidden != missing:
                differences.append(f"{call} as {column}: {hidden}, but {missing} for what does not exist")
    assert not differences, "\n" + "\n".join(differences)


def _told(response: Response) -> tuple[int, str]:
    # Pages contain their own address, and tokens that are new each time.
    api = response.headers["content-type"] == "application/json"
    return response.status_code, response.text if api else ""


def test_no_other_spelling_of_a_call_gets_through(world: World) -> None:
    """Other methods, HEAD, a final slash, capitals: none opens what the call itself refuses."""
    opened = []
    for call, row in TABLE.items():
        for column in ("anonymous", "other guest"):
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


def test_a_call_about_two_things_checks_both(world: World) -> None:
    """One's own event with another event's photo; an account of another type; own photos among others'."""
    of = world.objects
    foreign = world.send("GET", "/api/my-uploaded-photos", world.callers["other photographer"]).json()[0]["id"]
    guest, admin = world.callers["guest"].id, world.callers["admin"].id
    cases = [
        ("PUT /api/photographer/events/{event_id}/cover", "photographer", replace(of, photo=foreign), "404"),
        ("PUT /api/photographer/events/{event_id}/cover", "admin", replace(of, photo=foreign), "404"),
        *(
            (call, "admin", replace(of, photographer=account), answer)
            for account in (guest, admin)
            for call, answer in (
                ("PUT /api/admin/photographers/{photographer_id}", "404"),
                ("DELETE /api/admin/photographers/{photographer_id}", "404"),
                ("POST /api/admin/create-event", "404"),
                ("GET /admin/photographers/{photographer_id}", "404"),
                ("POST /admin/photographers/{photographer_id}", "404"),
                ("POST /admin/photographers/{photographer_id}/access", "404"),
                # Counts as deleted already.
                ("POST /admin/photographers/{photographer_id}/delete", "303"),
            )
        ),
        ("GET /api/selfie/{user_id}", "photographer", replace(of, guest=of.photographer), "404"),
        ("GET /api/selfie/{user_id}", "admin", replace(of, guest=admin), "404"),
    ]
    found = {}
    for call, column, about, expected in cases:
        answer = answer_of(walked(world, call, column, {}, about))
        if answer != expected:
            found[call, column, about] = answer
    assert found == {}
    assert world.send("GET", "/api/me", world.callers["guest"]).json()["user_type"] == "user"


def test_photos_of_others_among_ones_own_are_not_deleted(world: World) -> None:
    mine, theirs = (
        [photo["id"] for photo in world.send("GET", "/api/my-uploaded-photos", world.callers[who]).json()]
        for who in ("photographer", "other photographer")
    )
    for ids in ((mine[0], theirs[0]), (theirs[0], mine[0]), (mine[0], theirs[0], NOWHERE.photo)):
        asked = {"photo_ids": ",".join(map(str, ids))}
        answer = world.send("DELETE", "/api/photos", world.callers["photographer"], params=asked)
        assert answer.status_code == 403
    left = world.send("GET", "/api/admin/events", world.callers["admin"]).json()
    assert sum(event["photos"] for event in left) == len(mine) + len(theirs)


def test_a_cookie_alone_changes_nothing(world: World) -> None:
    """Another site can make a browser send its cookies, but it does not know the session's CSRF token."""
    changed = []
    for call, row in TABLE.items():
        method, path, rest = request_of(call, world.objects)
        if method == "GET" or call in PROVEN_BY_PATH or (path.startswith("/api/") and row["anonymous"] != "401"):
            continue
        role = next(role for role in (*KINDS, "other photographer", "anonymous") if reached(row[role]))
        who = world.callers[role]
        cookies = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
        other = world.callers["other guest"].csrf
        for token in ("", other):
            rest["data"] = {**rest.get("data", {}), "csrf_token": token} if "json" not in rest else None
            headers = {"cookie": cookies, "x-csrf-token": token}
            answer = world.client.request(method, path, headers=headers, **rest)
            if answer.status_code != 403:
                changed.append(f"{call} as {role}: {answer.status_code} {answer.text[:100]}")
    assert not changed, "\n" + "\n".join(changed)
