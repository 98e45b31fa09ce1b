"""What browsers are told with every answer; host names, other origins, cookies over https, closed documentation."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from api.sessions import SESSION_COOKIE
from settings import get_settings
from testkit.application import application

PUBLIC = "https://photos.example.org"
Browse = Callable[..., TestClient]


@pytest.fixture
def browse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browse]:
    """A function that returns a client of the application with these settings, at `address`."""

    def client(address: str, **settings: str) -> TestClient:
        for name, value in {"SECRET_KEY": "x" * 40, **settings}.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        return TestClient(application(), base_url=address, raise_server_exceptions=False, follow_redirects=False)

    yield client
    monkeypatch.undo()
    get_settings.cache_clear()


PATHS = (
    "/livez",
    "/login",
    "/nowhere",
    "/api/me",
    "/static/x/css/base.css",
    "/sw.js",
    "/api/all-photos/",
    "/offline",
)


def test_every_answer_carries_the_security_headers(browse: Browse) -> None:
    client = browse(PUBLIC, PUBLIC_URL=PUBLIC)
    for answer in (*(client.get(path) for path in PATHS), client.post("/login"), client.put("/livez")):
        where = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        assert answer.headers["x-content-type-options"] == "nosniff", where
        assert answer.headers["referrer-policy"] == "same-origin", where
        assert answer.headers["strict-transport-security"].startswith("max-age=3"), where
        assert answer.headers["content-security-policy"].startswith("default-src 'none'"), where
        assert answer.headers["cache-control"], where
    assert client.get("/api/me").headers["cache-control"] == "no-store"


def test_plain_http_is_not_told_to_use_https(browse: Browse) -> None:
    answer = browse("http://localhost:8000").get("/login")
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_cookies_are_bound_to_the_host_over_https(browse: Browse) -> None:
    for path, send in (("/login", "GET"), ("/language", "POST")):
        client = browse(PUBLIC, PUBLIC_URL=PUBLIC)
        client.get("/login")
        answer = client.request(send, path, data={"value": "en"} if send == "POST" else None)
        for cookie in answer.headers.get_list("set-cookie"):
            assert cookie.startswith("__Host-reperio_"), cookie
            assert "Secure" in cookie
            assert "Path=/" in cookie
            assert "Domain" not in cookie


def test_cookies_have_plain_names_on_localhost(browse: Browse) -> None:
    client = browse("http://localhost:8000", PUBLIC_URL=PUBLIC)
    (cookie,) = client.get("/login").headers.get_list("set-cookie")
    assert cookie.startswith("reperio_visitor=")
    assert "secure" not in cookie.lower()


def test_a_plain_cookie_is_nothing_over_https(browse: Browse) -> None:
    client = browse(PUBLIC, PUBLIC_URL=PUBLIC)
    plain = {"Cookie": f"reperio_language=en; {SESSION_COOKIE}=x"}
    assert '<html lang="fr"' in client.get("/login", headers=plain).text
    bound = {"Cookie": "__Host-reperio_language=en"}
    assert '<html lang="en"' in client.get("/login", headers=bound).text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "photos.example.org.evil.example",
        "photos.example.org@evil.example",
        "[",
        "a b",
        "",
        "x/../y",
        "ü",
    ],
)
def test_another_host_name_is_refused(browse: Browse, host: str) -> None:
    client = browse("http://localhost:8000", PUBLIC_URL=PUBLIC)
    for path in ("/login", "/api/me", "/docs"):
        answer = client.get(path, headers={b"Host": host.encode("latin-1")})
        assert answer.status_code == 421, answer.text
        assert answer.json()["error"] == "UnknownHost"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["photos.example.org", "PHOTOS.example.org:443", "localhost:8000", "127.0.0.1", "www.example.org"]
)
def test_known_host_names_are_answered(browse: Browse, host: str) -> None:
    client = browse("http://localhost:8000", PUBLIC_URL=PUBLIC, ALLOWED_HOSTS="WWW.example.org")
    assert client.get("/login", headers={"Host": host}).status_code == 200


def test_monitors_ask_by_any_address(browse: Browse) -> None:
    client = browse("http://localhost:8000", PUBLIC_URL=PUBLIC)
    assert client.get("/livez", headers={"Host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.parametrize("host", ["[", "a b", "x@y"])
def test_a_malformed_host_name_is_no_failure_without_a_public_address(browse: Browse, host: str) -> None:
    client = browse("http://localhost:8000")
    assert client.get("/login", headers={"Host": host}).status_code == 421
    assert client.get("/login", headers={"Host": "phone.local:8000"}).status_code == 200


def preflight(client: TestClient, origin: str) -> dict[str, str]:
    """Return the CORS headers of the browser's question before a call with a token."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = client.options("/api/me", headers=asked)
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_no_other_origin_may_call_by_default(browse: Browse) -> None:
    client = browse("http://localhost:8000")
    assert preflight(client, "https://app.example.org") == {}
    assert "access-control-allow-origin" not in client.get("/livez", headers={"Origin": "https://x.example"}).headers


def test_a_named_origin_may_call(browse: Browse) -> None:
    client = browse("http://localhost:8000", CORS_ORIGINS="https://app.example.org, http://localhost:5173")
    for origin in ("https://app.example.org", "http://localhost:5173"):
        told = preflight(client, origin)
        assert told["access-control-allow-origin"] == origin
        assert told["access-control-allow-credentials"] == "true"
        assert "PUT" in told["access-control-allow-methods"]
        refused = client.get("/api/me", headers={"Origin": origin})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == origin, "the page may read why"
        assert "X-Total-Count" in refused.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in preflight(client, "https://app.example.org.evil.example")


def test_the_documentation_is_closed_in_production(browse: Browse) -> None:
    production = {
        "APP_ENV": "production", "PUBLIC_URL": PUBLIC, "MONITORING_TOKEN": "m" * 30,
        "DATABASE_URL": "sqlite:///./nowhere.db",
    }  # fmt: skip
    client = browse(PUBLIC, **production)
    monitor = {"Authorization": f"Bearer {'m' * 30}"}
    for path in ("/docs", "/openapi.json"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=monitor).status_code == 200
    assert browse(PUBLIC, **production, PUBLIC_DOCS="true").get("/openapi.json").status_code == 200
    assert browse(PUBLIC, APP_ENV="development", PUBLIC_DOCS="false").get("/docs").status_code == 401
