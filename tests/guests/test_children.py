"""Profiles of children: held by a guest, who consents in words, sees their photos, and erases them."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from api.sessions import SESSION_COOKIE
from database import reading
from faces.providers import ENGINE_IDS, calibration_of
from guests.wordings import CURRENT, GUARDIAN
from matching.similarity import stricter, thresholds_for
from models import Consent, FaceMatch, Selfie, SelfieEmbedding, User
from privacy.audit import audit
from privacy.findings import Scope
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.forms import form_token
from testkit.passwords import PASSWORD
from testkit.pictures import refused
from testkit.servers import wait_until

CHILD = 5
CHILDREN = "/api/me/children"


def clean() -> list[Any]:
    return [each for each in audit(Scope(timedelta(0), pictures=None), pause=0) if each.check != "erasure-not-logged"]


def agreement(event: EventInfo, version: str = GUARDIAN, **more: str) -> dict[str, Any]:
    return {"event_id": event.id, "version": version, **more}


def add(service: Service, guardian: Person, event: EventInfo) -> int:
    answer = service.post(CHILDREN, guardian, json=agreement(event, name="Lou", language="en"))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


def send(service: Service, guardian: Person, child: int, *who: int) -> Any:
    files = {"file": ("lou.jpg", people(*who), "image/jpeg")}
    return service.client.put(f"{CHILDREN}/{child}/portrait", headers=guardian.headers, files=files)


def found(service: Service, guardian: Person, child: int, event: EventInfo) -> set[int]:
    answer = service.get(f"{CHILDREN}/{child}/photos", guardian, params={"event_id": event.id})
    assert answer.status_code == 200, answer.text
    return {each["id"] for each in answer.json()}


def profile(service: Service, guardian: Person) -> dict[str, Any]:
    (only,) = service.get(CHILDREN, guardian).json()
    return dict(only)


class Family:
    """An event that keeps photos private, a parent who is in one photo, and a child who is in another."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.event = service.event()
        sent = service.upload(self.event, people(1), people(CHILD, 2))["uploaded_photos"]
        self.own, self.childs = (int(each["id"]) for each in sent)
        service.process_photos(self.event)
        self.parent = service.guest_found_as(self.event, 1)
        self.child = add(service, self.parent, self.event)
        assert send(service, self.parent, self.child, CHILD).status_code == 200
        wait_until(lambda: self.photos() == {self.childs}, 20, "the photo of the child")

    def photos(self) -> set[int]:
        return found(self.service, self.parent, self.child, self.event)

    def left(self) -> int:
        with reading() as session:
            rows = [
                session.scalar(select(func.count()).where(each.user_id == self.child))
                for each in (Selfie, Consent, FaceMatch)
            ]
            return sum(each or 0 for each in rows) + (session.get(User, self.child) is not None)


def test_a_guardian_sees_the_photos_of_a_child_and_nobody_else_does(service: Service) -> None:
    family = Family(service)
    parent, photo = family.parent, family.childs
    assert {each["id"] for each in service.my_photos(parent)} == {family.own}, "not among one's own"
    assert service.get(f"/api/photo/{photo}?size=original", parent).status_code == 200
    answer = service.get(f"{CHILDREN}/{family.child}/photos", parent, params={"event_id": family.event.id}).json()
    assert service.client.get("/" + answer[0]["url"].split("://")[-1].partition("/")[2]).status_code == 200
    gallery = service.get(f"/photos?event={family.event.id}&child={family.child}", parent).text
    assert f"/api/photo/{photo}?" in gallery
    assert f"/api/photo/{family.own}?" not in gallery
    assert service.get(f"{CHILDREN}/{family.child}/portrait", parent).content.startswith(b"\xff\xd8")
    page = service.get("/account/children", parent, headers={"accept": "text/html", "accept-language": "en"}).text
    assert "I hold parental responsibility for this child" in page
    assert f"/photos?event={family.event.id}&amp;child={family.child}" in page
    stranger = service.guest_found_as(family.event, 3)
    refused(service.get(f"/api/photo/{photo}", stranger), 404, "NoSuchPhoto")
    for path in ("/portrait", f"/photos?event_id={family.event.id}", "/export"):
        refused(service.get(f"{CHILDREN}/{family.child}{path}", stranger), 404, "NoSuchChild")
    refused(send(service, stranger, family.child, 3), 404, "NoSuchChild")
    refused(service.get(f"/photos?event={family.event.id}&child={family.child}", stranger), 404, "NoSuchChild")
    for way in ("login-link", "reset-link"):
        refused(service.post(f"/api/admin/users/{family.child}/{way}", service.admin), 404, "NoSuchUser")
    # Hidden from others, not from the guardian.
    other = service.guest_found_as(family.event, 2)
    assert photo in {each["id"] for each in service.my_photos(other)}
    path = f"{CHILDREN}/{family.child}/events/{family.event.id}/hidden"
    assert service.put(path, parent, json={"hidden": True}).status_code == 200
    assert service.my_photos(other) == []
    assert family.photos() == {photo}
    assert service.get(f"/api/photo/{photo}", parent).status_code == 200
    assert clean() == []


def test_a_child_needs_the_words_for_guardians(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event, elsewhere = service.event(), service.event()
    parent = service.guest(event)
    monkeypatch.setattr(get_settings(), "require_consent", True)
    refused(service.post(CHILDREN, parent, json=agreement(event, CURRENT, name="Lou")), 400, "UnknownConsentVersion")
    refused(service.post(CHILDREN, parent, json=agreement(elsewhere, name="Lou")), 403, "NotInEvent")
    refused(service.post("/api/consent", parent, json=agreement(event)), 400, "UnknownConsentVersion")
    assert service.get(CHILDREN, parent).json() == []
    child = add(service, parent, event)
    with reading() as session:
        (given,) = session.query(Consent).filter_by(user_id=child)
    assert (given.version, given.locale, given.basis) == (GUARDIAN, "en", "words")
    # Withdrawn alone: what was computed and the portrait go, the profile stays, and no portrait is taken.
    assert send(service, parent, child, CHILD).status_code == 200
    assert service.delete(f"{CHILDREN}/{child}/consents/{event.id}", parent).status_code == 200
    refused(service.get(f"{CHILDREN}/{child}/portrait", parent), 404, "NoSelfie")
    refused(send(service, parent, child, CHILD), 409, "ConsentWithdrawn")
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SelfieEmbedding).join(Selfie)) is not None
        assert session.query(Selfie).filter_by(user_id=child).count() == 0
    assert [each["has_consent"] for each in profile(service, parent)["events"]] == [False]
    # In a further event, which the guardian has joined.
    service.post("/api/join-event", parent, json={"event_code": elsewhere.code})
    assert service.post(f"{CHILDREN}/{child}/consent", parent, json=agreement(elsewhere)).status_code == 200
    told = {each["event_id"]: each["has_consent"] for each in profile(service, parent)["events"]}
    assert told == {event.id: False, elsewhere.id: True}
    assert send(service, parent, child, CHILD).status_code == 200
    for _ in range(9):
        add(service, parent, event)
    refused(service.post(CHILDREN, parent, json=agreement(event, name="Lou")), 409, "TooManyChildren")


def test_a_name_that_cannot_be_shown_or_is_too_long_is_refused_in_words(service: Service) -> None:
    event = service.event()
    parent = service.guest(event)
    wrong = {" ": "(1 à 150 caractères)", "x" * 151: "(1 à 150 caractères)", "\u200b": "(1 à 150 caractères)"}
    for name, told in {**wrong, "Lou\0": "caractère invisible"}.items():
        answer = service.post(CHILDREN, parent, json=agreement(event, name=name))
        refused(answer, 422, "InvalidRequest")
        assert told in answer.json()["detail"]
    service.client.cookies.set(SESSION_COOKIE, parent.token)
    headers, path = {"accept": "text/html", "accept-language": "en"}, "/account/children"
    token = form_token(service.client.get(path, headers=headers).text)
    for name in (*wrong, "Lou\0"):
        form = {"csrf_token": token, "name": name, "event_id": str(event.id)}
        page = service.client.post(path, headers=headers, data=form)
        assert "Give the child a name or nickname (150 characters at most)" in page.text
    service.client.cookies.clear()
    assert service.get(CHILDREN, parent).json() == []


def test_a_child_is_erased_alone_or_with_its_guardian_and_exported(service: Service) -> None:
    family = Family(service)
    with zipfile.ZipFile(io.BytesIO(service.get(f"{CHILDREN}/{family.child}/export", family.parent).content)) as held:
        names = held.namelist()
    assert any(name.startswith("selfies/") for name in names)
    assert any(name.startswith("photos/") for name in names)
    files = len(service.files())
    assert service.delete(f"{CHILDREN}/{family.child}", family.parent).status_code == 200
    assert (family.left(), len(service.files()), service.get(CHILDREN, family.parent).json()) == (0, files - 1, [])
    refused(service.get(f"/api/photo/{family.childs}", family.parent), 404, "NoSuchPhoto")
    again = Family(service)
    files = len(service.files())
    body = {"password": PASSWORD}
    assert service.client.request("DELETE", "/api/me", headers=again.parent.headers, json=body).status_code == 200
    assert (again.left(), len(service.files())) == (0, files - 2)
    assert clean() == []


def test_children_are_matched_more_strictly() -> None:
    for provider in ("local", "dlib"):
        calibration = calibration_of(ENGINE_IDS[provider])
        for faces in (1, 300, 100_000):
            adults = thresholds_for(faces, calibration)
            children = stricter(adults, calibration)
            assert children.first == pytest.approx(adults.first + calibration.per_decade, abs=1e-3)
            assert children.floor == pytest.approx(adults.first, abs=1e-3)
            assert children.second > adults.second
