"""Each field that admins say of an event is set at its creation, changed, and cleared where it may be empty."""

from typing import Any

import pytest

from api.events.fields import PHOTOGRAPHERS, EventChange, EventFields
from testkit.builders import Service

# A first value, another, and what null makes of the second.
FIELDS: dict[str, tuple[Any, Any, Any]] = {
    "name": ("Wedding", "Marathon", "Marathon"),
    "event_code": ("FIRST-{}", "SECOND-{}", "SECOND-{}"),
    "date": ("2026-06-20", "2026-07-01", None),
    "timezone": ("America/Guadeloupe", "Asia/Tokyo", "Asia/Tokyo"),
    "expires_at": ("2026-09-01T10:00:00.000000Z", "2026-10-01T10:00:00.000000Z", "2026-10-01T10:00:00.000000Z"),
    "guests_see_all_photos": (True, False, False),
    "guests_may_share": (False, True, True),
    "keep_capture_details": (True, False, False),
    "selfie_is_consent": (False, True, True),
    "photos_until": ("2028-09-01T10:00:00.000000Z", "2028-10-01T10:00:00.000000Z", None),
    "faces_until": ("2027-09-01T10:00:00.000000Z", "2027-10-01T10:00:00.000000Z", None),
    "photos_need_approval": (True, False, False),
    "bystanders": ("none", "keep", "keep"),
    "bystander_days": (7, 14, None),
    "badges": (True, False, False),
    "badge_seconds": (60, 600, 600),
}


def test_each_field_is_tried() -> None:
    assert FIELDS.keys() == EventFields.model_fields.keys() - PHOTOGRAPHERS
    assert EventChange.model_fields.keys() == EventFields.model_fields.keys()


def shown(service: Service, event_id: int) -> dict[str, Any]:
    answer = service.get(f"/api/admin/events/{event_id}", service.admin)
    assert answer.status_code == 200, answer.text
    event: dict[str, Any] = answer.json()
    # They follow from other fields.
    return {name: value for name, value in event.items() if name not in ("photos_end", "faces_end")}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_is_set_changed_and_cleared(service: Service, field: str) -> None:
    first, second, cleared = (each.format(field) if isinstance(each, str) else each for each in FIELDS[field])
    made = service.post("/api/admin/create-event", service.admin, json={"name": "Event", field: first}).json()
    before = shown(service, made["event_id"])
    assert before[field] == first
    for value, kept in ((second, second), (None, cleared)):
        path = f"/api/admin/events/{made['event_id']}"
        answer = service.put(path, service.admin, json={field: value})
        assert (answer.status_code, answer.json()[field]) == (200, kept)
        assert shown(service, made["event_id"]) == {**before, field: kept}
