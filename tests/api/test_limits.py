"""Each limit of a text is one number for the column, the payload and the sentence that a person reads."""

from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import String
from sqlalchemy.orm import InstrumentedAttribute

from api.accounts.schemas import PhotographerChange, PhotographerIn, UserData
from api.events.fields import EventChange, EventCreate
from api.events.schemas import SetCodeIn
from api.messages import INVALID_FIELDS
from models import Event, User
from testkit.builders import Service
from testkit.passwords import PASSWORD

COLUMNS = {
    "username": User.username,
    "email": User.email,
    "name": Event.name,
    "event_code": Event.event_code,
    "timezone": Event.timezone,
}


def longest(column: InstrumentedAttribute[Any]) -> int:
    kind = column.type
    assert isinstance(kind, String)
    assert kind.length is not None
    return kind.length


def limits(payload: type[BaseModel]) -> dict[str, int]:
    """Return how long each text of a payload may be."""
    found = {}
    for name, field in payload.model_json_schema()["properties"].items():
        for kind in (field, *field.get("anyOf", ())):
            if "maxLength" in kind:
                found[name] = kind["maxLength"]
    return found


@pytest.mark.parametrize(
    "payload", [UserData, PhotographerIn, PhotographerChange, EventCreate, EventChange, SetCodeIn]
)
def test_a_payload_takes_what_its_columns_hold(payload: type[BaseModel]) -> None:
    found = limits(payload)
    columns = {name: longest(COLUMNS[name]) for name in payload.model_fields if name in COLUMNS}
    assert columns
    assert {name: found[name] for name in columns} == columns


@pytest.mark.parametrize(("field", "text"), [("name", "n"), ("event_code", "c"), ("timezone", "z")])
def test_an_event_with_a_text_too_long_is_refused_in_words(service: Service, field: str, text: str) -> None:
    body = {"name": "Wedding", field: text * (longest(COLUMNS[field]) + 1)}
    answer = service.post("/api/admin/create-event", service.admin, json=body)
    assert (answer.status_code, answer.json()["detail"]) == (422, INVALID_FIELDS[field][0])


@pytest.mark.parametrize(("field", "number"), [("username", 150), ("password", 1024), ("name", 200)])
def test_the_sentence_tells_the_limit(field: str, number: int) -> None:
    assert all(str(number) in sentence for sentence in INVALID_FIELDS[field])


def test_the_longest_texts_are_kept_whole(service: Service) -> None:
    event: dict[str, Any] = {"name": "n" * longest(Event.name), "event_code": "é" * longest(Event.event_code)}
    number = service.post("/api/admin/create-event", service.admin, json=event).json()["event_id"]
    kept = service.get(f"/api/admin/events/{number}", service.admin).json()
    assert {name: kept[name] for name in event} == event
    who = {"username": "u" * longest(User.username), "email": f"{'e' * 64}@{'d' * 60}.{'d' * 60}.{'d' * 57}.example"}
    body = {**who, "password": (PASSWORD * 40)[:1024]}
    made = service.post("/api/admin/photographers", service.admin, json=body).json()["photographer_id"]
    listed = service.get("/api/admin/photographers", service.admin).json()
    assert [{name: each[name] for name in who} for each in listed if each["id"] == made] == [who]
    assert len(who["email"]) <= longest(User.email)
