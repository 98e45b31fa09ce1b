"""The metrics are those of all processes together, and only authorised callers read them."""

import re
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from database import transaction
from models import Mail, utcnow
from operations import service as service_of_statistics
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
    assert figure(text, 'reperio_job_attempts_total{kind="photos",outcome="done"}') >= 1
    route = "/api/photographer/events/{event_id}/upload-photos"
    assert f'reperio_request_seconds_count{{method="POST",route="{route}",status="200"}}' in text


def test_the_storage_is_shown_with_what_decoding_processes_do_in_it(service: Service) -> None:
    def calls(operation: str) -> float:
        text = service.get("/metrics", headers=TOKEN).text
        found = re.search(rf'^reperio_storage_seconds_count{{operation="{operation}"}} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0

    event = service.event()
    before = {each: calls(each) for each in ("get", "put")}
    service.upload(event, people(1))
    service.process_photos(event)
    # The original is stored and read, and two renditions are stored at least.
    assert calls("get") >= before["get"] + 1
    assert calls("put") >= before["put"] + 3


def test_mails_that_wait_and_the_events_of_today_are_shown(service: Service) -> None:
    def shown(name: str) -> float:
        service_of_statistics.forget_counts()
        return figure(service.get("/metrics", headers=TOKEN).text, name)

    assert shown("reperio_mails_waiting") == shown("reperio_oldest_mail_seconds") == 0
    events = shown("reperio_tonight_events")
    event = service.event(date=utcnow().date().isoformat())
    guest = service.guest(event)
    service.upload(event, people(1))
    assert shown("reperio_tonight_events") == events + 1
    assert shown("reperio_tonight_guests") >= 1
    assert shown('reperio_tonight_photos{state="pending"}') + shown('reperio_tonight_photos{state="done"}') >= 1
    with transaction() as session:
        asked = utcnow() - timedelta(minutes=3)
        session.add(Mail(kind="password_reset", user_id=guest.id, language="fr", created_at=asked))
    assert shown("reperio_mails_waiting") == 1
    assert 180 <= shown("reperio_oldest_mail_seconds") < 240
    with transaction() as session:
        session.query(Mail).delete()


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
