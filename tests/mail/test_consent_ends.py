"""The mail that tells guests that their consent by a selfie ends."""

from datetime import timedelta

import pytest

from database import reading, transaction
from guests import consent, selfie_consents
from guests.wordings import shown
from mail.letters import last_day
from models import SELFIE, Consent, Event, User, utcnow
from settings import get_settings
from testkit.mail_server import Mailbox
from tests.mail.people import deliver, guest, new_address, text_of


def by_selfie(language: str) -> User:
    made = guest(new_address(), "Gala\r\nBcc: eve@example.org", language)
    assert made.event_id is not None
    with transaction() as session:
        session.add(Consent(user_id=made.id, event_id=made.event_id, version=SELFIE, locale=language, basis=SELFIE))
    return made


def test_a_guest_is_told_the_day_and_not_after_an_answer(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    told, french, agreed, withdrew = (by_selfie(language) for language in ("en", "fr", "en", "en"))
    monkeypatch.setattr(get_settings(), "require_consent", True)
    now = utcnow()
    for each in (told, french, agreed, withdrew):
        assert selfie_consents.announce(each.event_id or 0, 14, now) == (1, 1)
    consent.give(agreed.id, agreed.event_id or 0, shown("en"))
    consent.withdraw(withdrew.id, withdrew.event_id or 0)
    assert deliver()
    letters = dict(box.received)
    assert set(letters) == {told.email, french.email}
    text = text_of(letters[str(told.email)])
    with reading() as session:
        zone = session.get_one(Event, told.event_id).timezone
    assert f"erased after {last_day('en', now + timedelta(days=14), zone)}" in text
    assert f"{get_settings().address}/account" in text
    assert "votre portrait" in text_of(letters[str(french.email)])
    assert all("Bcc" not in each for each in letters.values())
