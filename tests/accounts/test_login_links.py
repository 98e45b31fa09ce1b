"""Links that log in: how long each works, how often, and what ends it."""

from datetime import timedelta

import pytest
from sqlalchemy import Select, select, update

import errors
from accounts import login_links, queries, sessions, tokens
from accounts.service import user_of
from database import reading, transaction
from guests import registration
from guests.wordings import shown
from models import AuditEntry, Event, LoginLink, User, utcnow
from testkit.builders import EventInfo, Service

HOUR = timedelta(hours=1)


@pytest.fixture
def event(service: Service) -> EventInfo:
    return service.event()


@pytest.fixture
def guest(event: EventInfo, request: pytest.FixtureRequest) -> User:
    return registration.start(event.code, "fr", shown("fr"), request.node.name)


def entered(token: str, browser: str = "a browser") -> User:
    """Enter by a link and return the account, with its session."""
    return user_of(tokens.read(login_links.enter(token, browser, "Firefox · Android").access_token))


def logged_in(token: str, browser: str = "a browser") -> int:
    """Enter by a link and return whose session it is."""
    return entered(token, browser).id


def age(by: timedelta) -> None:
    """Let time pass for every link: made, used and expiring so much earlier."""
    with transaction() as session:
        for link in session.scalars(select(LoginLink)):
            link.expires_at -= by
            link.used_at = link.used_at and link.used_at - by


def test_a_personal_link_works_many_times_until_there_is_a_new_one(guest: User) -> None:
    token = login_links.issue(guest.id, login_links.PERSONAL)
    assert [logged_in(token) for _ in range(2)] == [guest.id, guest.id]
    age(HOUR)
    assert logged_in(login_links.url_of(token)) == guest.id
    newer = login_links.issue(guest.id, login_links.PERSONAL)
    with pytest.raises(errors.LoginLinkInvalid):
        logged_in(token)
    assert logged_in(newer) == guest.id
    login_links.revoke(guest.id)
    with pytest.raises(errors.LoginLinkInvalid):
        logged_in(newer)


@pytest.mark.parametrize("purpose", [login_links.MAIL, login_links.HELP, login_links.HOME, login_links.ADDRESS])
def test_the_others_work_once_and_until_they_are_too_old(guest: User, purpose: str) -> None:
    token, late = login_links.issue(guest.id, purpose), login_links.issue(guest.id, purpose)
    assert logged_in(token) == guest.id
    # The button was pressed twice.
    assert logged_in(token) == guest.id
    for browser in ("another browser", ""):
        with pytest.raises(errors.LoginLinkUsed):
            logged_in(token, browser)
    age(timedelta(minutes=1))
    with pytest.raises(errors.LoginLinkUsed) as used:
        logged_in(token)
    assert used.value.user_id == guest.id
    age(login_links.LIFETIMES[purpose])
    with pytest.raises(errors.LoginLinkExpired):
        logged_in(late)


def test_a_personal_link_ends_a_month_after_the_events_as_they_are_now(guest: User, event: EventInfo) -> None:
    token = login_links.issue(guest.id, login_links.PERSONAL)
    age(timedelta(days=200))
    assert logged_in(token) == guest.id
    with transaction() as session:
        over = utcnow() - sessions.KEPT_AFTER_EVENTS
        session.execute(update(Event).where(Event.id == event.id).values(expires_at=over))
    with pytest.raises(errors.LoginLinkExpired):
        logged_in(token)


def test_ending_all_sessions_and_closing_the_account_end_its_links(guest: User) -> None:
    token = login_links.issue(guest.id, login_links.PERSONAL)
    sessions.end_all(guest.id)
    with pytest.raises(errors.LoginLinkRevoked):
        logged_in(token)
    token = login_links.issue(guest.id, login_links.PERSONAL)
    with transaction() as session:
        session.get_one(User, guest.id).is_active = False
    with pytest.raises(errors.LoginLinkClosed):
        logged_in(token)
    with pytest.raises(errors.AccountClosed):
        login_links.issue(guest.id, login_links.MAIL)


def test_logging_out_the_other_devices_ends_the_links_that_they_may_have(guest: User) -> None:
    found = [login_links.issue(guest.id, purpose) for purpose in (login_links.HOME, login_links.PERSONAL)]
    assert login_links.has_personal(guest.id)
    sessions.end_others(guest)
    for token in found:
        with pytest.raises(errors.LoginLinkRevoked):
            logged_in(token)
    assert not login_links.has_personal(guest.id), "the pages offer to keep the account again"


def test_a_web_app_gets_the_same_link_until_it_is_used(guest: User) -> None:
    phone, tablet = (entered(login_links.issue(guest.id, login_links.PERSONAL)) for _ in range(2))
    assert phone.session_id != tablet.session_id
    first = login_links.issue_for_app(phone)
    assert first is not None
    assert {login_links.issue_for_app(phone) for _ in range(5)} == {first}
    assert login_links.issue_for_app(tablet) not in (first, None)
    with reading() as session:
        assert len(session.scalars(home_links(guest)).all()) == 2
    assert logged_in(first) == guest.id
    second = login_links.issue_for_app(phone)
    assert second not in (first, None)
    with transaction() as session:
        session.execute(update(LoginLink).where(LoginLink.user_id == guest.id).values(used_at=utcnow()))
    for _ in range(login_links.HOME_LINKS - 2):
        token = login_links.issue_for_app(phone)
        assert token is not None
        logged_in(token)
    assert login_links.issue_for_app(phone) is None


def home_links(guest: User) -> Select[LoginLink]:
    return select(LoginLink).where(LoginLink.user_id == guest.id, LoginLink.purpose == login_links.HOME)


def test_staff_never_log_in_by_a_link(service: Service) -> None:
    photographer = service.photographer()
    with pytest.raises(errors.NoLinkForStaff):
        login_links.issue(photographer.id, login_links.HELP)
    path = f"/api/admin/users/{photographer.id}/login-link"
    assert service.post(path, service.admin).json()["error"] == "NoLinkForStaff"


def test_the_log_says_by_which_kind_of_link_somebody_came(guest: User) -> None:
    logged_in(login_links.issue_for_admin(guest.id))
    with reading() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.details) == ("account.logged_in_by_link", {"purpose": "help"})


def test_the_database_holds_no_token(guest: User) -> None:
    token = login_links.issue(guest.id, login_links.MAIL)
    with reading() as session:
        rows = session.execute(select(LoginLink.__table__)).all()
    assert rows
    assert not any(token in str(row) for row in rows)


def test_an_address_that_others_typed_never_keeps_its_owner_out(service: Service, event: EventInfo) -> None:
    owner = service.guest(event, "penelope")
    address = "penelope@example.org"
    for number in range(12):
        who = registration.Introduction("Penny", address, f"another password {number}")
        registration.introduce(who, event.code, "fr", shown("fr"), f"browser {number}")
    service.log_in(address)
    assert service.log_in(address, "another password 0")
    with reading() as session:
        assert queries.named(session, address, 9)[0].id == owner.id
