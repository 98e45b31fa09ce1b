"""The export of an account: everything held about it, no secret, nobody else, and no table forgotten."""

import base64
import csv
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from database import reading, transaction
from encryption.templates import template_of
from guests.export.tables import EXPORTED, LEFT_OUT, NOT_EXPORTED
from guests.export.tabular import as_csv
from matching.queries import portrait_embeddings
from models import Base, Face, FaceMatch
from selfies.queries import all_keys
from storage import delete
from testkit.builders import EventInfo, Person, Service, people
from testkit.callers import DEVICE
from testkit.passwords import PASSWORD
from testkit.pictures import refused
from throttling import slots

TABLES = Base.metadata.tables


def export(service: Service, who: Person, **headers: str) -> dict[str, bytes]:
    """Download an export and check every checksum."""
    answer = service.get("/api/me/export", who, headers=headers)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def tables_of(files: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(files["data.json"])
    return found


# --- no table and no column is forgotten ------------------------------------------------------------


def test_every_table_is_exported_or_not_for_a_reason() -> None:
    assert EXPORTED.keys() | NOT_EXPORTED.keys() == TABLES.keys(), "a table needs its row in guests/export/tables.py"
    assert EXPORTED.keys() & NOT_EXPORTED.keys() == set()


@pytest.mark.parametrize("table", EXPORTED)
def test_every_column_is_exported_or_left_out_for_a_reason(table: str) -> None:
    columns, left_out = EXPORTED[table], LEFT_OUT[table]
    assert {*columns, *left_out} == set(TABLES[table].columns.keys()), "a column needs its place in tables.py"
    assert set(columns) & left_out.keys() == set()


def test_no_table_that_names_an_account_is_left_out() -> None:
    naming = {
        name
        for name, table in TABLES.items()
        for column in table.columns
        if column.name in ("user_id", "photographer_id")
        or any(key.column.table.name == "users" for key in column.foreign_keys)
    }
    # Under which name the audit log has an account tells nothing about it.
    assert naming - EXPORTED.keys() == {"pseudonyms"}


# --- what a guest gets ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def party(service: Service) -> tuple[EventInfo, Person, Person, list[int]]:
    """An event, a guest who has used everything, another guest, and three photos; the last shows the other alone."""
    event = service.event(name="Léa / Tom")
    guest, other = service.guest_found_as(event, 1), service.guest_found_as(event, 2)
    uploaded = service.upload(event, people(1), people(1, 2), people(2), names=["=one.jpg", "two.jpg", "three.jpg"])
    ids = [each["id"] for each in uploaded["uploaded_photos"]]
    service.process_photos(event)
    service.put(f"/api/photos/{ids[0]}/favourite", guest)
    service.post("/api/consent", guest, json={"event_id": event.id, "version": "2026-11"})
    service.post("/api/together", guest, json={"event_id": event.id})
    service.post(f"/api/user/events/{event.id}/photo-links", guest, json={"photo_ids": [ids[0]]})
    service.post(f"/api/user/events/{event.id}/choices", guest, json={"photo_ids": [ids[0]]})
    service.put(f"/api/user/events/{event.id}/notifications/device", guest, json=DEVICE)
    service.post(f"/api/admin/users/{guest.id}/login-link", service.admin)
    service.post(f"/api/admin/users/{guest.id}/reset-link", service.admin)
    return event, guest, other, ids


Party = tuple[EventInfo, Person, Person, list[int]]


def test_a_guest_gets_everything_held_about_them(service: Service, party: Party) -> None:
    event, guest, _, ids = party
    files = export(service, guest)
    found = tables_of(files)
    assert found.keys() == EXPORTED.keys()
    assert found["users"][0]["email"] == f"{guest.name}@example.org"
    assert [each["name"] for each in found["events"]] == ["Léa / Tom"]
    assert (
        {each["photo_id"] for each in found["face_matches"]}
        == {each["id"] for each in found["photos"]}
        == set(ids[:2])
    )
    assert {each["basis"] for each in found["consents"]} == {"words", "selfie"}
    (portrait,) = found["selfie_embeddings"]
    with reading() as session:
        own = session.scalars(
            select(Face).join(FaceMatch, FaceMatch.face_id == Face.id).where(FaceMatch.user_id == guest.id)
        ).all()
        templates = [template_of(session, each) or b"" for each in own]
    assert {len(each) for each in templates} == {512}
    assert {each["embedding"] for each in found["faces"]} == {base64.b64encode(each).decode() for each in templates}
    assert portrait["engine_id"] == found["faces"][0]["engine_id"]
    for table in (
        "favourites",
        "together_members",
        "together_groups",
        "photo_links",
        "linked_photos",
        "photo_choices",
    ):
        assert found[table], table
    assert [each["endpoint"] for each in found["subscriptions"]] == [DEVICE["endpoint"]]
    for table in ("sessions", "login_links", "audit_entries", "face_candidates", "user_events"):
        assert found[table], table
    assert {name for name in files if name.startswith("photos/")} == {
        f"photos/{event.id} Léa  Tom/{name}" for name in ("=one.jpg", "two.jpg")
    }
    picture = service.get(f"/api/photo/{ids[0]}", guest, params={"size": "original"}).content
    assert files[f"photos/{event.id} Léa  Tom/=one.jpg"] == picture
    assert files[f"selfies/{found['selfies'][0]['id']}.jpg"] == service.get(f"/api/selfie/{guest.id}", guest).content
    rows = list(csv.DictReader(io.StringIO(files["csv/photos.csv"].decode("utf-8-sig"))))
    assert [each["original_filename"] for each in rows] == ["'=one.jpg", "two.jpg"], "no spreadsheet runs it"
    assert files["README.txt"].startswith(b"Tout ce que")
    english = export(service, guest, **{"Accept-Language": "en"})
    assert english["README.txt"].startswith(b"Everything that this service")


def test_no_secret_and_nobody_else_is_in_it(service: Service, party: Party) -> None:
    event, guest, other, _ = party
    everything = b"".join(export(service, guest).values())
    assert not any(
        name.encode() in everything for name in (other.name, party[0].photographer.name, "chief@example.org")
    )
    secrets = set()
    with reading() as session:
        for table, left_out in LEFT_OUT.items():
            for column, why in left_out.items():
                if why.startswith(("a secret", "half", "a keyed hash", "a signature", "a pseudonym")):
                    secrets |= set(session.scalars(select(TABLES[table].c[column])))
        theirs = session.scalars(
            select(Face).join(FaceMatch, FaceMatch.face_id == Face.id).where(FaceMatch.user_id == other.id)
        ).all()
        others = [template_of(session, each) or b"" for each in theirs]
        others += [each.embedding for each in portrait_embeddings(session, other.id, event.id, theirs[0].engine_id)]
    assert len(others) > 1
    assert {len(each) for each in others} == {512}
    texts = [each for each in secrets if isinstance(each, str) and len(each) > 8]
    assert len(texts) > 10, "there are secrets to look for"
    assert [each for each in texts if each.encode() in everything] == []
    assert not any(base64.b64encode(each) in everything for each in others)


def test_a_face_that_only_the_guest_claims_is_not_given(service: Service) -> None:
    event = service.event(guests_see_all_photos=True)
    guest = service.guest_found_as(event, 5)
    service.upload(event, people(5))
    service.process_photos(event)
    with transaction() as session:
        session.execute(update(FaceMatch).where(FaceMatch.user_id == guest.id).values(declared=True))
    found = tables_of(export(service, guest))
    assert [each["declared"] for each in found["face_matches"]] == [True]
    assert found["faces"] == [], "the face may be somebody else's"


# --- bad moments ------------------------------------------------------------------------------------


def test_an_export_while_work_is_under_way_has_what_there_is(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    assert tables_of(export(service, guest))["selfies"] == []
    service.upload(event, people(3))
    service.send_selfie(guest, people(3))
    assert len(tables_of(export(service, guest))["selfies"]) == 1
    service.settle(guest)
    service.process_photos(event)
    with reading() as session:
        (key,) = all_keys(session, guest.id)
    # As after an erasure that has done the files first.
    delete([key])
    files = export(service, guest)
    assert not any(name.startswith("selfies/") for name in files)
    assert len(tables_of(files)["selfies"]) == 1
    erased = service.client.request("DELETE", "/api/me", headers=guest.headers, json={"password": PASSWORD})
    assert erased.status_code == 200
    refused(service.get("/api/me/export", guest), 401, "InvalidToken")


def test_exports_while_portraits_and_photos_are_sent_are_whole(service: Service) -> None:
    event = service.event()
    guest = service.guest_found_as(event, 3)

    def send() -> None:
        for number in range(4):
            service.upload(event, people(3, 10 + number))
            assert service.send_selfie(guest, people(3), keep=number % 2 == 0).status_code == 200

    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(send)
        exports = 0
        while not sent.done() or not exports:
            answer = service.get("/api/me/export", guest)
            assert answer.status_code == 200, answer.text
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert archive.testzip() is None
                tables = json.loads(archive.read("data.json"))
                held = {name for name in archive.namelist() if name.startswith("selfies/")}
            assert len(held) <= len(tables["selfies"])
            exports += 1
        sent.result()
    service.settle(guest)
    service.process_photos(event)
    names = export(service, guest)
    assert sum(name.startswith("photos/") for name in names) == 4


def test_an_export_takes_a_slot_and_gives_it_back(service: Service) -> None:
    guest = service.guest(service.event())
    taken = [slots.take(guest.id), slots.take(guest.id)]
    answer = service.get("/api/me/export", guest)
    refused(answer, 429, "TooManyRequests")
    assert int(answer.headers["retry-after"]) > 0
    for each in taken:
        each.release()
    for _ in range(3):
        export(service, guest)


def test_a_broken_export_resumes_while_nothing_has_changed(service: Service) -> None:
    guest = service.guest(service.event())
    whole = service.get("/api/me/export", guest)
    parts = {"Range": "bytes=100-", "If-Range": whole.headers["etag"]}
    rest = service.get("/api/me/export", guest, headers=parts)
    if rest.status_code == 206:
        assert whole.content.endswith(rest.content)
    service.post("/api/join-event", guest, json={"event_code": service.event().code})
    assert service.get("/api/me/export", guest, headers=parts).status_code == 200


def test_staff_get_their_rows_without_pictures(service: Service) -> None:
    event = service.event()
    service.upload(event, people(7), names=["IMG_7.jpg"])
    service.process_photos(event)
    files = export(service, event.photographer)
    found = tables_of(files)
    assert [each["original_filename"] for each in found["photos"]] == ["IMG_7.jpg"]
    assert found["event_photographers"] == [{"event_id": event.id}]
    assert found["faces"] == found["selfies"] == []
    assert {name.split("/")[0] for name in files} == {"README.txt", "data.json", "csv"}
    assert found["users"][0]["user_type"] == "photographer"


def test_cells_hold_what_the_rows_hold() -> None:
    rows: list[dict[str, Any]] = [{"a": None, "b": [1, {"c": "é"}]}, {"a": "-1", "b": b"\x00"}]
    lines = list(csv.reader(io.StringIO(as_csv(("a", "b"), rows).decode("utf-8-sig"))))
    assert lines == [["a", "b"], ["", '[1, {"c": "é"}]'], ["'-1", "AA=="]]
