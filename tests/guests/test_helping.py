"""Whose account a portrait opens for a photographer who helps, and whose it never does."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

import errors
from accounts import login_links, sessions, tokens
from accounts.service import user_of
from database import reading, transaction
from decoding.portraits import embedding_of
from faces.calibration import LOCAL
from faces.engine import Embeddings
from faces.fake import FakeEngine
from guests import helping, joining, registration
from guests.consent import withdraw
from guests.wordings import shown
from matching.queries import PortraitEmbedding
from models import AuditEntry, Event, LoginLink, User, utcnow
from testkit.builders import EventInfo, Person, Service, people


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    return service.event()


def face(number: int) -> Embeddings:
    return embedding_of(people(number), FakeEngine(), strict=True)


def guest_of(service: Service, event: EventInfo, number: int) -> User:
    """Let a guest in by one button, with a portrait; the guest's number is that of the face."""
    guest = registration.start(event.code, "fr", shown("fr"), f"the browser of {number} at {event.id}")
    person = Person(guest.id, guest.username, sessions.start(guest, None, browser=True).access_token)
    assert service.send_selfie(person, people(number)).status_code == 200
    assert service.settle(person)["status"] == "done"
    return guest


def link_for(event: EventInfo, number: int) -> str:
    with reading() as session:
        row = session.get_one(Event, event.id)
    return helping.make_link(row, face(number))


def change(guest: User, **columns: object) -> None:
    with transaction() as session:
        row = session.get_one(User, guest.id)
        for name, value in columns.items():
            setattr(row, name, value)


def last_entry() -> AuditEntry:
    with reading() as session:
        return session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).all()[0]


def test_the_same_portrait_opens_the_account_once_for_a_quarter_of_an_hour(
    service: Service, event: EventInfo
) -> None:
    guest_of(service, event, 1)
    guest = guest_of(service, event, 2)
    token = link_for(event, 2)
    made = last_entry()
    assert (made.action, made.event_id) == ("account.login_link_made", event.id)
    assert made.subject is not None
    with reading() as session:
        link = session.scalars(select(LoginLink).where(LoginLink.user_id == guest.id)).one()
    assert utcnow() < link.expires_at <= utcnow() + timedelta(minutes=15)
    grant = login_links.enter(token, "a new phone", None)
    assert user_of(tokens.read(grant.access_token)).id == guest.id
    with pytest.raises(errors.LoginLinkUsed):
        login_links.enter(token, "the photographer's", None)


def refused(event: EventInfo, number: int) -> bool:
    """Tell whether the portrait opens nothing, and the log says so."""
    with pytest.raises(errors.NoAccountToOpen):
        link_for(event, number)
    return last_entry().action == "account.login_link_refused"


UNFIT: dict[str, Callable[[Service, EventInfo, User], object]] = {
    "a password": lambda _, __, guest: change(guest, hashed_password="a hash"),
    "an address": lambda _, __, guest: change(guest, email="a@example.org", email_key="a@example.org"),
    "a closed account": lambda _, __, guest: change(guest, is_active=False),
    "another event": lambda service, _, guest: joining.join(guest.id, service.event().code, shown("fr")),
    "consent withdrawn": lambda _, event, guest: withdraw(guest.id, event.id),
}


def test_an_account_that_something_else_leads_back_to_is_not_opened(service: Service, event: EventInfo) -> None:
    for number, (reason, make_unfit) in enumerate(UNFIT.items(), 10):
        guest = guest_of(service, event, number)
        assert link_for(event, number)
        make_unfit(service, event, guest)
        assert refused(event, number), reason


def test_a_face_of_nobody_of_two_accounts_or_of_another_event_opens_nothing(
    service: Service, event: EventInfo
) -> None:
    assert refused(event, 20)
    guest_of(service, event, 21)
    assert link_for(event, 21)
    elsewhere = service.event()
    assert refused(elsewhere, 21)
    second = registration.start(event.code, "fr", shown("fr"), "a second phone")
    person = Person(second.id, "", sessions.start(second, None, browser=True).access_token)
    service.send_selfie(person, people(21))
    service.settle(person)
    assert refused(event, 21)


def test_nobody_is_helped_so_after_the_event(service: Service) -> None:
    event = service.event()
    guest_of(service, event, 30)
    with transaction() as session:
        session.get_one(Event, event.id).expires_at = utcnow()
    with pytest.raises(errors.NoHelpByPortrait):
        link_for(event, 30)


@pytest.mark.sqlite_is_enough
def test_a_likeness_that_is_not_sure_or_not_the_only_one_is_nobody() -> None:
    def like(*cosines: float) -> list[PortraitEmbedding]:
        rows = [np.array([cosine, (1 - cosine**2) ** 0.5], np.float32) for cosine in cosines]
        return [PortraitEmbedding(number, number, False, row.tobytes(), None) for number, row in enumerate(rows)]

    asked, sure = np.array([1, 0], np.float32), LOCAL.sure
    assert helping.owner_of(asked, [], LOCAL) is None
    assert helping.owner_of(asked, like(0.1, sure + 0.01), LOCAL) == 1
    assert helping.owner_of(asked, like(0.1, sure - 0.01), LOCAL) is None
    assert helping.owner_of(asked, like(0.9, sure + 0.01), LOCAL) is None
    assert helping.owner_of(asked, like(sure - 0.01, sure + 0.01), LOCAL) is None
    # The more guests, the surer it must be.
    assert helping.owner_of(asked, like(sure + 0.01, *[0.0] * 5000), LOCAL) is None
