"""`python -m accounts.admin`: staff accounts without a log-in."""

import io
import sys
from contextlib import suppress

import pytest

from accounts import admin
from testkit.builders import Service
from testkit.passwords import PASSWORD

OTHER = "a rather long sentence 42"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> None:
    monkeypatch.setattr(sys, "argv", ["accounts.admin", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    admin.main()


def may_log_in(service: Service, name: str, password: str) -> bool:
    return bool(service.post("/api/login", json={"username": name, "password": password}).status_code == 200)


def test_an_admin_is_made_gets_another_password_and_is_closed(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service.admin  # noqa: B018 - so that there is another admin
    run(monkeypatch, "new", "zoe", "--email", "zoe@example.org", typed=f"{PASSWORD}\n")
    token = service.log_in("zoe")
    headers = {"Authorization": f"Bearer {token}"}
    assert service.get("/api/admin/events", headers=headers).status_code == 200
    run(monkeypatch, "password", "zoe@example.org", typed=f"{OTHER}\n")
    assert service.get("/api/me", headers=headers).status_code == 401, "its sessions end"
    assert may_log_in(service, "zoe", OTHER)
    run(monkeypatch, "close", "zoe")
    assert not may_log_in(service, "zoe", OTHER)
    run(monkeypatch, "list")
    assert "zoe  <zoe@example.org>  closed, password only" in capsys.readouterr().out
    run(monkeypatch, "open", "zoe")
    assert may_log_in(service, "zoe", OTHER)
    entries = service.get("/api/admin/audit", service.admin, params={"action": "staff"}).json()
    told = [(each["actor_type"], each["action"]) for each in entries if (each["subject"] or {}).get("name") == "zoe"]
    assert ("shell", "staff.created") in told
    assert told.count(("shell", "staff.changed")) == 2


def test_without_a_password_one_is_drawn_and_shown(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "new", "rob", "--photographer")
    drawn = capsys.readouterr().out.strip().rpartition(" ")[2]
    assert may_log_in(service, "rob", drawn)


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (("new", "chief"), f"{PASSWORD}\n", "already in use"),
        (("new", "ann"), "short\n", "at least 15 characters"),
        (("new", " "), "", "malformed"),
        (("new", "ann", "--email", "nonsense"), "", "malformed"),
        (("password", "nobody"), "", "no photographer or admin is called nobody"),
        (("close", "chief"), "", "the last open admin"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    service: Service, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], typed: str, reason: str
) -> None:
    service.admin  # noqa: B018
    with suppress(SystemExit):
        run(monkeypatch, "close", "zoe")
    with pytest.raises(SystemExit, match=reason):
        run(monkeypatch, *arguments, typed=typed)


def test_guests_are_not_reached(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = service.guest(service.event())
    with pytest.raises(SystemExit, match="no photographer or admin"):
        run(monkeypatch, "password", guest.name, typed=f"{OTHER}\n")
    assert may_log_in(service, guest.name, PASSWORD)
