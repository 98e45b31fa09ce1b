"""Receipts of what was erased, for admins."""

from database import transaction
from ending import receipts
from models import utcnow
from testkit.builders import Service
from testkit.pictures import refused


def test_admins_read_what_was_erased_page_by_page(service: Service) -> None:
    event = service.event()
    with transaction() as session:
        for number in range(2):
            receipts.add(session, "photos", event.id + number, utcnow(), {"photos": 3 + number})
    first = service.get("/api/admin/erasures?limit=1", service.admin)
    assert (first.headers["X-Total-Count"], first.json()[0]["counts"]) == ("2", {"photos": 4})
    path = f"/api/admin/erasures?limit=1&cursor={first.headers['X-Next-Cursor']}"
    (older,) = service.get(path, service.admin).json()
    # The hourly look may have ended it by now.
    assert (older["kind"], older["event_id"], "ended_at" in older) == ("photos", event.id, True)
    refused(service.get("/api/admin/erasures?cursor=x", service.admin), 400, "InvalidCursor")
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    page = service.get(f"/admin/events/{event.id}", service.admin, headers=headers).text
    assert "Photos erased because their time was over: 3." in page
