"""Frequent calls need few statements, and never scan a growing table."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, Connection, event, insert, literal, select, text, update
from sqlalchemy.orm import Session

from database import get_engine, transaction
from events.losses import losses_of
from faces.fake import ENGINE_ID
from jobs import control as job_control
from jobs import kinds as job_kinds
from jobs import listing as job_list
from jobs import queue as job_queue
from jobs import state as job_state
from jobs import work
from models import (
    CameraClock,
    Consent,
    FaceMatch,
    Favourite,
    GuestCopy,
    Photo,
    Refusal,
    Sample,
    Selfie,
    SelfieEmbedding,
    UserEvent,
    UserSession,
    utcnow,
)
from testkit.builders import EventInfo, Person, Service, people
from testkit.bulk_rows import Crowd, fill_event
from testkit.passwords import PASSWORD

# In so many photos is the guest who calls.
SHOWN = 30
GROWING = (
    "users",
    "user_events",
    "selfies",
    "selfie_embeddings",
    "photos",
    "guest_copies",
    "faces",
    "face_matches",
    "favourites",
    "refusals",
    "consents",
    "samples",
    "sessions",
    "camera_clocks",
)
PAGE = {"limit": 30}
Seen = list[tuple[str, Any]]


@contextmanager
def statements() -> Iterator[Seen]:
    """Yields a list that collects the statements sent to the database, without BEGIN and COMMIT."""
    seen: Seen = []

    def note(_: Connection, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        # The threads that look for jobs, news, erasures and other machines poll all the time: they do not count.
        own = threading.current_thread().name not in (
            "inference",
            "notify",
            "forgetting",
            "presence",
            "sampling",
            "changes",
        )
        if own and re.match(r"SELECT|INSERT|UPDATE|DELETE|WITH", statement):
            seen.append((statement, parameters))

    event.listen(get_engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(get_engine(), "before_cursor_execute", note)


def plan_of(statement: str, parameters: Any) -> list[str]:
    """Return the lines of a statement's query plan."""
    engine = get_engine()
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        lines = [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]
        connection.rollback()
    return lines


def full_scans(seen: Seen) -> list[str]:
    """Return statement and plan line for every full scan of a growing table."""
    scan = r"\bSCAN (?:{})\b" if get_engine().dialect.name == "sqlite" else r"Seq Scan on (?:{})\b"
    wrong = re.compile(scan.format("|".join(GROWING)))
    found = []
    for statement, parameters in seen:
        found += [f"{statement}\n{line}" for line in plan_of(statement, parameters) if wrong.search(line)]
    return found


@dataclass
class Middle(Person):
    """A guest among thousands of rows; `name` is the event's code."""

    event: EventInfo
    photo_id: int
    # One whose guests see only their own photos and five of 2,000 that are for everyone.
    private: EventInfo


@pytest.fixture(scope="module")
def crowd(service: Service) -> tuple[Crowd, Middle]:
    """Thousands of rows in every table, and one guest with photos among them."""
    home = service.event(guests_see_all_photos=True)
    guest = service.guest(home, "middle")
    service.send_selfie(guest, people(1))
    service.settle(guest)
    elsewhere, private = service.event(), service.event()
    service.post("/api/join-event", guest, json={"event_code": private.code})
    service.settle(guest)
    with transaction() as session:
        crowd = fill_event(session, event_id=home.id, user_id=guest.id, users=400, photos=400, shown_in=SHOWN)
        fill_event(session, event_id=elsewhere.id, user_id=guest.id, users=6000, photos=6000, shown_in=0)
        fill_event(session, event_id=private.id, user_id=guest.id, users=10, photos=2000, shown_in=0)
        some = select(Photo.id).where(Photo.event_id == private.id, Photo.id % 400 == 0)
        session.execute(update(Photo).where(Photo.id.in_(some)).values(for_everyone=True))
        _date(session, elsewhere.id)
        _decide(session, guest.id)
    with get_engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))
    return crowd, Middle(guest.id, home.code, guest.token, home, service.my_photos(guest)[0]["id"], private)


def _date(session: Session, many: int) -> None:
    """Give two of three photos a time and a camera, of which the event `many` has thousands."""
    events = session.scalars(select(Photo.event_id).distinct()).all()
    cameras = [
        {"event_id": event_id, "camera_key": f"{key}", "make": "Canon", "model": f"{key}"}
        for event_id in events
        for key in range(3000 if event_id == many else 3)
    ]
    session.execute(insert(CameraClock), cameras)
    for camera in session.scalars(select(CameraClock).where(CameraClock.model.in_(("1", "2")))).all():
        mine = (Photo.event_id == camera.event_id, Photo.id % 3 == int(camera.model))
        dated = {"camera_id": camera.id, "taken_at": Photo.uploaded_at, "recorded_at": Photo.uploaded_at}
        session.execute(update(Photo).where(*mine).values(dated))


def _decide(session: Session, guest_id: int) -> None:
    """Add favourites, refusals, copies, embeddings, consents and samples; `guest_id` refuses nothing."""
    rows = session.execute(select(FaceMatch.user_id, FaceMatch.photo_id)).all()
    pairs = [{"user_id": user_id, "photo_id": photo_id} for user_id, photo_id in rows]
    session.execute(insert(Favourite), pairs)
    session.execute(insert(Refusal), [pair for pair in pairs if pair["user_id"] != guest_id])
    plan = select(Photo.id, literal(False), Photo.filename, literal(1), literal(1), literal([[0, 1]], JSON))
    planned = ("photo_id", "detailed", "filename", "size", "crc32", "parts")
    session.execute(insert(GuestCopy).from_select(planned, plan.where(Photo.id.not_in(select(GuestCopy.photo_id)))))
    members = session.execute(select(UserEvent.user_id, UserEvent.event_id)).all()
    unembedded = (
        select(Selfie.id, UserEvent.event_id, literal(ENGINE_ID), literal(bytes(512)))
        .join(UserEvent, UserEvent.user_id == Selfie.user_id)
        .where(Selfie.id.not_in(select(SelfieEmbedding.selfie_id)))
    )
    columns = ("selfie_id", "event_id", "engine_id", "embedding")
    session.execute(insert(SelfieEmbedding).from_select(columns, unembedded))
    consents = [
        {"user_id": user, "event_id": event_id, "version": "2026-11", "locale": "fr", "basis": "words"}
        for user, event_id in members
    ]
    session.execute(insert(Consent), consents)
    moments = dict.fromkeys(("created_at", "last_used_at", "expires_at"), utcnow() + timedelta(days=1))
    sessions = [
        {"id": f"session{number}", "user_id": user, "token_version": 0, **moments}
        for number, (user, _) in enumerate(members)
    ]
    session.execute(insert(UserSession), sessions)
    names = ("guests", "selfies", "photos", "matches", "queue_depth", "queue_age_seconds", "requests", "errors")
    figures = {**dict.fromkeys(names, 0), "machine": "m", "requests_seen": 0, "errors_seen": 0}
    now = int(time.time() // 60)
    session.execute(insert(Sample), [{"minute": now - each, **figures} for each in range(10, 20_000)])


# For each frequent call: the most statements it may send, and how it is made.
HOT: dict[str, tuple[int, Callable[[Service, Middle], Any]]] = {
    "check-event-code, cached": (1, lambda s, g: s.post("/api/check-event-code", json={"event_code": g.name})),
    "check-user-availability": (
        2,
        lambda s, g: s.post(
            "/api/check-user-availability", json={"username": "u17", "email": "x@y.org", "event_code": g.name}
        ),
    ),
    "login": (
        5,
        lambda s, g: s.post("/api/login", json={"username": "middle", "password": PASSWORD, "event_code": g.name}),
    ),
    "register": (
        7,
        lambda s, g: s.post(
            "/api/register-with-event-code",
            json={
                "user_data": {"username": "newcomer", "email": "newcomer@example.org", "password": PASSWORD},
                "event_code": g.name,
            },
        ),
    ),
    "me": (1, lambda s, g: s.get("/api/me", g)),
    "rematch-status": (4, lambda s, g: s.get("/api/rematch-status", g)),
    "my-photos": (5, lambda s, g: s.get("/api/my-photos", g, params=PAGE)),
    "my-photos, whole": (5, lambda s, g: s.get("/api/my-photos", g)),
    "my-photos by time": (6, lambda s, g: s.get("/api/my-photos", g, params={"order": "taken_at", **PAGE})),
    "all-photos by time": (6, lambda s, g: s.get("/api/all-photos", g, params={"order": "-taken_at", **PAGE})),
    "an event's photos by time": (
        7,
        lambda s, g: s.get(
            f"/api/photographer/events/{g.event.id}/photos",
            g.event.photographer,
            params={"order": "taken_at", **PAGE},
        ),
    ),
    "my uploaded photos by time": (
        5,
        lambda s, g: s.get("/api/my-uploaded-photos", g.event.photographer, params={"order": "taken_at", **PAGE}),
    ),
    "an event's cameras": (
        5,
        lambda s, g: s.get(f"/api/photographer/events/{g.event.id}/cameras", g.event.photographer),
    ),
    "all-photos": (5, lambda s, g: s.get("/api/all-photos", g, params=PAGE)),
    "all-photos of a private event": (
        4,
        lambda s, g: s.get(f"/api/user/events/{g.private.id}/all-photos", g, params=PAGE),
    ),
    "profile": (4, lambda s, g: s.get("/api/profile", g)),
    "profile of a photographer": (2, lambda s, g: s.get("/api/profile", g.event.photographer)),
    "faces of a photo": (3, lambda s, g: s.get(f"/api/photo/{g.photo_id}/faces", g)),
    "event-expiration": (3, lambda s, g: s.get("/api/user/event-expiration", g)),
    "events of a photographer": (3, lambda s, g: s.get("/api/photographer/events", g.event.photographer)),
    "my-selfie": (2, lambda s, g: s.get("/api/my-selfie", g)),
    "events": (2, lambda s, g: s.get("/api/user/events", g)),
    "event-info": (1, lambda s, g: s.get("/api/event-info", params={"event_code": g.name})),
    "my-photos of an event": (4, lambda s, g: s.get(f"/api/user/events/{g.event.id}/photos", g, params=PAGE)),
    # The sections of the event are one of them; by arrival, photos have no headings.
    "gallery, further photos": (7, lambda s, g: s.get("/photos/rows", g, params={"event": g.event.id})),
    "gallery, photos that arrived": (
        5,
        lambda s, g: s.get("/photos/rows", g, params={"event": g.event.id, "order": "-uploaded_at"}),
    ),
    "progress": (3, lambda s, g: s.get(f"/api/user/events/{g.event.id}/progress", g)),
    "favourites": (4, lambda s, g: s.get(f"/api/user/events/{g.event.id}/favourites", g, params=PAGE)),
    "keep a photo": (4, lambda s, g: s.put(f"/api/photos/{g.photo_id}/favourite", g)),
    # Three, four that write the entry of the audit log, and one for each photo just before its bytes are sent: it may
    # have been deleted meanwhile.
    "photos.zip": (
        7 + SHOWN,
        lambda s, g: s.get(f"/api/user/events/{g.event.id}/photos.zip", g, params={"which": "favourites"}),
    ),
    "my-consents": (2, lambda s, g: s.get("/api/my-consents", g)),
    "known-checksums": (
        5,
        lambda s, g: s.post(
            f"/api/photographer/events/{g.event.id}/known-checksums",
            g.event.photographer,
            json={"sha256": [f"{number:064x}" for number in range(500)]},
        ),
    ),
    "an event's progress": (
        7,
        lambda s, g: s.get(f"/api/photographer/events/{g.event.id}/progress", g.event.photographer),
    ),
    "an event's guests": (4, lambda s, g: s.get(f"/api/admin/events/{g.event.id}/users", s.admin, params=PAGE)),
    "an event's guests, searched": (
        4,
        lambda s, g: s.get(f"/api/admin/events/{g.event.id}/users", s.admin, params={"q": "u1", **PAGE}),
    ),
    "my sessions": (2, lambda s, g: s.get("/api/me/sessions", g)),
    "samples": (2, lambda s, g: s.get("/api/admin/samples", s.admin)),
}


@pytest.mark.parametrize("name", HOT)
def test_a_hot_call_needs_few_statements_and_no_full_scan(
    service: Service, crowd: tuple[Crowd, Middle], name: str
) -> None:
    _, guest = crowd
    most, call = HOT[name]
    # Fill the cache first.
    service.post("/api/check-event-code", json={"event_code": guest.name})
    with statements() as seen:
        answer = call(service, guest)
    assert answer.status_code == 200, answer.text
    assert len(seen) <= most, "\n".join(statement for statement, _ in seen)
    assert full_scans(seen) == []


def test_a_list_needs_as_many_statements_for_one_photo_as_for_many(
    service: Service, crowd: tuple[Crowd, Middle]
) -> None:
    _, guest = crowd
    counts = []
    for limit in (1, 30):
        with statements() as seen:
            answer = service.get("/api/my-photos", guest, params={"limit": limit})
        assert len(answer.json()) == limit
        counts.append(len([each for each in seen if "photos" in each[0] and each[0].startswith("SELECT")]))
    assert counts[0] == counts[1]


def test_a_guests_page_is_read_from_the_guests_matches_not_through_the_event(
    service: Service, crowd: tuple[Crowd, Middle]
) -> None:
    _, guest = crowd
    with statements() as seen:
        service.get("/api/my-photos", guest, params=PAGE)
    (page,) = [each for each in seen if "uploaded_at DESC" in each[0]]
    plan = "\n".join(plan_of(*page))
    assert "idx_face_matches_user" in plan
    assert "idx_photos_event" not in plan


@pytest.mark.parametrize("order", ["taken_at", "-taken_at"])
def test_a_page_by_time_is_read_along_an_index_and_not_sorted(
    service: Service, crowd: tuple[Crowd, Middle], order: str
) -> None:
    _, guest = crowd
    path, asked = f"/api/photographer/events/{guest.event.id}/photos", {"order": order, "limit": 20}
    with statements() as seen:
        first = service.get(path, guest.event.photographer, params=asked)
    (page,) = [each for each in seen if "ORDER BY photos.taken_at" in each[0]]
    plan = "\n".join(plan_of(*page))
    assert "idx_photos_event_taken" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
    with statements() as seen:
        service.get(path, guest.event.photographer, params={**asked, "cursor": first.headers["x-next-cursor"]})
    assert full_scans(seen) == []


def test_photos_for_everyone_are_read_and_counted_without_the_others(
    service: Service, crowd: tuple[Crowd, Middle]
) -> None:
    _, guest = crowd
    with statements() as seen:
        assert len(service.get(f"/api/user/events/{guest.private.id}/all-photos", guest).json()) == 5
    plans = ["\n".join(plan_of(*each)) for each in seen if "for_everyone" in each[0].partition("WHERE")[2]]
    assert len(plans) == 2
    assert all("idx_photos_for_everyone" in plan for plan in plans), plans


def test_the_queue_reads_only_what_is_open(service: Service, crowd: tuple[Crowd, Middle]) -> None:
    looks: list[Callable[[], object]] = [
        job_queue.claim_next,
        job_state.counts,
        lambda: [job_state.oldest_age(kind) for kind in job_kinds.KINDS],
        lambda: [job_list.list_failed(10), job_list.list_failed(10, crowd[1].event.id)],
        lambda: [job_list.list_unfinished(10), job_list.list_unfinished(10, crowd[1].event.id)],
        lambda: losses_of(crowd[1].event.id),
        lambda: [job_control.retry(kind, None) for kind in job_kinds.KINDS],
        work.change_engines,
    ]
    with statements() as seen:
        for look in looks:
            look()
    assert len(seen) > len(looks)
    assert full_scans(seen) == []


def test_statistics_are_not_counted_anew_at_each_call(service: Service, crowd: tuple[Crowd, Middle]) -> None:
    admin = service.admin
    assert service.get("/api/stats", admin).status_code == 200
    with statements() as seen:
        found = service.get("/api/stats", admin).json()
    assert found["photos"] >= 6000
    assert full_scans(seen) == []


def test_a_full_scan_would_be_seen(service: Service, crowd: tuple[Crowd, Middle]) -> None:
    assert full_scans([("SELECT id FROM photos WHERE width = 12345", ())])
    assert full_scans([("SELECT id FROM photos WHERE id = 12345", ())]) == []
