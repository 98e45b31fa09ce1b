"""A populated database of the predecessor's later releases, and what its guests saw there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import create_engine, text

from testkit.builders import EventInfo, Person, Service, people
from tests.migrations.test_legacy import TODAY, Old, hashed

USER_TYPE = "CREATE TYPE usertype AS ENUM ('USER', 'PHOTOGRAPHER', 'ADMIN', 'ROBOT')"
TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR, email VARCHAR, hashed_password VARCHAR,
  user_type {user_type}, selfie_path VARCHAR, selfie_data {bytes}, selfie_status VARCHAR, selfie_error VARCHAR,
  selfie_content_type VARCHAR, is_active BOOLEAN, created_at {time}, event_id INTEGER);
CREATE UNIQUE INDEX users_email_event_unique ON users (email, coalesce(event_id, -1));
CREATE UNIQUE INDEX users_username_event_unique ON users (username, coalesce(event_id, -1));
CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR, event_code VARCHAR UNIQUE, date {time},
  photographer_id INTEGER);
CREATE TABLE user_events (id INTEGER PRIMARY KEY, user_id INTEGER, event_id INTEGER, joined_at {time},
  rekognition_face_id VARCHAR);
CREATE TABLE photos (id INTEGER PRIMARY KEY, filename VARCHAR, original_filename VARCHAR, file_path VARCHAR,
  photo_data {bytes}, content_type VARCHAR, photo_type VARCHAR, user_id INTEGER, photographer_id INTEGER,
  uploaded_at {time}, event_id INTEGER, s3_key VARCHAR, processing_status VARCHAR, error_message TEXT,
  updated_at {time}, original_size INTEGER, compressed_size INTEGER, compression_ratio FLOAT, retention_days INTEGER,
  expires_at {time}, quality_level VARCHAR, show_in_general BOOLEAN, is_indexed BOOLEAN);
CREATE TABLE face_matches (id INTEGER PRIMARY KEY, photo_id INTEGER, user_id INTEGER, confidence_score INTEGER,
  detected_at {time});
CREATE TABLE photo_faces (id INTEGER PRIMARY KEY, event_id INTEGER, photo_id INTEGER, face_id VARCHAR);
CREATE TABLE delete_jobs (id INTEGER PRIMARY KEY, job_id VARCHAR, photo_ids_json TEXT, status VARCHAR);
CREATE TABLE gdrive_integrations (id INTEGER PRIMARY KEY, access_token VARCHAR);
CREATE TABLE gdrive_ingestion_log (id INTEGER PRIMARY KEY, file_name VARCHAR);
CREATE TABLE local_watchers (id INTEGER PRIMARY KEY, label VARCHAR);
CREATE TABLE local_ingestion_log (id INTEGER PRIMARY KEY, file_name VARCHAR);
CREATE TABLE password_reset_tokens (id INTEGER PRIMARY KEY, user_id INTEGER, token VARCHAR, expires_at {time},
  used_at {time});
"""
AT_WEDDING, AT_FAIR = "amy's word", "amy at the fair"
# By event, the photos that its photographer had chosen for all guests.
CHOSEN = {"WEDDING": {4}, "FAIR": set[int]()}
OF_EVENT = {"WEDDING": {1, 2, 3, 4, 5}, "FAIR": {6, 7, 8}}
# What the tables hold beside the above, so that the report can be checked.
LINES = (
    "users: 7 moved",
    "selfies: 3 moved",
    "photos: 8 moved",
    "selfies: 1 stay behind, found invalid there",
    "photos: 1 are marked for everyone",
    "photos: 2 had an expiry there (1 are past it)",
    "photos: 1 had failed there",
    "photos: 2 were waiting there",
    "face_matches: 1 stay behind",
    "photo_faces: 1 stay behind",
    "delete_jobs: 1 stay behind; 1 were not finished",
    "gdrive_integrations: 1 stay behind",
    "gdrive_ingestion_log: 1 stay behind",
    "local_watchers: 1 stay behind",
    "local_ingestion_log: 1 stay behind",
    "password_reset_tokens: 2 stay behind; 1 unused links end",
    "user_events: 1 faces are in collections of Amazon Rekognition",
    "guests see the photos of themselves",
    "0 refused, 0 changed on the way",
)


@dataclass(frozen=True)
class Visit:
    """A guest of an event there: how they log in, and the photos of themselves."""

    name: str
    password: str
    event: str
    mine: frozenset[int]


VISITS = (
    Visit("amy", AT_WEDDING, "WEDDING", frozenset({1, 3})),
    Visit("amy@example.org", AT_FAIR, "FAIR", frozenset({6})),
    Visit("ben", "pw", "WEDDING", frozenset({2, 3})),
    Visit("ben", "pw", "FAIR", frozenset({7})),
    Visit("cleo", "pw", "WEDDING", frozenset()),
    Visit("dan", "pw", "WEDDING", frozenset()),
)


def later_database(address: str, put: Callable[[str, bytes], object]) -> Old:
    """Make the database at `address`; `put` stores an object of the bucket."""
    engine = create_engine(address)
    native = engine.dialect.name == "postgresql"
    kinds = {"bytes": "BYTEA", "user_type": "usertype", "time": "TIMESTAMP WITH TIME ZONE"}
    tables = TABLES.format(**kinds if native else {"bytes": "BLOB", "user_type": "VARCHAR", "time": "DATETIME"})
    with engine.begin() as connection:
        if native:
            connection.execute(text(USER_TYPE))
        for statement in tables.split(";")[:-1]:
            connection.execute(text(statement))
    old = Old(engine, engine.url.render_as_string(hide_password=False))
    _people(old, native=native)
    _photos(old, put)
    _left_behind(old)
    return old


def _people(old: Old, *, native: bool) -> None:
    photographer, guest = ("PHOTOGRAPHER", "USER") if native else ("UserType.PHOTOGRAPHER", "UserType.USER")
    valid = {"user_type": guest, "selfie_status": "valid", "selfie_content_type": "image/jpeg"}
    old.user(1, "lens", user_type=photographer)
    old.add("events", id=5, name="Wedding", event_code="WEDDING", date=TODAY, photographer_id=1)
    old.add("events", id=6, name="Fair", event_code="FAIR", date=TODAY, photographer_id=1)
    old.user(2, "amy", event_id=5, selfie_data=people(1), **valid, hashed_password=hashed(AT_WEDDING))
    old.user(3, "ben", event_id=5, selfie_data=people(2), **{**valid, "selfie_status": "uploaded"})
    old.user(4, "amy", event_id=6, selfie_data=people(1), **valid, hashed_password=hashed(AT_FAIR))
    refused = {"selfie_status": "invalid", "selfie_error": "Visage trop petit"}
    old.user(5, "cleo", event_id=5, selfie_data=people(3), **{**valid, **refused})
    old.user(6, "boss", user_type="ADMIN")
    old.user(7, "dan", event_id=5, user_type="USER", selfie_status="none")
    for number, (user, event) in enumerate(((2, 5), (3, 5), (3, 6), (4, 6), (5, 5), (7, 5)), 1):
        face = "face-of-amy" if user == 2 else None
        old.add("user_events", id=number, user_id=user, event_id=event, joined_at=TODAY, rekognition_face_id=face)


def _photos(old: Old, put: Callable[[str, bytes], object]) -> None:
    def in_bucket(number: int, data: bytes, **values: Any) -> None:
        event = values.get("event_id", 5)
        key = f"raw/event_{event}/{number}.jpg"
        put(key, data)
        old.photo(number, s3_key=key, **{"processing_status": "DONE", "is_indexed": True, **values})

    in_bucket(1, people(1))
    in_bucket(2, people(2), processing_status="FAILED", error_message="no answer")
    past = TODAY - timedelta(days=2)
    old.photo(3, photo_data=people(1, 2), processing_status="PENDING", expires_at=past, original_size=9)
    in_bucket(4, people(9), show_in_general=True)
    in_bucket(5, people(3, 9), show_in_general=False, processing_status="PROCESSING")
    in_bucket(6, people(1), event_id=6, retention_days=30)
    old.photo(7, photo_data=people(2, block=20), event_id=6)
    in_bucket(8, people(8), event_id=6)


def _left_behind(old: Old) -> None:
    old.add("face_matches", id=1, photo_id=1, user_id=2, confidence_score=99, detected_at=TODAY)
    old.add("photo_faces", id=1, event_id=5, photo_id=1, face_id="a")
    old.add("delete_jobs", id=1, job_id="x", photo_ids_json="[1]", status="PENDING")
    old.add("gdrive_integrations", id=1, access_token="secret")
    old.add("gdrive_ingestion_log", id=1, file_name="a.jpg")
    old.add("local_watchers", id=1, label="desk")
    old.add("local_ingestion_log", id=1, file_name="a.jpg")
    for number, used in ((1, None), (2, TODAY)):
        old.add("password_reset_tokens", id=number, user_id=2, token=f"t{number}", expires_at=TODAY, used_at=used)


def check_visits(service: Service) -> None:
    """Assert that every account logs in with the old password, and each guest sees the same photos and no others."""
    guests = {}
    for each in VISITS:
        guests[each] = Person(0, each.name, service.log_in(each.name, each.password))
    lens = Person(0, "lens", service.log_in("lens", "pw"))
    events = {event["event_code"]: event["id"] for event in service.get("/api/photographer/events", lens).json()}
    ids: dict[int, int] = {}
    for code, event_id in events.items():
        service.process_photos(EventInfo(event_id, code, lens))
        found = service.get(f"/api/photographer/events/{event_id}/photos", lens).json()
        numbers = {_number(photo): photo["id"] for photo in found}
        assert numbers.keys() >= OF_EVENT[code]
        ids |= {number: numbers[number] for number in OF_EVENT[code]}
    for each, guest in guests.items():
        service.settle(guest)
        path = f"/api/user/events/{events[each.event]}"
        assert _numbers(service.get(f"{path}/photos", guest).json()) == each.mine
        assert _numbers(service.get(f"{path}/all-photos", guest).json()) == CHOSEN[each.event]
        visits = [visit for visit in VISITS if (visit.name, visit.password) == (each.name, each.password)]
        seen = set[int]().union(*(visit.mine | CHOSEN[visit.event] for visit in visits))
        assert {number for number in ids if _status(service, ids[number], guest) == 200} == seen
    assert service.get("/api/me", Person(0, "boss", service.log_in("boss", "pw"))).json()["user_type"] == "admin"


def _status(service: Service, photo_id: int, guest: Person) -> int:
    return int(service.get(f"/api/photo/{photo_id}?size=original", guest).status_code)


def _numbers(photos: list[dict[str, Any]]) -> set[int]:
    return {_number(photo) for photo in photos}


def _number(photo: dict[str, Any]) -> int:
    return int(photo["original_filename"].removeprefix("IMG_").removesuffix(".jpg"))
