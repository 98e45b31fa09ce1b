"""Consents by a selfie, once words are asked for: nothing new rests on them, and they end after a notice."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from database import reading
from guests import selfie_consents
from guests.wordings import CURRENT
from models import Selfie, SelfieEmbedding, utcnow
from privacy import selfie_consents as command
from privacy.audit import audit
from privacy.findings import Scope
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused
from testkit.servers import wait_until

SOON, LATER = timedelta(days=13), timedelta(days=15)


def templates(guest: Person) -> int:
    with reading() as session:
        own = select(func.count(SelfieEmbedding.id)).join(Selfie).where(Selfie.user_id == guest.id)
        return session.scalar(own) or 0


def send(service: Service, event: EventInfo, *who: int) -> int:
    (sent,) = service.upload(event, people(*who))["uploaded_photos"]
    service.process_photos(event)
    return int(sent["id"])


def mine(service: Service, guest: Person) -> set[int]:
    return {each["id"] for each in service.my_photos(guest)}


def agree(service: Service, guest: Person, event: EventInfo) -> None:
    body = {"event_id": event.id, "version": CURRENT}
    assert service.post("/api/consent", guest, json=body).status_code == 200
    service.settle(guest)


def page(service: Service, path: str, guest: Person) -> str:
    answer = service.get(path, guest, headers={"accept": "text/html", "accept-language": "en"})
    assert answer.status_code == 200
    return str(answer.text)


def test_consents_by_selfie_carry_nothing_new_and_end_after_a_notice(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event, other = service.event(), service.event()
    first = send(service, event, 1, 2)
    silent, agrees = service.guest_found_as(event, 1), service.guest_found_as(event, 2)
    monkeypatch.setattr(get_settings(), "require_consent", True)
    # What was found stays; nothing new rests on a selfie.
    second = send(service, event, 1, 2, 3)
    assert (mine(service, silent), mine(service, agrees)) == ({first}, {first})
    (joined,) = service.get("/api/user/events", silent).json()
    assert (joined["has_consent"], joined["selfie_is_consent"]) == (False, False)
    before = templates(silent)
    assert service.post("/api/join-event", silent, json={"event_code": other.code}).status_code == 200
    service.post(f"/api/photographer/events/{event.id}/rematch", event.photographer)
    service.settle(silent)
    assert (templates(silent), mine(service, silent)) == (before, {first})
    refused(service.send_selfie(silent, people(1)), 403, "ConsentRequired")
    gallery = page(service, f"/photos?event={event.id}", silent)
    assert ("asked for in words now" in gallery, f"/api/photo/{first}?" in gallery) == (True, True)
    # Announced: once, and told where there is an address.
    assert command.main(["--announce", "--event", str(event.id)]) == 0
    assert "2 by selfie alone, 0 announced, 2 more end in 14 days, 0 mails" in capsys.readouterr().out
    assert selfie_consents.announce(event.id, days=0) == (0, 0), "those that were announced keep their day"
    assert command.main(["--announce", "--event", "999999"]) == 2
    assert "there is no event with the id 999999" in capsys.readouterr().err
    assert "will be erased after" in page(service, "/account", silent)
    assert "will be erased after" in page(service, f"/photos?event={event.id}", silent)
    assert service.get("/api/my-consents", silent).json()[0]["ends_at"] is not None
    with monkeypatch.context() as later:
        later.setattr("privacy.ends.utcnow", lambda: utcnow() + 2 * LATER)
        (late,) = [each for each in audit(Scope(timedelta(0), pictures=None), pause=0) if each.place == "consents"]
        assert len(late.items) == 2
    agree(service, agrees, event)
    assert mine(service, agrees) == {first, second}
    assert "will be erased after" not in page(service, "/account", agrees)
    assert selfie_consents.end_due(utcnow() + SOON) == 0
    assert selfie_consents.end_due(utcnow() + LATER) == 1
    assert selfie_consents.end_due(utcnow() + LATER) == 0
    assert (mine(service, silent), templates(silent)) == (set(), 0)
    assert (mine(service, agrees), selfie_consents.resting()) == ({first, second}, [])
    monkeypatch.setattr(get_settings(), "require_consent", False)
    assert audit(Scope(timedelta(0), pictures=None), pause=0) == []


def test_where_a_selfie_counts_again_nothing_ends_and_what_came_meanwhile_is_found(service: Service) -> None:
    event = service.event()
    first = send(service, event, 1)
    guest = service.guest_found_as(event, 1)

    def let(counts: bool) -> None:
        path = f"/api/admin/events/{event.id}"
        assert service.put(path, service.admin, json={"selfie_is_consent": counts}).status_code == 200

    let(False)
    second = send(service, event, 1, 3)
    assert mine(service, guest) == {first}
    assert selfie_consents.announce(event.id)[0] == 1
    let(True)
    wait_until(lambda: mine(service, guest) == {first, second}, 20, "the photo that came meanwhile")
    assert selfie_consents.end_due(utcnow() + LATER) == 0
    assert mine(service, guest) == {first, second}
