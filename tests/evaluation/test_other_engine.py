"""A recogniser that is installed beside the one in use is tried in a child process of its own."""

from pathlib import Path

import pytest

from evaluation.providers import is_configured
from settings import get_settings
from testkit.builders import Service
from tests.conftest import wait_until


@pytest.mark.long
@pytest.mark.slow
def test_another_engine_reads_portrait_and_photos_again(real_sqlite_service: Service, shared_photos: Path) -> None:
    service = real_sqlite_service
    if not is_configured("dlib", get_settings()):
        pytest.skip("dlib is not installed")
    event = service.event()
    photos = sorted((shared_photos / "event" / "photos").iterdir())[:2]
    service.upload(event, *(each.read_bytes() for each in photos), names=[each.name for each in photos])
    guest = service.guest(event)
    portrait = shared_photos / "event" / "selfies" / "sheldon" / "sheldon1.png"
    assert service.send_selfie(guest, portrait.read_bytes(), strict=False).status_code == 200
    service.process_photos(event)
    service.settle(guest)
    before = service.my_photos(guest)
    assert len(before) == 2
    body = {"event_id": event.id, "user_id": guest.id, "provider": "dlib"}
    told = service.post("/api/admin/eval-recognition", service.admin, json=body).json()
    wait_until(lambda: service.get(told["url"], service.admin).json()["finished_at"] is not None, 60)
    found = service.get(told["url"], service.admin).json()
    assert (found["status"], found["error"]) == ("done", None)
    result = found["result"]
    assert sorted(each["original_filename"] for each in result["matched"]) == [each.name for each in photos]
    assert (result["added"], result["dropped"], result["errors"]) == ([], [], {})
    assert result["timings"]["photos_read"] == 2
    assert result["engine_id"] != service.get("/api/admin/provider", service.admin).json()["engine_id"]
    assert service.my_photos(guest) == before
