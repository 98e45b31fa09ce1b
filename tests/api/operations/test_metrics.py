"""The metrics are those of all processes together, and only authorised callers read them."""

import re
import time
from pathlib import Path

import httpx2
import pytest

from testkit.builders import Service, people
from testkit.servers import TLS, Launcher

TOKEN = {"Authorization": "Bearer monitoring-token-for-tests"}


def figure(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_the_queue_and_the_jobs_are_shown(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1))
    service.process_photos(event)
    text = service.get("/metrics", headers=TOKEN).text
    assert figure(text, 'reperio_jobs{kind="photos",state="pending"}') == 0
    assert figure(text, 'reperio_oldest_job_seconds{kind="photos"}') == 0
    assert figure(text, 'reperio_job_seconds_count{kind="photos"}') >= 1
    route = "/api/photographer/events/{event_id}/upload-photos"
    assert f'reperio_request_seconds_count{{method="POST",route="{route}",status="200"}}' in text


def test_others_see_no_figures(service: Service) -> None:
    assert service.get("/metrics").status_code == 401
    assert service.get("/metrics", service.guest(service.event())).status_code == 403


@pytest.mark.server
@pytest.mark.long
def test_several_processes_are_counted_together_and_a_proxy_is_no_loopback(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path, GUNICORN_WORKERS="2", FACE_RECOGNIZER_PROVIDER="fake")
    try:
        launcher.start()
        for _ in range(40):
            httpx2.post(f"{launcher.url}/api/check-event-code", json={"event_code": "x"}, verify=TLS)
        name = 'reperio_request_seconds_count{method="POST",route="/api/check-event-code",status="200"}'
        # A call is counted after its response was sent.
        time.sleep(0.5)
        texts = [httpx2.get(f"{launcher.url}/metrics", verify=TLS).text for _ in range(6)]
        assert {figure(text, name) for text in texts} == {40}
        # Figures of the database belong to no process: each is told once, also when both have been asked.
        assert {figure(text, "reperio_sweep_refused") for text in texts} == {0}
        kinds = re.findall(r"^# TYPE (\S+)", texts[-1], re.MULTILINE)
        assert len(kinds) == len(set(kinds))
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            assert httpx2.get(f"{launcher.url}/metrics", headers={header: "127.0.0.1"}).status_code == 401
    finally:
        launcher.stop()
