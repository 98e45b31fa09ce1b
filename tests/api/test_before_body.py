"""Nobody is refused for who they are, or for their event, after the body was read: the refusal comes before."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import update

from accounts.tokens import csrf_of
from api.sessions import SESSION_COOKIE, VISITOR_COOKIE
from database import get_engine, transaction
from models import Event, User, utcnow
from testkit.builders import Person, Service

# Errors about the caller or the event of the address. None of them may follow the reading of a body.
ABOUT_THE_CALLER = {
    "NotAuthenticated",
    "InvalidToken",
    "GuestsOnly",
    "PhotographersOnly",
    "AdminsOnly",
    "PhotographerSelfie",
    "NoSuchEvent",
    "NoEventAssigned",
    "SeveralEvents",
    "EventExpired",
    "ConsentWithdrawn",
}
BODYLESS = ("GET", "HEAD", "OPTIONS")
# They are for every account, and would log the caller out for the rest of the test.
ENDS_SESSIONS = (
    "POST /logout",
    "POST /api/logout",
    "POST /account/security/end",
    "POST /account/security/end-others",
)
TAKES_A_LONG_BODY = "POST /api/upload-photos"


class BodyAsked(Exception):
    """The application asked for the body."""


@dataclass
class Reply:
    """What a request got, and whether its body had been asked for by then."""

    asked: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def error(self) -> str:
        """The name of the error; for a page, that of the redirect to the login page."""
        if self.status == 303 and self.headers.get("location", "").startswith("/login?next"):
            return "NotAuthenticated"
        if self.headers.get("content-type", "").startswith("application/json"):
            return str(json.loads(self.body).get("error", ""))
        return ""


async def send(app: Any, call: str, headers: dict[str, str], body: bytes) -> Reply:
    """Send a request whose body is handed over when the application asks for it."""
    method, _, target = call.partition(" ")
    path, _, query = target.partition("?")
    reply = Reply()

    async def receive() -> dict[str, Any]:
        reply.asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def answer(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")

    raw = {"host": "testserver", **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("192.0.2.1", 5),
        "headers": [(name.lower().encode(), value.encode()) for name, value in raw.items()],
        "state": {},
    }
    await app(scope, receive, answer)
    return reply


def ask(service: Service, call: str, headers: dict[str, str], body: bytes = b"") -> Reply:
    """Send a request in the event loop of the service."""
    assert service.client.portal is not None
    reply: Reply = service.client.portal.call(send, service.client.app, call, headers, body)
    return reply


def routes(service: Service) -> list[tuple[str, bool, bool]]:
    """Return each call that can take a body, whether it is a page, and whether its body is a form."""
    found = []
    for route in iter_route_contexts(service.client.app.routes):  # type: ignore[attr-defined]
        page = not str(route.path).startswith("/api/")
        body = getattr(route, "body_field", None)
        for method in sorted(set(route.methods or ()) - {*BODYLESS}):
            if page or body is not None:
                form = page or type(getattr(body, "field_info", None)).__name__ in ("Form", "File")
                found.append((f"{method} {route.path}", page, form))
    return found


def request_of(person: Person | None, *, page: bool, form: bool) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a request: a page's form with the session's CSRF token, or an empty body."""
    headers, fields = {}, {}
    if page:
        cookie = f"{SESSION_COOKIE}={person.token}" if person else f"{VISITOR_COOKIE}=visitor"
        headers = {"Cookie": cookie, "Accept": "text/html"}
        fields = {"csrf_token": csrf_of(person.token if person else "visitor")}
    elif person:
        headers = person.headers
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return headers, urlencode(fields).encode()
    return {**headers, "Content-Type": "application/json"}, b"{}"


@dataclass
class Cast:
    """One of each kind of caller; `event` is one that none of the photographers is assigned to."""

    event: int
    guest: Person
    late_guest: Person
    photographer: Person
    busy_photographer: Person
    admin: Person
    closed: Person
    forged: Person

    def everybody(self) -> dict[str, Person | None]:
        """Return all callers by name."""
        people: dict[str, Person | None] = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name != "event"
        }
        return {**people, "nobody": None}


@pytest.fixture(scope="module")
def cast(service: Service) -> Cast:
    """Callers with every reason to be refused."""
    foreign, own, expired, old = (service.event() for _ in range(4))
    guest, late_guest = service.guest(own), service.guest(expired)
    with transaction() as session:
        session.execute(update(Event).where(Event.id == expired.id).values(expires_at=utcnow() - timedelta(days=1)))
        session.execute(update(User).where(User.id == old.photographer.id).values(is_active=False))
    forged = Person(guest.id, guest.name, guest.token[:-4] + "AAAA")
    nowhere = service.event().photographer
    service.admin  # noqa: B018 - made at the first use
    idle = _unassigned(service, nowhere)
    return Cast(foreign.id, guest, late_guest, idle, own.photographer, service.admin, old.photographer, forged)


def _unassigned(service: Service, photographer: Person) -> Person:
    """Take all events from a photographer."""
    mine = service.get("/api/photographer/events", photographer).json()
    for each in mine:
        answer = service.put(f"/api/admin/events/{each['id']}", service.admin, json={"photographer_ids": []})
        assert answer.status_code == 200, answer.text
    return photographer


def test_who_is_asked_for_the_body_is_not_refused_for_who_they_are(service: Service, cast: Cast) -> None:
    refused, wrong = 0, []
    calls = routes(service)
    assert len(calls) > 30
    for call, page, form in calls:
        address = call.replace("{event_id}", str(cast.event)).replace("{", "").replace("}", "")
        for other in ("photographer_id", "photo_id", "job_id", "kind", "number", "user_id", "guest_id"):
            address = address.replace(f"/{other}", "/1")
        for name, person in cast.everybody().items():
            if call in ENDS_SESSIONS and name not in ("closed", "forged", "nobody"):
                continue
            headers, body = request_of(person, page=page, form=form)
            reply = ask(service, address, headers, body)
            if reply.error in ABOUT_THE_CALLER:
                refused += 1
                if reply.asked:
                    wrong.append(f"{call} as {name}: {reply.error} after the body")
                elif "csrf_token" not in str(body) and reply.status != 303:
                    assert reply.headers["connection"] == "close", call
    assert wrong == []
    # Most calls are for one of the kinds only.
    assert refused > 3 * len(calls)


@pytest.mark.parametrize(
    ("call", "who", "status", "error"),
    [
        ("POST /api/upload-photos", "guest", 403, "PhotographersOnly"),
        ("POST /api/upload-photos", "closed", 401, "InvalidToken"),
        ("POST /api/upload-photos", "photographer", 404, "NoEventAssigned"),
        ("POST /api/upload-photo", "admin", 403, "PhotographersOnly"),
        ("POST /api/photographer/events/{event}/upload-photos", "busy_photographer", 404, "NoSuchEvent"),
        ("POST /api/photographer/events/nonsense/upload-photos", "busy_photographer", 422, "InvalidRequest"),
        ("POST /api/upload-selfie", "photographer", 403, "PhotographerSelfie"),
        ("POST /api/upload-selfie", "late_guest", 409, "EventExpired"),
        ("POST /api/join-event", "closed", 401, "InvalidToken"),
        ("PUT /api/admin/events/1", "busy_photographer", 403, "AdminsOnly"),
    ],
)
def test_a_refusal_comes_before_the_body(
    service: Service, cast: Cast, call: str, who: str, status: int, error: str
) -> None:
    form = "upload" in call
    headers, _ = request_of(getattr(cast, who), page=False, form=form)
    reply = ask(service, call.replace("{event}", str(cast.event)), headers)
    assert (reply.asked, reply.status, reply.error) == (False, status, error)
    assert reply.headers["connection"] == "close"


def test_a_form_of_a_page_keeps_its_csrf_check(service: Service, cast: Cast) -> None:
    headers, _ = request_of(cast.admin, page=True, form=True)
    for body in (b"", b"csrf_token=", b"csrf_token=" + csrf_of("another").encode()):
        reply = ask(service, f"POST /admin/events/{cast.event}/rematch", headers, body)
        assert (reply.asked, reply.status) == (True, 403)
    api = {"Cookie": headers["Cookie"], "Content-Type": "application/json"}
    reply = ask(service, f"PUT /api/admin/events/{cast.event}", api, b"{}")
    assert (reply.asked, reply.status, reply.error) == (False, 403, "CsrfMismatch")


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements that run during a test."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    sqlalchemy_event.listen(get_engine(), "before_cursor_execute", note)
    yield seen
    sqlalchemy_event.remove(get_engine(), "before_cursor_execute", note)


def test_the_account_and_the_event_are_loaded_once(service: Service, cast: Cast, statements: list[str]) -> None:
    headers, body = request_of(cast.busy_photographer, page=False, form=True)
    reply = ask(service, TAKES_A_LONG_BODY, headers, body)
    assert (reply.asked, reply.status) == (True, 422)
    assert len([each for each in statements if "FROM users" in each]) == 1
    assert len([each for each in statements if "FROM events" in each]) == 1


# --- what a body says about itself -----------------------------------------------------------------

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.mark.parametrize(
    "declared",
    [
        "{}; charset=undefined",
        "{}; charset=idna",
        "{}; charset=punycode",
        "{}; charset=utf-8\x00",
        "{}; charset=latin-1",
        '{}; charset="ISO-8859-1"',
        "{}; CHARSET=utf-16",
        "{}; Charset = UTF-7",
        "{};charset=utf-8;charset=undefined",
        "{}; charset*=undefined",
        "{}; charset*0=unde; charset*1=fined",
        "{}; charset=",
        "text/plain",
        "image/png",
        "application/xml; charset=utf-8",
    ],
)
@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("POST /logout", FORM),
        ("POST /login", "multipart/form-data; boundary=x"),
        ("POST /api/validate-selfie", "multipart/form-data; boundary=x"),
        ("POST /api/check-event-code", JSON),
    ],
)
def test_another_charset_or_type_is_a_415_that_reads_nothing(
    service: Service, call: str, kind: str, declared: str
) -> None:
    reply = ask(service, call, {"Content-Type": declared.format(kind), "Content-Length": "3"}, b"a=b")
    assert (reply.asked, reply.status, reply.error) == (False, 415, "UnsupportedBody")
    page = ask(
        service, call, {"Content-Type": declared.format(kind), "Content-Length": "3", "Accept": "text/html"}, b"a=b"
    )
    assert page.headers["content-type"].startswith("text/html") == ("/api/" not in call)


@pytest.mark.parametrize("declared", ["{}", "{}; charset=utf-8", '{}; charset="UTF-8"', "{};CHARSET=utf8", ""])
def test_utf8_is_read(service: Service, declared: str) -> None:
    headers = {"Content-Type": declared.format(JSON)} if declared else {}
    reply = ask(service, "POST /api/check-event-code", headers, b'{"event_code": "\xc3\xa9"}')
    assert reply.asked
    assert reply.status == (200 if declared else 422)


@pytest.mark.parametrize("packed", ["gzip", "br", "deflate, gzip", "x"])
def test_a_compressed_body_is_a_415(service: Service, packed: str) -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": packed}
    reply = ask(service, "POST /api/check-event-code", headers, b"{}")
    assert (reply.asked, reply.status) == (False, 415)


# --- what a form may hold --------------------------------------------------------------------------


def part(name: str, value: bytes, extra: str = "") -> bytes:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        part("username", b"x" * 20_000),
        part("username", b"x") * 30,
        part("file", b"x", '; filename="a.jpg"') * 30,
        b"--x\r\n" + b"X-Header: 1\r\n" * 50 + b"\r\n\r\n",
        b"--x\r\nX-Header: " + b"x" * 50_000 + b"\r\n\r\n\r\n",
        b"no boundary",
    ],
)
def test_a_form_beyond_its_limits_is_a_400(service: Service, parts: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for call in ("POST /api/register-invite-with-selfie", "POST /login"):
        reply = ask(service, call, headers, parts + b"--x--\r\n")
        assert (reply.status, reply.error) == (400, "InvalidRequest")
        page = ask(service, call, {**headers, "Accept": "text/html"}, parts + b"--x--\r\n")
        assert page.status == 400
        assert page.headers["content-type"].startswith("text/html") == ("/api/" not in call)


def test_a_page_answers_a_form_too_large_with_a_page(service: Service) -> None:
    headers = {"Content-Type": FORM, "Accept": "text/html"}
    for more in ({"Content-Length": str(2**30)}, {}):
        reply = ask(service, "POST /login", {**headers, **more}, b"a=" + b"b" * 2_000_000)
        assert (reply.status, reply.headers["connection"]) == (413, "close")
        assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"event_code":' * 50_000, b'{"event_code":' + b"[" * 900 + b"]" * 900 + b"}", b"1" * 50_000],
)
def test_json_of_any_depth_is_a_4xx(service: Service, body: bytes) -> None:
    reply = ask(service, "POST /api/check-event-code", {"Content-Type": JSON}, body)
    assert reply.status in (400, 422)
    assert reply.error == "InvalidRequest"


def test_no_more_requests_than_agreed_are_open_at_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from settings import get_settings

    monkeypatch.setattr(get_settings(), "max_open_requests", 0)
    reply = ask(service, "POST /api/check-event-code", {"Content-Type": JSON}, b"{}")
    assert (reply.asked, reply.status, reply.error) == (False, 503, "TooBusy")
    assert reply.headers["retry-after"]
    assert ask(service, "GET /livez", {}).status == 200
    monkeypatch.undo()
    monkeypatch.setattr(get_settings(), "max_bodies_bytes", 10)
    for _ in range(2):
        assert ask(service, "POST /api/check-event-code", {"Content-Type": JSON}, b" " * 70_000).status == 503
    # Small bodies are read all the same.
    assert ask(service, "POST /api/check-event-code", {"Content-Type": JSON}, b"{}").status == 422


def test_uploads_at_once_do_not_add_up_in_memory(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.formparsers import MultiPartParser

    from settings import get_settings

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    picture = part("file", b"no picture", '; filename="a.jpg"') + b"--x--\r\n"
    sizes = []
    for room in (32 * 2**20, 2**20):
        monkeypatch.setattr(get_settings(), "max_bodies_bytes", room)
        assert ask(service, "POST /api/validate-selfie", headers, picture).error == "InvalidImage"
        sizes.append(MultiPartParser.spool_max_size)
    assert sizes == [2**20, 2**14]
