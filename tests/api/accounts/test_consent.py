"""No template without a consent in force: what counts as one, for apps and for our own pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from api.sessions import SESSION_COOKIE
from database import reading, transaction
from events.service import request_rematch
from guests import wordings
from guests.wordings import CURRENT
from models import Consent, Selfie, SelfieEmbedding, User, UserEvent
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.passwords import PASSWORD
from testkit.pictures import refused

JPEG = "image/jpeg"


def consents(service: Service, guest: Person) -> list[tuple[int, str]]:
    """Return the event and the basis of each consent in force, newest first."""
    found = service.get("/api/my-consents", guest).json()
    return [(each["event_id"], each["basis"]) for each in found if each["withdrawn_at"] is None]


def templates(guest: Person) -> set[int]:
    """Return the events in which the guest's face is on record."""
    with reading() as session:
        own = select(SelfieEmbedding.event_id).join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
        return set(session.scalars(own.where(Selfie.user_id == guest.id)))


def matchings_asked(guest: Person) -> set[int]:
    """Return the events in which a matching of the guest was ever queued."""
    with reading() as session:
        asked = select(UserEvent.event_id).where(UserEvent.user_id == guest.id, UserEvent.requested_at.is_not(None))
        return set(session.scalars(asked))


def everything(service: Service) -> tuple[int, ...]:
    """Return what a refused call must leave alone: the numbers of rows, and the stored files."""
    with reading() as session:
        counted = [session.scalar(select(func.count()).select_from(each)) or 0 for each in (User, UserEvent, Selfie)]
        consented = session.scalar(select(func.count()).select_from(Consent)) or 0
    return *counted, consented, len(service.files())


def asking(service: Service) -> EventInfo:
    """Return an event in which a selfie is no consent."""
    return service.event(selfie_is_consent=False)


def by_page(service: Service, guest: Person, data: bytes) -> Any:
    """Send a selfie as the script of our pages does: with the cookie of the session."""
    from accounts import tokens

    headers = {"Cookie": f"{SESSION_COOKIE}={guest.token}", "X-CSRF-Token": tokens.csrf_of(guest.token)}
    return service.client.post("/api/upload-selfie", files={"file": ("me.jpg", data, JPEG)}, headers=headers)


@pytest.fixture
def requiring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "require_consent", True)


def test_a_selfie_from_an_app_is_recorded_as_what_it_is(service: Service) -> None:
    event, further, strict = service.event(), service.event(), asking(service)
    guest = service.guest(event)
    assert consents(service, guest) == []
    assert service.send_selfie(guest, people(1)).status_code == 200
    service.settle(guest)
    assert (consents(service, guest), templates(guest)) == ([(event.id, "selfie")], {event.id})
    for each in (further, strict):
        assert service.post("/api/join-event", guest, json={"event_code": each.code}).status_code == 200
    service.settle(guest)
    assert consents(service, guest) == [(further.id, "selfie"), (event.id, "selfie")]
    assert templates(guest) == {event.id, further.id}
    assert (matchings_asked(guest), request_rematch(strict.id)) == ({further.id}, 0)
    listed = {each["id"]: each for each in service.get("/api/user/events", guest).json()}
    assert [listed[each.id]["has_consent"] for each in (event, further, strict)] == [True, True, False]
    assert [listed[each.id]["selfie_is_consent"] for each in (event, further, strict)] == [True, True, False]
    service.post("/api/consent", guest, json={"event_id": strict.id, "version": CURRENT, "language": "en"})
    service.settle(guest)
    assert strict.id in templates(guest)
    newest = service.get("/api/my-consents", guest).json()[0]
    assert newest["text_sha256"] == wordings.shown("en").sha256
    assert (newest["basis"], newest["locale"], newest["taken_over"]) == ("words", "en", False)


def test_without_consent_a_selfie_is_refused_and_nothing_is_stored(service: Service) -> None:
    event = asking(service)
    guest = service.guest(event)
    before = everything(service)
    words = "Votre accord est nécessaire avant d'envoyer un selfie : donnez-le d'abord pour cet événement."
    refused(service.send_selfie(guest, people(1)), 403, "ConsentRequired", words)
    form = {"username": "zoe", "email": "zoe@example.org", "password": PASSWORD, "event_code": event.code}
    files = {"file": ("selfie.jpg", people(1), JPEG)}
    refused(service.post("/api/register-invite-with-selfie", data=form, files=files), 403, "ConsentRequired")
    older = {"selfie": ("selfie.jpg", people(1), JPEG)}
    refused(service.post("/api/register", data=form, files=older), 403, "ConsentRequired")
    assert everything(service) == before
    service.post("/api/consent", guest, json={"event_id": event.id, "version": CURRENT})
    assert service.send_selfie(guest, people(1)).status_code == 200
    agreed = {**form, "consent": CURRENT}
    assert service.post("/api/register-invite-with-selfie", data=agreed, files=files).status_code == 200


@pytest.mark.usefixtures("requiring")
def test_an_installation_can_require_words_everywhere(service: Service) -> None:
    event = service.event()
    guest = service.guest(event)
    refused(service.send_selfie(guest, people(1)), 403, "ConsentRequired")
    service.post("/api/consent", guest, json={"event_id": event.id, "version": CURRENT})
    assert service.send_selfie(guest, people(1)).status_code == 200
    service.settle(guest)
    further = service.event()
    service.post("/api/join-event", guest, json={"event_code": further.code})
    service.settle(guest)
    assert (consents(service, guest), templates(guest)) == ([(event.id, "words")], {event.id})


def test_a_selfie_from_our_own_pages_is_never_the_consent(service: Service) -> None:
    event, further = service.event(), service.event()
    guest = service.guest(event)
    refused(by_page(service, guest, people(1)), 403, "ConsentRequired")
    service.post("/api/consent", guest, json={"event_id": event.id, "version": CURRENT})
    service.post("/api/join-event", guest, json={"event_code": further.code})
    assert by_page(service, guest, people(1)).status_code == 200
    service.settle(guest)
    assert (consents(service, guest), templates(guest)) == ([(event.id, "words")], {event.id})


@pytest.mark.parametrize("version", ["2099-01", "selfie", "2026-11.3"])
def test_a_version_that_is_not_known_is_refused_and_writes_nothing(service: Service, version: str) -> None:
    event, further = service.event(), service.event()
    guest = service.guest(event)
    before = everything(service)
    account = {"username": "nobody", "email": "nobody@example.org", "password": PASSWORD}
    form, files = {**account, "event_code": event.code, "consent": version}, {"file": ("me.jpg", people(1), JPEG)}
    for answer in (
        service.post("/api/consent", guest, json={"event_id": event.id, "version": version}),
        service.post("/api/join-event", guest, json={"event_code": further.code, "consent": version}),
        service.post(
            "/api/register-with-event-code",
            json={"user_data": account, "event_code": event.code, "consent": version},
        ),
        service.post("/api/register-invite-with-selfie", data=form, files=files),
    ):
        refused(answer, 400, "UnknownConsentVersion")
    assert everything(service) == before


def test_a_replaced_version_is_accepted_for_a_year(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    guest = service.guest(event)
    long_ago = datetime.now(UTC) - wordings.ACCEPTED_FOR - timedelta(days=1)
    monkeypatch.setitem(wordings.REPLACED, "2026-11", long_ago)
    old = {"event_id": event.id, "version": "2026-11"}
    refused(service.post("/api/consent", guest, json=old), 400, "UnknownConsentVersion")
    monkeypatch.setitem(wordings.REPLACED, "2026-11", long_ago + timedelta(days=2))
    assert service.post("/api/consent", guest, json=old).status_code == 200


def test_withdrawing_the_last_consent_erases_the_selfie_and_a_selfie_does_not_undo_it(service: Service) -> None:
    event, further = service.event(), service.event()
    guest = service.guest(event)
    service.post("/api/join-event", guest, json={"event_code": further.code})
    before = set(service.files())
    service.send_selfie(guest, people(1))
    service.settle(guest)
    for each in (event, further):
        service.upload(each, people(1))
        service.process_photos(each)
    with_photos = set(service.files())
    assert service.delete(f"/api/my-consents/{event.id}", guest).status_code == 200
    assert templates(guest) == {further.id}
    assert service.get("/api/my-selfie", guest).status_code == 200
    # Sent again, it counts where it counted, and nowhere else.
    assert service.send_selfie(guest, people(1)).status_code == 200
    service.settle(guest)
    assert (consents(service, guest), templates(guest)) == ([(further.id, "selfie")], {further.id})
    for _ in range(2):
        assert service.delete(f"/api/my-consents/{further.id}", guest).status_code == 200
        refused(service.get("/api/my-selfie", guest), 404, "NoSelfie")
        assert (consents(service, guest), templates(guest)) == ([], set())
    gone = {path for path in with_photos - before if "selfies" in str(path)}
    assert gone.isdisjoint(service.files())
    refused(service.send_selfie(guest, people(1)), 409, "ConsentWithdrawn")
    service.post("/api/consent", guest, json={"event_id": further.id, "version": CURRENT})
    assert service.send_selfie(guest, people(1)).status_code == 200
    service.settle(guest)
    assert templates(guest) == {further.id}


def test_a_consent_of_an_unknown_version_from_before_does_not_count(service: Service) -> None:
    event = asking(service)
    guest = service.guest(event)
    with transaction() as session:
        session.add(Consent(user_id=guest.id, event_id=event.id, version="2025-01", locale="fr", basis="unknown"))
    refused(service.send_selfie(guest, people(1)), 403, "ConsentRequired")


@pytest.mark.sqlite_is_enough
def test_anybody_can_read_what_was_agreed_to(service: Service) -> None:
    for version in wordings.REPLACED:
        for language in wordings.LANGUAGES:
            page = service.client.get(f"/consent/{version}?language={language}")
            assert page.status_code == 200
            for wording in wordings.wordings_of(version, language):
                assert wording.sha256 in page.text
                assert all(line in page.text for part in wording.paragraphs for line in part)
    assert service.client.get("/consent/2099-01").status_code == 404


# The digests that rows of the database refer to. A wording is never edited: new words are a new version.
DIGESTS = {
    ("2026-11", "fr", ""): "b21a30e628f7090423a006c2172ed991240d9abd11627e4e10c7370c8f257c7e",
    ("2026-11", "en", ""): "58c41deabc7ea6a9d3593b0c899ebe91ee2722f60b5e35201395b11735584a91",
    ("2026-11.2", "fr", ""): "5bac815d979fe982f6e379d7d494da85b5eb43035ca6281797321abdae00511a",
    ("2026-11.2", "fr", "azure"): "2a081509ec534be33e50c9c3be3f0e65280d2c4cbbf5c4723ac514625ec22e07",
    ("2026-11.2", "en", ""): "9ac086e4c6b6f7bb57d286d8e4ec491cfd4bf950782e08c3129b3255b5465c2d",
    ("2026-11.2", "en", "azure"): "dd02a1f7b178f41a96986bf92cb9b5f48d69c3aa14b1d733fd8eeeb49f4e7cfa",
    ("guardian-2026-11", "fr", ""): "d21c408967bbe0977eb5e767aede5d558e119bd1dc920539122c36f9fd186f17",
    ("guardian-2026-11", "fr", "azure"): "ec369afad21abe470d7890e70e5aa58f3d3acee49962df38fd185a19daf20489",
    ("guardian-2026-11", "en", ""): "9b6d51decb747335e986076459196b7b742682894b37533f0b6fdaceabd06a4e",
    ("guardian-2026-11", "en", "azure"): "d8b5202226ea15dcb996d9393796ecfb4e63638efafa8b21f656da4842ac613a",
}


def test_the_wordings_are_those_that_were_agreed_to() -> None:
    found = {(each.version, each.language, each.provider): each.sha256 for each in wordings.all_wordings()}
    assert found == DIGESTS
