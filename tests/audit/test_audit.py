"""The audit log: each act leaves an entry that names who did it, until the account is erased; none can be changed."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from database import transaction
from testkit.builders import Service, people
from testkit.passwords import PASSWORD


def log(service: Service, **asked: Any) -> list[dict[str, Any]]:
    answer = service.get("/api/admin/audit", service.admin, params=asked)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()
    return entries


def newest(service: Service, action: str) -> dict[str, Any]:
    entry = log(service, limit=1)[0]
    assert entry["action"] == action, entry
    return entry


def test_changes_of_an_event_are_told_with_who_made_them(service: Service) -> None:
    event = service.event()
    created = log(service, action="event", limit=1)[0]
    assert (created["action"], created["event_id"], created["actor"]["name"]) == ("event.created", event.id, "chief")
    assert created["actor_type"] == "admin"
    path = f"/api/admin/events/{event.id}"
    service.put(path, service.admin, json={"name": "Another", "timezone": "Europe/London", "event_code": "AUDITED7"})
    changed, code = log(service, action="event", limit=2)
    assert (code["action"], changed["details"]) == ("event.code_changed", {"fields": ["name", "timezone"]})
    before = len(log(service, limit=500))
    service.put(path, service.admin, json={"name": "Another", "photographer_ids": [event.photographer.id]})
    assert len(log(service, limit=500)) == before, "nothing changed"
    service.put(path, service.admin, json={"photographer_ids": []})
    newest(service, "event.photographers_changed")
    service.delete(path, service.admin)
    assert newest(service, "event.deleted")["event_id"] == event.id


def test_deleted_and_exported_photos_are_told(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    sent = service.upload(event, people(1), people(2))
    guest = service.guest(event)
    download = f"/api/user/events/{event.id}/photos.zip"
    before = len(log(service, limit=500))
    assert service.client.head(download, headers=guest.headers, params={"which": "all"}).status_code == 200
    weight = f"/photos/weight?event={event.id}&show=all"
    assert service.get(weight, guest).status_code == 200
    assert len(log(service, limit=500)) == before, "nothing was downloaded"
    assert service.get(download, guest, params={"which": "all"}).status_code == 200
    exported = newest(service, "photos.exported")
    assert (exported["actor"]["name"], exported["actor_type"]) == (guest.name, "user")
    assert exported["details"] == {"number": 2}
    ids = ",".join(str(photo["id"]) for photo in sent["uploaded_photos"])
    assert service.delete("/api/photos", event.photographer, params={"photo_ids": ids}).status_code == 200
    deleted = newest(service, "photos.deleted")
    assert (deleted["actor"]["name"], deleted["details"], deleted["event_id"]) == (
        event.photographer.name, {"number": 2}, event.id,
    )  # fmt: skip


def test_a_look_at_somebodys_selfie_is_told_and_ones_own_is_not(service: Service) -> None:
    guest = service.guest_found_as(service.event(), 4)
    before = len(log(service, limit=500))
    assert service.get(f"/api/selfie/{guest.id}", guest).status_code == 200
    assert len(log(service, limit=500)) == before
    assert service.get(f"/api/selfie/{guest.id}", service.admin).status_code == 200
    entry = newest(service, "selfie.viewed")
    assert (entry["actor"]["name"], entry["subject"]["name"]) == ("chief", guest.name)
    assert [each["action"] for each in log(service, about=entry["subject"]["pseudonym"])] == ["selfie.viewed"]


def test_an_erased_account_is_named_nowhere_in_the_log(service: Service) -> None:
    guest = service.guest_found_as(service.event(), 4)
    service.get(f"/api/selfie/{guest.id}", service.admin)
    pseudonym = newest(service, "selfie.viewed")["subject"]["pseudonym"]
    erased = service.client.request("DELETE", "/api/me", headers=guest.headers, json={"password": PASSWORD})
    assert erased.status_code == 200
    entries = log(service, about=pseudonym)
    assert [each["action"] for each in entries] == ["account.erased", "selfie.viewed"]
    assert {each["subject"]["name"] for each in entries} == {None}
    assert entries[0]["actor"] == {"pseudonym": pseudonym, "name": None}
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM pseudonyms WHERE pseudonym = :it"), {"it": pseudonym}) == 0


@pytest.mark.parametrize("change", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"])
def test_the_database_refuses_to_change_an_entry(service: Service, change: str) -> None:
    service.event()
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text(change))


def test_the_log_is_for_admins_and_comes_in_pages(service: Service) -> None:
    service.event()
    event = service.event()
    for person in (service.guest(event), event.photographer):
        assert service.get("/api/admin/audit", person).status_code == 403
    first = service.get("/api/admin/audit", service.admin, params={"limit": 1})
    after = service.get(
        "/api/admin/audit", service.admin, params={"limit": 1, "cursor": first.headers["x-next-cursor"]}
    )
    assert after.json()[0]["id"] < first.json()[0]["id"]
    assert int(first.headers["x-total-count"]) >= 2
    for wrong in ({"cursor": "x"}, {"cursor": "9" * 30}, {"action": "%"}, {"about": "é"}, {"limit": 0}):
        assert 400 <= service.get("/api/admin/audit", service.admin, params=wrong).status_code < 500


def test_the_page_shows_the_log(service: Service) -> None:
    guest = service.guest_found_as(service.event(), 4)
    service.get(f"/api/selfie/{guest.id}", service.admin)
    page = service.get("/admin/audit?kind=selfie", service.admin, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "portrait regardé" in page.text
    assert guest.name in page.text
    assert "événement créé" not in page.text
    refused = service.get("/admin/audit", guest, headers={"Accept": "text/html"})
    assert refused.status_code == 403


def test_refusals_are_in_the_security_log_without_what_was_sent(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    guest = service.guest(service.event())
    service.post("/api/login", json={"username": guest.name, "password": "not the password at all"})
    service.get("/api/admin/audit", guest)
    service.get("/api/stats", guest)
    service.get("/api/me", headers={"Authorization": "Bearer stolen.to.ken"})
    service.get("/nope%0aFAKE")
    assert all("\n" not in each.getMessage() for each in caplog.records if each.name == "reperio.access")
    lines = [each.getMessage() for each in caplog.records if each.name == "reperio.security"]
    assert lines == [
        "refused POST /api/login: 401 BadCredentials, by service",
        "refused GET /api/admin/audit: 403 AdminsOnly, by user",
        "refused GET /api/stats: 403 AdminsOnly, by user",
        "refused GET none: 401 InvalidToken, by service",
    ]


def test_a_failed_job_tells_a_guest_words(service: Service) -> None:
    guest = service.guest_found_as(service.event(), 4)
    with transaction() as session:
        session.execute(
            text("UPDATE selfies SET status = 'failed', error = :what WHERE user_id = :guest"),
            {"what": "OperationalError: SELECT * FROM faces /srv/reperio/storage", "guest": guest.id},
        )
    state = service.get("/api/rematch-status", guest, headers={"Accept-Language": "en"}).json()
    assert (state["status"], state["detail"]) == (
        "error", "The processing failed. The staff of the event can start it again.",
    )  # fmt: skip
