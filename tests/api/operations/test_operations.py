"""Calls for operators: liveness, readiness, statistics and capabilities."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import obstore
import pytest
from sqlalchemy import delete

import operations.service
import storage
from api.sessions import SESSION_COOKIE
from database import transaction
from faces.fake import ENGINE_ID, OTHER_ENGINE_ID
from jobs import pairing
from models import DONE, FAILED, PENDING, Event, Photo, Reembedding, utcnow
from operations.service import forget_counts
from settings import get_settings
from stored import identity
from testkit.builders import Service, people
from testkit.pictures import refused
from tests.conftest import wait_until

CONTRACT = """
POST /api/check-event-code
POST /api/check-user-availability
POST /api/password-reset
POST /api/password-reset/confirm
POST /api/admin/users/{user_id}/reset-link
POST /api/validate-selfie
POST /api/register-with-event-code
POST /api/register-invite-with-selfie
POST /api/login
GET /api/me
POST /api/join-event
GET /api/user/events
POST /api/upload-selfie
GET /api/rematch-status
GET /api/my-selfie
DELETE /api/my-selfie
GET /api/selfie/{user_id}
GET /api/my-photos
GET /api/all-photos
GET /api/user/events/{event_id}/photos
GET /api/user/events/{event_id}/all-photos
GET /api/photo/{photo_id}
GET /api/image/{filename}
GET /api/user/event-expiration
GET /api/photographer/events
GET /api/photographer/my-event
POST /api/photographer/events/{event_id}/upload-photos
GET /api/photographer/events/{event_id}/photos
POST /api/photographer/events/{event_id}/rematch
POST /api/upload-photo
POST /api/upload-photos
GET /api/my-uploaded-photos
DELETE /api/photos/{photo_id}
DELETE /api/photos
GET /api/admin/photographers
POST /api/admin/photographers
PUT /api/admin/photographers/{photographer_id}
DELETE /api/admin/photographers/{photographer_id}
GET /api/admin/events
POST /api/admin/create-event
PUT /api/admin/events/{event_id}
DELETE /api/admin/events/{event_id}
POST /api/admin/generate-event-code
POST /api/admin/set-event-code
GET /api/admin/event-qr/{event_code}
POST /api/admin/events/{event_id}/rematch
GET /api/admin/provider
GET /api/stats
GET /livez
GET /readyz
"""
PUBLIC = {
    *("check-event-code", "event-info", "check-user-availability", "validate-selfie", "login"),
    *("password-reset", "password-reset/confirm", "confirm-address", "push-renewal"),
}
COUNTS = {"users", "photos", "faces", "face_matches", "events", "selfies", "jobs", "db_pool", "cache"}


def monitor() -> dict[str, str]:
    """The header of the monitoring system."""
    return {"Authorization": f"Bearer {get_settings().monitoring_token}"}


def calls(service: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in service.get("/openapi.json").json()["paths"].items():
        for method, call in methods.items():
            yield f"{method.upper()} {path}", call


@pytest.fixture
def ready(service: Service) -> Service:
    """The service once it is ready: the face engine loads in a process of its own."""
    wait_until(lambda: service.get("/readyz").status_code == 200)
    return service


def test_it_is_alive(service: Service) -> None:
    assert service.get("/livez").status_code == 200


def test_monitors_may_ask_for_the_head_alone(ready: Service) -> None:
    for path in ("/livez", "/readyz", "/login", "/docs"):
        assert ready.client.head(path).status_code == ready.get(path).status_code == 200


def test_it_is_ready(ready: Service) -> None:
    answer = ready.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "ready", "database": "ok", "storage": "ok", "face_engine": "ok"}
    assert ready.files() == [], "the trial leaves nothing behind"


def test_asking_often_writes_to_the_storage_once(ready: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    writes, real = list[str](), obstore.put

    def put(store: Any, key: str, data: bytes) -> Any:
        # These threads mark the storage and the key store as the installation's own, soon after the start.
        if threading.current_thread().name not in ("inference", "pairing"):
            writes.append(key)
        return real(store, key, data)

    forget_counts()
    monkeypatch.setattr(obstore, "put", put)
    assert {ready.get("/readyz").status_code for _ in range(20)} == {200}
    assert len(writes) == 1


def test_a_sweep_that_refuses_is_told_and_the_service_stays_ready(ready: Service) -> None:
    identity.take_storage("another")
    forget_counts()
    answer = ready.get("/readyz")
    storage.delete([identity.KEY])
    # Seen at once, although what was found a moment ago is kept for ten seconds.
    identity.take_storage(pairing.own().uuid)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert "another installation" in answer.json()["sweep"]
    assert "sweep" not in ready.get("/readyz").json()


def test_it_is_not_ready_without_storage(ready: Service) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_URL", "file:///proc/nowhere")
        get_settings.cache_clear()
        answer = ready.get("/readyz")
    get_settings.cache_clear()
    assert answer.status_code == 503
    assert answer.json()["storage"] != "ok"
    assert answer.json()["database"] == "ok"
    assert ready.get("/readyz").status_code == 200


def test_the_counts_follow_the_work(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    operations.service.forget_counts()
    before = service.get("/api/stats", service.admin).json()
    service.upload(event, people(1, 2), people(3))
    service.process_photos(event)
    service.send_selfie(guest, people(1))
    service.settle(guest)
    operations.service.forget_counts()
    after = service.get("/api/stats", headers=monitor()).json()
    assert set(after) >= COUNTS
    grown = {name: after[name] - before[name] for name in ("photos", "faces", "face_matches", "selfies", "users")}
    assert grown == {"photos": 2, "faces": 3, "face_matches": 1, "selfies": 1, "users": 0}
    assert set(after["db_pool"]) >= {"size", "checked_out", "overflow"}
    assert after["db_pool"]["checked_out"] >= 0


def test_the_counts_are_for_admins_and_monitors(service: Service) -> None:
    event = service.event()
    for person in (service.guest(event), event.photographer):
        refused(service.get("/api/stats", person), 403, "AdminsOnly")
        refused(service.get("/api/admin/provider", person), 403, "AdminsOnly")
    refused(service.get("/api/stats"), 401, "NotAuthenticated")
    for token in ("monitoring-token", "monitoring-token-for-tests-", "é"):
        headers = {b"Authorization": f"Bearer {token}".encode()}
        refused(service.get("/api/stats", headers=headers), 401, "InvalidToken")


def test_the_provider_says_which_engine_works(service: Service) -> None:
    answer = service.get("/api/admin/provider", service.admin).json()
    assert answer["provider"] == "fake"
    assert answer["ready"] is True
    assert answer["changes"] == []


def test_the_provider_and_the_dashboard_say_how_far_events_have_changed_to_it(service: Service) -> None:
    event = service.event(name="Bal des pompiers")
    service.upload(event, *(people(number) for number in range(1, 5)))
    photo_ids = [photo["id"] for photo in service.process_photos(event)]
    with transaction() as session:
        session.get_one(Event, event.id).active_engine_id = OTHER_ENGINE_ID
        for photo_id, status in zip(photo_ids, (PENDING, FAILED, DONE), strict=False):
            session.get_one(Photo, photo_id).engine_id = OTHER_ENGINE_ID
            job = Reembedding(photo_id=photo_id, event_id=event.id, engine_id=ENGINE_ID, status=status)
            # Not to be claimed by the running service.
            job.lease_until = utcnow() + timedelta(days=1)
            session.add(job)
    (change,) = service.get("/api/admin/provider", service.admin).json()["changes"]
    told = {"event_id": event.id, "event_name": "Bal des pompiers", "done": 2, "total": 4, "failed": 1}
    assert change == told
    (failed,) = service.get("/api/admin/jobs", service.admin).json()["failed"]
    assert (failed["kind"], service.get("/api/stats", service.admin).json()["jobs"]["reembeddings"]["pending"]) == (
        "reembeddings",
        1,
    )
    browser = {"Accept-Language": "en", "Cookie": f"{SESSION_COOKIE}={service.admin.token}"}
    page = service.get("/admin", headers=browser)
    assert "2 of 4 photos looked at again" in page.text
    assert "1 photo could not be read" in page.text
    body = {"kind": "reembeddings", "id": failed["id"]}
    assert service.post("/api/admin/jobs/retry", service.admin, json=body).json() == {"retried": 1}
    with transaction() as session:
        session.get_one(Event, event.id).active_engine_id = ENGINE_ID
        session.execute(delete(Reembedding))


def test_openapi_lists_every_call_of_the_contract(service: Service) -> None:
    listed = dict(calls(service))
    wanted = set(CONTRACT.split("\n")) - {""}
    assert wanted - set(listed) == set()
    assert all(listed[name].get("summary") for name in listed)
    assert service.get("/docs").status_code == 200


def test_openapi_lists_the_errors_of_every_guarded_call(service: Service) -> None:
    for name, call in calls(service):
        path = name.split(" ")[1].removeprefix("/api/")
        if path not in PUBLIC and not path.startswith(("/", "register", "shared/")):
            assert "401" in call["responses"], name


def test_openapi_gives_examples_of_errors(service: Service) -> None:
    (registration,) = [call for name, call in calls(service) if name == "POST /api/register-with-event-code"]
    content = registration["responses"]["404"]["content"]["application/json"]
    example = content["examples"]["EventNotFound"]["value"]
    assert example == {"detail": "Code événement invalide", "error": "EventNotFound"}


def test_openapi_references_resolve(service: Service) -> None:
    schema = service.get("/openapi.json")
    known = set(schema.json()["components"]["schemas"])
    references = {part.split('"')[0] for part in schema.text.split("#/components/schemas/")[1:]}
    assert references <= known


def test_a_large_json_body_is_refused_unread(service: Service) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.post("/api/login", content=b'{"username":"' + b"x" * 2_000_000, headers=headers)
    refused(answer, 413, "BodyTooLarge")

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    refused(service.post("/api/login", content=chunks(), headers=headers), 413, "BodyTooLarge")


def test_english_for_whoever_prefers_it(service: Service) -> None:
    assert "Please log in" in service.get("/api/me", headers={"Accept-Language": "en-US,en;q=0.9"}).json()["detail"]
    assert "Authentification" in service.get("/api/me", headers={"Accept-Language": "de, *;q=0.1"}).json()["detail"]
    assert "Authentification" in service.get("/api/me", headers={"Accept-Language": "en;q=x,;;"}).json()["detail"]
