"""Whatever a form, an address or a cookie contains, a page answers in words, never with a failure."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from testkit.callers import HOST, Caller
from testkit.calls import request_of
from testkit.world import World
from tests.access_table import KINDS, reached, table

ODD = (
    "",
    " ",
    "\x00",
    "0",
    "-1",
    "9" * 30,
    "1e9",
    "²",
    "\ud800",
    "\u202e\u0000\ufeff",
    "é" * 5000,
    "../../etc/passwd",
    "{{7*7}}",
    "' OR 1=1 --",
    "<script>",
    "[" * 2000,
    '{"a":' * 500,
    "9999-99-99T99:99",
    "NaN",
    "None",
    "//evil.example",
)
NAMES = ("next", "event", "cursor", "limit", "show", "before", "expires_at", "photographer_ids", "after", "q", "page")
COOKIES = ("reperio_said", "reperio_event", "reperio_language", "reperio_theme", "reperio_visitor", "reperio_session")
PAGES = {call: row for call, row in table().items() if "/api/" not in call and "/metrics" not in call}


@pytest.fixture(autouse=True)
def restored(world: World) -> Iterator[None]:
    yield
    world.restore()


def caller(world: World, row: dict[str, str]) -> Caller:
    """Return one that the page lets in."""
    return world.callers[next(role for role in (*KINDS, "anonymous") if reached(row[role]))]


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


@pytest.mark.slow
@pytest.mark.long
def test_fields_and_parameters(world: World) -> None:
    failed = []
    for number, (call, row) in enumerate(PAGES.items()):
        method, path, rest = request_of(call, world.objects)
        part = "params" if method == "GET" else "data"
        for place, value in enumerate(ODD[number % 6 :: 6]):
            sent: dict[str, Any] = {**dict.fromkeys(NAMES, _text(value)), **rest.get(part, {})}
            known = sorted(rest.get(part, {}))
            if known:
                sent[known[place % len(known)]] = _text(value)
            if part == "params":
                query = "&".join(f"{name}={quote(each)[:1500]}" for name, each in sent.items())
                answer = world.send(method, f"{path}?{query}", caller(world, row))
            else:
                answer = world.send(method, path, caller(world, row), data=sent)
            if answer.status_code >= 500:
                failed.append(f"{call} {part} {value[:20]!r}: {answer.status_code}")
            if method != "GET" and answer.status_code < 400:
                world.restore()
    assert not failed, "\n" + "\n".join(failed)


@pytest.mark.slow
@pytest.mark.parametrize("step", [18, pytest.param(6, marks=pytest.mark.long)])
def test_cookies(world: World, step: int) -> None:
    """Every value to some page, and some values to every page; more of both with a smaller step."""
    failed = []
    # Among them JSON of another form than what the pages keep in a cookie, cut short, and nested too deep.
    values = [*ODD, "W10=", "bnVsbA==", "eyJhIjoxfQ==", "W1tdLCB7fV0=", "WyIvIix7ImEiOiIi"]
    for number, (call, row) in enumerate(PAGES.items()):
        method, path, rest = request_of(call, world.objects)
        if method != "GET":
            continue
        who = caller(world, row)
        for value in values[number % step :: step]:
            odd = {name: quote(_text(value)) if place else value for place, name in enumerate(COOKIES)}
            kept = {**odd, **who.cookies}
            header = "; ".join(f"{name}={each}" for name, each in kept.items()).encode("utf-8", "surrogatepass")
            if b"\x00" in header:
                continue
            answer = world.client.get(f"{HOST}{path}", headers={b"cookie": header, b"accept": b"text/html"}, **rest)
            if answer.status_code >= 500:
                failed.append(f"{call} cookies {value[:20]!r}: {answer.status_code}")
    assert not failed, "\n" + "\n".join(failed)


def test_bodies_that_are_no_forms(world: World) -> None:
    failed = []
    bodies = {
        "application/json": b'{"a": 1}',
        "text/plain": b"x",
        "multipart/form-data": b"no boundary",
        "multipart/form-data; boundary=x": b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
        "application/x-www-form-urlencoded; charset=utf-16": "a=1&csrf_token=x".encode("utf-16"),
        "application/x-www-form-urlencoded": b"%ff=%fe&&&=&a=%00&csrf_token=%ed%a0%80",
        "": b"\xff\xfe",
    }
    for call, row in PAGES.items():
        method, path, _ = request_of(call, world.objects)
        if method == "GET":
            continue
        who = caller(world, row)
        cookies = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
        for kind, body in bodies.items():
            headers = {"cookie": cookies, "content-type": kind, "accept": "text/html"}
            answer = world.client.request(method, path, content=body, headers=headers)
            if answer.status_code >= 500:
                failed.append(f"{call} {kind}: {answer.status_code}")
    assert not failed, "\n" + "\n".join(failed)
