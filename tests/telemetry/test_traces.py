"""Traces as a collector receives them from a real server: one upload is one trace, without personal data."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from testkit.builders import people
from testkit.collector import Collector, SentSpan, running_collector
from testkit.event_photos import send_photos
from testkit.servers import ROOT, TLS, Api, Launcher, create_event, wait_until

pytestmark = pytest.mark.server
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UPLOAD = "POST /api/photographer/events/{event_id}/upload-photos"
FAST = {"OTEL_BSP_SCHEDULE_DELAY": "100", "FACE_RECOGNIZER_PROVIDER": "fake", "GUNICORN_WORKERS": "1"}


@dataclass(frozen=True, slots=True)
class Traced:
    """A server that sends its traces to a collector."""

    launcher: Launcher
    collector: Collector


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def traced(
    request: pytest.FixtureRequest, postgres: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traced]:
    """A server with traces."""
    url = postgres("psycopg") if request.param == "postgresql" else None
    with running_collector() as collector:
        launcher = Launcher(tmp_path_factory.mktemp("traced"), url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **FAST)
        try:
            launcher.start()
            yield Traced(launcher, collector)
        finally:
            launcher.stop()


def call(traced: Traced, method: str, path: str, **kwargs: Any) -> httpx2.Response:
    return httpx2.request(method, f"{traced.launcher.url}{path}", verify=TLS, **kwargs)


def spans_of(collector: Collector, trace: str) -> list[SentSpan]:
    return [each for each in collector.spans if each.trace == trace]


def test_an_upload_its_job_and_what_they_call_are_one_trace(traced: Traced) -> None:
    event = create_event(traced.launcher.server, photographer="zoe")
    send_photos(event.photographer, event.id, [people(1)])
    wait_until(lambda: bool(traced.collector.trace(UPLOAD)), 10, "the request's span")
    wait_until(lambda: any(s.name == "job photos" for s in traced.collector.trace(UPLOAD)), 10, "the job's span")
    spans = traced.collector.trace(UPLOAD)
    assert len({each.trace for each in spans}) == 1
    (request,), (job,) = ([s for s in spans if s.name == name] for name in (UPLOAD, "job photos"))
    below = {span.id: {each.name for each in spans if each.parent == span.id} for span in spans}
    assert request.parent == ""
    assert job.parent == request.id
    assert job.attributes == {
        "reperio.job.kind": "photos",
        "reperio.job.attempt": 1,
        "reperio.job.outcome": "done",
    }
    assert "storage put" in below[request.id]
    assert "INSERT photos" in below[request.id]
    (decoding,) = [s for s in spans if s.name == "decode photo"]
    assert decoding.parent == job.id
    # What the process that decodes has read and stored: the original, and the renditions.
    inside = [s.name for s in spans if s.parent == decoding.id]
    assert inside.count("storage get") == 1
    assert inside.count("storage put") >= 2
    assert all(decoding.began <= s.began <= s.ended <= decoding.ended for s in spans if s.parent == decoding.id)
    assert any(name.startswith("INSERT face") for name in below[job.id])
    assert {s.resource["service.name"] for s in spans} == {"reperio"}
    assert not any(each.failed for each in spans)


def test_a_selfie_and_its_job_are_one_trace_whose_id_is_the_answers(traced: Traced) -> None:
    event = create_event(traced.launcher.server, photographer="ben")
    who = {"username": "ida", "email": "ida@example.org", "password": "a long pass phrase"}
    with Api(traced.launcher.server) as anyone:
        body = {"user_data": who, "event_code": event.code}
        anyone.call("POST", "/api/register-with-event-code", json=body)
        guest = anyone.logged_in("ida", who["password"], event.code)
    files = {"file": ("me.jpg", people(1), "image/jpeg")}
    answer = call(
        traced, "POST", "/api/upload-selfie", files=files, headers={"Authorization": f"Bearer {guest.token}"}
    )
    assert answer.status_code == 200
    trace = answer.headers["x-request-id"]

    def names() -> set[str]:
        return {each.name for each in spans_of(traced.collector, trace)}

    wait_until(lambda: {"POST /api/upload-selfie", "job selfies"} <= names(), 20, "both spans")


def test_a_caller_may_bring_its_trace_but_does_not_decide_that_it_is_kept(traced: Traced) -> None:
    answer = call(
        traced,
        "POST",
        "/api/check-event-code",
        json={"event_code": "NONE"},
        headers={"traceparent": f"00-{TRACE}-{SPAN}-00"},
    )
    given = answer.headers["x-request-id"]
    assert given.startswith(f"{TRACE}-")

    def requests() -> list[SentSpan]:
        return [each for each in spans_of(traced.collector, TRACE) if each.parent == SPAN]

    wait_until(lambda: bool(requests()), 10, "the span")
    (span,) = requests()
    assert f"{TRACE}-{span.id}" == given
    # An id of the caller goes before; the caller's trace is then linked.
    both = {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-ID": "mobile-77"}
    answer = call(traced, "POST", "/api/check-event-code", json={"event_code": "NONE"}, headers=both)
    assert answer.headers["x-request-id"] == "mobile-77"
    wait_until(lambda: any(TRACE in each.links for each in traced.collector.spans), 10, "the linked span")


def test_what_is_sent_holds_nothing_of_people(traced: Traced) -> None:
    event = create_event(traced.launcher.server, photographer="Quentinmarie")
    secret = {"username": "Wilhelmina", "email": "wilhelmina@example.org", "password": "correct horse battery"}
    with Api(traced.launcher.server) as anyone:
        anyone.call("POST", "/api/register-with-event-code", json={"user_data": secret, "event_code": event.code})
        guest = anyone.logged_in("Wilhelmina", secret["password"], event.code)
        with pytest.raises(Exception, match="401"):
            anyone.logged_in("Wilhelmina", "wrong horse", event.code)
    files = {"files": ("Honeymoon-in-Lisbon.jpg", people(2), "image/jpeg")}
    path = f"/api/photographer/events/{event.id}/upload-photos"
    event.photographer.call("POST", path, files=files)
    headers = {"Authorization": f"Bearer {guest.token}"}
    call(traced, "GET", "/api/my-photos?note=Honeymoon", headers=headers)
    call(traced, "GET", f"/join/{event.code}")
    call(traced, "GET", "/shared/some-token-of-a-link")
    call(traced, "GET", "/no-such-page/Wilhelmina")
    last = call(traced, "POST", "/api/check-event-code", json={"event_code": event.code})
    wait_until(lambda: bool(spans_of(traced.collector, last.headers["x-request-id"])), 10, "the last span")
    wait_until(lambda: bool(traced.collector.named("job photos")), 10, "the job")
    sent = b"\n".join(traced.collector.bodies)
    told = [event.code, guest.token, "Wilhelmina", "wilhelmina@", "Quentinmarie", "correct horse", "wrong horse"]
    told += ["Honeymoon", "some-token-of-a-link", "no-such-page", "127.0.0.1", "python-httpx"]
    assert [each for each in told if each.encode() in sent or each.lower().encode() in sent] == []
    assert b"/api/login" in sent, "the search would find what is there"


def test_probes_and_scrapes_are_not_recorded(traced: Traced) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        call(traced, "GET", path)
    last = call(traced, "POST", "/api/check-event-code", json={"event_code": "NONE"})
    wait_until(lambda: bool(spans_of(traced.collector, last.headers["x-request-id"])), 10, "the last span")
    assert {"/livez", "/readyz", "/metrics"} & {each.name.split()[-1] for each in traced.collector.spans} == set()


def test_a_collector_that_hangs_delays_nobody_and_the_end_sends_what_is_left(tmp_path: Path) -> None:
    few = {
        "OTEL_BSP_MAX_QUEUE_SIZE": "64",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
    }
    # Several calls of the collector end without an answer, each with a line of the SDK's.
    timeout = {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
    with running_collector() as collector:
        collector.gate.clear()
        launcher = Launcher(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **{**FAST, **few, **timeout})
        try:
            launcher.start()
            with httpx2.Client(base_url=launcher.url, verify=TLS) as client:
                for _ in range(100):
                    assert client.get("/login").status_code == 200
                wait_until(lambda: collector.requests > 3, 20, "calls of the collector")
                assert collector.spans == [], "it has answered none"
                collector.gate.set()
                last = client.get("/login").headers["x-request-id"]
        finally:
            launcher.stop()
        assert [each.name for each in spans_of(collector, last) if not each.parent] == ["GET /login"]
    log = (tmp_path / "server.log").read_text()
    assert log.count("traces are not delivered") == 1
    assert "opentelemetry" not in log


@pytest.mark.parametrize(
    "given",
    [
        {},
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
            marks=pytest.mark.long,
        ),
    ],
)
def test_without_an_endpoint_nothing_is_imported(given: dict[str, str], tmp_path: Path) -> None:
    program = """
import sys
import migrations.upgrade
migrations.upgrade.upgrade()
import main
from starlette.testclient import TestClient
with TestClient(main.app) as client:
    assert client.get("/livez").status_code == 200
theirs = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf", "requests")
print([each for each in theirs if each in sys.modules], "telemetry.export" in sys.modules)
"""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "STORAGE_URL": f"file://{tmp_path}/storage",
        "SECRET_KEY": "x" * 40,
        "FACE_RECOGNIZER_PROVIDER": "fake",
        **given,
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[] False", done.stderr
