"""Administrators list failed jobs with their reasons, retry and cancel them."""

import struct
import zlib

from testkit.builders import Service, people


def unreadable_png() -> bytes:
    """Return a PNG with a valid structure and invalid pixel data: only decoding finds it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")


def failed(service: Service) -> dict[int, str]:
    answer = service.get("/api/admin/jobs", service.admin)
    assert answer.status_code == 200
    return {job["id"]: job["error"] for job in answer.json()["failed"] if job["kind"] == "photos"}


def cancel(service: Service, photo_id: int) -> int:
    body = {"kind": "photos", "id": photo_id}
    return int(service.post("/api/admin/jobs/cancel", service.admin, json=body).status_code)


def test_the_states_are_counted(service: Service) -> None:
    event = service.event()
    before = service.get("/api/admin/jobs", service.admin).json()["kinds"]["photos"]
    service.upload(event, people(3), people(4))
    service.process_photos(event)
    after = service.get("/api/admin/jobs", service.admin).json()["kinds"]["photos"]
    assert after["done"] == before["done"] + 2
    assert after["done_last_minute"] >= 2
    assert (after["pending"], after["processing"], after["oldest_seconds"]) == (0, 0, None)


def test_what_is_through_cannot_be_cancelled_nor_retried(service: Service) -> None:
    event = service.event()
    photo_id = service.upload(event, people(5))["uploaded_photos"][0]["id"]
    service.process_photos(event)
    assert cancel(service, photo_id) == 404
    body = {"kind": "photos", "id": photo_id}
    answer = service.post("/api/admin/jobs/retry", service.admin, json=body)
    assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchJob")


def test_a_failed_photo_is_shown_with_its_reason_and_retried_once_mended(service: Service) -> None:
    event = service.event()
    photo_id = service.upload(event, unreadable_png())["uploaded_photos"][0]["id"]
    (photo,) = service.process_photos(event)
    assert photo["processing_status"] == "failed"
    assert "decoded" in failed(service)[photo_id]
    (original,) = (service.storage / "photos" / str(event.id) / "original").iterdir()
    original.write_bytes(people(6))
    body = {"kind": "photos", "id": photo_id}
    assert service.post("/api/admin/jobs/retry", service.admin, json=body).json() == {"retried": 1}
    (photo,) = service.process_photos(event)
    assert (photo["processing_status"], photo["face_count"], photo["error"]) == ("done", 1, None)
    assert photo_id not in failed(service)


def test_only_admins_see_and_touch_jobs(service: Service) -> None:
    guest = service.guest(service.event())
    assert service.get("/api/admin/jobs", guest).status_code == 403
    assert service.post("/api/admin/jobs/retry", guest, json={"kind": "photos"}).status_code == 403
    assert service.get("/api/admin/jobs").status_code == 401
    bad = service.post("/api/admin/jobs/retry", service.admin, json={"kind": "nonsense"})
    assert bad.status_code == 422
