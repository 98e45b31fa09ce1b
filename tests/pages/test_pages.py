"""Pages over HTTP: protection of forms, error pages, caching of static files."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from fastapi.routing import APIRoute

from api.sessions import SAFE_METHODS, SESSION_COOKIE, check_form
from pages.routes import ROUTERS
from testkit.builders import Service
from testkit.forms import form_token
from testkit.passwords import PASSWORD

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(autouse=True)
def fresh_browser(service: Service) -> Iterator[None]:
    """Remove all cookies."""
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


def show(service: Service, path: str, **headers: str) -> Any:
    return service.get(path, headers={**HTML, **headers}, follow_redirects=False)


def token_of(service: Service, path: str = "/login") -> str:
    return form_token(show(service, path).text)


def send(service: Service, path: str = "/login", **fields: str) -> Any:
    return service.post(path, data=fields, headers=HTML, follow_redirects=False)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(service: Service) -> None:
    guest = service.guest(service.event())
    token = token_of(service)
    answer = send(service, csrf_token=token, username=guest.name, password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/photos")
    (cookie,) = (line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION_COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    again = service.post(
        "/login",
        data={"csrf_token": token, "username": guest.name, "password": PASSWORD},
        headers=HTML,
        follow_redirects=False,
    )
    assert again.status_code == 303, "a form that is sent twice is harmless"


def test_a_token_of_before_the_login_is_good_for_nothing_else(service: Service) -> None:
    guest = service.guest(service.event())
    token = token_of(service)
    assert send(service, csrf_token=token, username=guest.name, password=PASSWORD).status_code == 303
    assert send(service, "/logout", csrf_token=token).status_code == 403


@pytest.mark.parametrize("path", ["/login", "/logout", "/language", "/theme"])
def test_no_other_site_can_send_our_forms(service: Service, path: str) -> None:
    service.admin  # noqa: B018 - an account to log in with
    assert send(service, path, username="chief", password=PASSWORD, value="en").status_code == 403
    stolen = token_of(service)
    service.client.cookies.clear()
    token_of(service)
    answer = send(service, path, csrf_token=stolen, username="chief", password=PASSWORD, value="en")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "restée ouverte trop longtemps" in answer.text


def test_every_page_that_takes_a_form_checks_where_it_comes_from() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    unchecked = [
        route.path
        for route in routes
        if not (route.methods or set()) <= {*SAFE_METHODS}
        and check_form not in {each.call for each in route.dependant.dependencies}
    ]
    # Mail programs send this form by themselves (RFC 8058); its address is the proof.
    assert unchecked == ["/unsubscribe/{token}"]


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("/photos?event=3", "/photos?event=3"),
        ("//evil.example", "/admin"),
        ("/\\evil.example", "/admin"),
        ("https://evil.example", "/admin"),
        ("/\t/evil.example", "/admin"),
        ("/login?next=/login", "/admin"),
    ],
)
def test_login_leads_only_to_pages_of_this_site(service: Service, asked: str, target: str) -> None:
    service.admin  # noqa: B018
    token = token_of(service)
    answer = send(service, csrf_token=token, username="chief", password=PASSWORD, next=asked)
    assert answer.headers["location"] == target
    assert show(service, f"/login?next={quote(asked)}").headers["location"] == target


def test_a_login_as_somebody_else_does_not_end_in_the_account_that_is_logged_in(service: Service) -> None:
    other, before = service.photographer(), token_of(service)
    secret = service.post("/api/me/second-factor", other, json={"password": PASSWORD}).json()["secret"]
    confirm = {"otp": pyotp.TOTP(secret).now()}
    codes = service.post("/api/me/second-factor/confirm", other, json=confirm).json()["recovery_codes"]
    service.admin  # noqa: B018
    send(service, csrf_token=before, username="chief", password=PASSWORD)
    assert show(service, "/login").headers["location"] == "/admin"
    old_tab = {"csrf_token": before, "username": other.name}
    send(service, **old_tab, password="wrong")
    assert "mot de passe" in show(service, "/login").text
    assert show(service, "/login").headers["location"] == "/admin", "it is said once"
    send(service, **old_tab, password=PASSWORD)
    page = show(service, "/login").text
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    token = form_token(page)
    answer = send(service, csrf_token=token, ticket=ticket, otp=codes[0])
    assert answer.headers["location"] == "/studio"


def test_a_form_that_lacks_something_says_what(service: Service) -> None:
    answer = send(service, csrf_token=token_of(service), username="amy<b>")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    page = show(service, "/login").text
    assert "Indiquez votre nom" in page
    assert 'value="amy&lt;b&gt;"' in page
    assert "Indiquez votre nom" not in show(service, "/login").text, "it is said once"


def test_a_ticket_for_an_account_cannot_be_made_up(service: Service) -> None:
    for forged in ("1.0.9999999999.x", "1.0.9999999999.", "x", "."):
        answer = send(service, csrf_token=token_of(service), ticket=forged)
        assert answer.headers["location"] == "/login"
        assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")


def test_errors_are_pages_for_people_and_json_for_programs(service: Service) -> None:
    assert "Cette page n’existe pas" in show(service, "/nowhere").text
    assert "This page doesn’t exist" in show(service, "/nowhere", **{"Accept-Language": "en"}).text
    assert show(service, "/nowhere").status_code == 404
    assert service.get("/nowhere").json()["error"] == "NotFound"
    assert show(service, "/api/nowhere").json()["error"] == "NotAuthenticated"
    assert show(service, "/static/x/nothing.css").json()["error"] == "NotFound"


def test_without_a_session_pages_lead_to_the_login_and_back(service: Service) -> None:
    answer = show(service, "/photos?event=3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fphotos%3Fevent%3D3")
    service.client.cookies.set(SESSION_COOKIE, "worn.out.token")
    assert show(service, "/studio").headers["location"] == "/login?next=%2Fstudio"
    assert show(service, "/login").status_code == 200


def test_pages_are_safe_and_not_kept(service: Service) -> None:
    headers = show(service, "/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


def test_files_are_kept_for_good_under_their_hash_alone(service: Service) -> None:
    found = re.search(r'href="(/static/[^"]+base\.css)"', show(service, "/").text)
    assert found
    answer = service.get(found[1])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert service.get(found[1], headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    older = service.get("/static/older/css/base.css")
    assert (older.status_code, older.headers["cache-control"]) == (200, "no-cache")
    for escape in ("/static/x/../../main.py", "/static/x/%2e%2e/rendering.py"):
        assert service.get(escape).status_code == 404


def test_it_can_be_installed(service: Service) -> None:
    manifest = service.get("/manifest.webmanifest", headers={"Accept-Language": "en"}).json()
    assert manifest["lang"] == "en"
    assert [service.get(icon["src"]).status_code for icon in manifest["icons"]] == [200] * 4
    worker = service.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"


def test_the_description_of_the_calls_needs_no_other_site(service: Service) -> None:
    page = show(service, "/docs").text
    found = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(found) == 4
    assert [service.get(url).status_code for url in found] == [200] * 4


@pytest.mark.parametrize(
    ("code", "named", "other"),
    [("NOWHERE9", "We don’t know the code “NOWHERE9”", "password"), ("", "name and password", "the code")],
)
def test_a_wrong_event_code_is_named_and_the_password_not_blamed(
    service: Service, code: str, named: str, other: str
) -> None:
    guest = service.guest(service.event())
    fields = {"username": guest.name, "password": PASSWORD if code else "another one", "event_code": code}
    send(service, csrf_token=token_of(service), **fields)
    shown = re.search(
        r'class="notice[^>]*>(.*?)</', show(service, "/login", **{"Accept-Language": "en"}).text, re.DOTALL
    )
    assert shown
    assert named in shown[1]
    assert other not in shown[1]


def test_a_code_of_another_event_is_named_beside_the_name(service: Service) -> None:
    guest, elsewhere = service.guest(service.event()), service.event()
    send(service, csrf_token=token_of(service), username=guest.name, password=PASSWORD, event_code=elsewhere.code)
    assert f"match the code “{elsewhere.code}”" in show(service, "/login", **{"Accept-Language": "en"}).text


def test_a_page_for_an_error_leads_back_to_the_form_and_not_to_its_address(service: Service) -> None:
    answer = service.post(
        "/forgot",
        data={"csrf_token": "stale", "email": "amy@example.org"},
        headers={**HTML, "Referer": "http://testserver/forgot"},
        follow_redirects=False,
    )
    assert answer.status_code == 403
    main = answer.text.partition("<main")[2]
    assert re.search(r"<a class=\"button main\"\s+href=\"/forgot\"", main), main
