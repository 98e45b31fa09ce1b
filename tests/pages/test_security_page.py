"""The page with the sessions and the password: a guest, a photographer, and what it says when something is wrong."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from accounts import tokens
from api.cookies import HOST_PREFIX
from api.sessions import SESSION_COOKIE
from testkit.builders import Person, Service
from testkit.passwords import OTHER_PASSWORD, PASSWORD
from tests.pages.test_pages import send, show, token_of

PAGE = "/account/security"


@pytest.fixture(autouse=True)
def fresh_browser(service: Service) -> Iterator[None]:
    """A browser without a session."""
    service.client.cookies.clear()
    yield
    service.client.cookies.clear()


def log_in(service: Service, who: Person, password: str = PASSWORD, code: str = "") -> str:
    """Log the browser in; return the session's cookie."""
    token = token_of(service)
    send(service, "/login", csrf_token=token, username=who.name, password=password, event_code=code)
    return session_cookie(service)


def session_cookie(service: Service) -> str:
    prefix = HOST_PREFIX if service.client.base_url.scheme == "https" else ""
    return service.client.cookies[f"{prefix}{SESSION_COOKIE}"]


def works(service: Service, token: str) -> bool:
    status: int = service.get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code
    return status == 200


@pytest.fixture(params=["http", "https"])
def scheme(service: Service, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that comes over http or over https, where the cookie has another name."""
    monkeypatch.setattr(service.client, "base_url", f"{request.param}://testserver")


@pytest.mark.usefixtures("scheme")
def test_logging_out_of_the_pages_ends_the_session(service: Service) -> None:
    cookie = log_in(service, service.guest(service.event()))
    assert works(service, cookie)
    assert send(service, "/logout", csrf_token=token_of(service, PAGE)).headers["location"] == "/"
    assert not works(service, cookie)


@pytest.mark.usefixtures("scheme")
def test_another_login_in_the_browser_ends_the_session_before(service: Service) -> None:
    guest = service.guest(service.event())
    first = log_in(service, guest)
    token = token_of(service, PAGE)
    send(service, "/login", csrf_token=token, username=guest.name, password=PASSWORD)
    assert works(service, session_cookie(service))
    assert not works(service, first)


def test_a_device_is_logged_out_by_its_button(service: Service) -> None:
    guest = service.guest(service.event())
    cookie = log_in(service, guest)
    page = show(service, PAGE).text
    (number,) = re.findall(r'name="session"\s+value="([^"]+)"', page)
    assert page.count("Cet appareil") == 1
    token = token_of(service, PAGE)
    for session in (number, number, "\x00", "é" * 500):
        assert send(service, f"{PAGE}/end", csrf_token=token, session=session).headers["location"] == PAGE
    assert "L’appareil est déconnecté." in show(service, PAGE).text
    assert [works(service, each) for each in (cookie, guest.token)] == [True, False]

    others = service.log_in(guest.name)
    assert send(service, f"{PAGE}/end-others", csrf_token=token).headers["location"] == PAGE
    assert [works(service, each) for each in (cookie, others)] == [True, False]


@pytest.mark.parametrize("kind", ["guest", "photographer"])
def test_the_password_is_changed_and_problems_are_said_at_their_field(service: Service, kind: str) -> None:
    event = service.event()
    who = service.guest(event) if kind == "guest" else event.photographer
    least = 8 if kind == "guest" else 15
    cookie = log_in(service, who)
    assert f'minlength="{least}"' in show(service, PAGE).text
    token = token_of(service, PAGE)
    cases = [
        ("wrong", OTHER_PASSWORD, "Ce n’est pas votre mot de passe actuel."),
        (PASSWORD, "seven77", f"Il faut au moins {least} caractères."),
        (PASSWORD, "Password1", "plus courants au monde"),
        (PASSWORD, "x" * 1025, "C’est trop long\u00a0: il faut"),
    ]
    if kind == "photographer":
        cases.append((PASSWORD, "passwordpassword", "se devine trop facilement"))
    for current, new, words in cases:
        send(service, f"{PAGE}/password", csrf_token=token, current=current, new=new)
        page = show(service, PAGE).text
        assert words in page
        assert new not in page
    send(service, f"{PAGE}/password", csrf_token=token, current=PASSWORD, new=PASSWORD)
    assert "C’est déjà votre mot de passe." in show(service, PAGE).text
    send(service, f"{PAGE}/password", csrf_token=token, current=PASSWORD, new=OTHER_PASSWORD)
    assert "Votre nouveau mot de passe est enregistré." in show(service, PAGE).text
    assert [works(service, each) for each in (cookie, who.token)] == [True, False]
    assert service.log_in(who.name, OTHER_PASSWORD)


def test_a_browser_from_before_the_release_stays_logged_in_by_a_new_password(service: Service) -> None:
    guest = service.guest(service.event())
    service.client.cookies.set(SESSION_COOKIE, tokens.issue(guest.id, 0, timedelta(hours=1)))
    token = token_of(service, PAGE)
    answer = send(service, f"{PAGE}/password", csrf_token=token, current=PASSWORD, new=OTHER_PASSWORD)
    (cookie,) = re.findall(rf"{SESSION_COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert works(service, cookie)


def test_with_a_session_only_its_own_token_is_accepted(service: Service) -> None:
    before = token_of(service)
    log_in(service, service.guest(service.event()))
    assert send(service, f"{PAGE}/end-others", csrf_token=before).status_code == 403
    assert send(service, "/theme", csrf_token=before, value="dark").status_code == 403
    assert send(service, f"{PAGE}/end-others", csrf_token=token_of(service, PAGE)).status_code == 303


def test_an_admin_logs_a_photographer_out_everywhere(service: Service) -> None:
    photographer = service.photographer()
    log_in(service, service.admin)
    page = f"/admin/photographers/{photographer.id}"
    answer = send(service, f"{page}/sessions", csrf_token=token_of(service, page))
    assert answer.headers["location"] == page
    assert "Le compte est déconnecté partout." in show(service, page).text
    assert not works(service, photographer.token)
    assert works(service, service.admin.token)
