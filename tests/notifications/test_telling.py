"""When guests are told, of what, and when no more: with rows of matches, an injected clock, real mails and pushes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

import errors
from database import reading, transaction
from events import queries as event_queries
from events import service as events
from guests import consent
from guests.erasure import erase_guest
from guests.joining import join
from guests.removal import remove_event
from guests.wordings import shown
from matching import refusals
from models import Event, FaceMatch, Photo, User
from notifications import queries, scanning, unsubscribing
from notifications import service as notifications
from notifications.schedule import after_night
from settings import get_settings
from testkit.mail_server import Mailbox
from testkit.push_service import PushService
from tests.mail.people import text_of
from tests.notifications.people import HOUR, MINUTE, NOON, forget, rows, somebody, work


@pytest.fixture(autouse=True)
def _clean(database: None) -> None:
    forget()


def test_a_mail_says_how_many_where_and_how_to_stop(box: Mailbox) -> None:
    guest = somebody("Mariage\u2028de Léa & Tom")
    guest.photos(2, NOON - HOUR)
    guest.by_mail()
    guest.photos(3, NOON)
    work(NOON)
    assert box.received == [], "five quiet minutes first"
    work(NOON + 5 * MINUTE)
    [(recipient, message)] = box.received
    assert recipient == guest.user.email
    assert message["Subject"] == "Mariage de Léa & Tom : 3 nouvelles photos de vous"
    link = f"https://photos.example.org/photos?event={guest.event_id}"
    assert link in text_of(message)
    unsubscribe = message["List-Unsubscribe"].strip("<>")
    assert unsubscribe in text_of(message)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    html = message.get_body(("html",))
    assert html is not None
    assert "Léa &amp; Tom" in html.get_content()
    assert {part.get_content_type() for part in message.walk()} == {
        "multipart/alternative",
        "text/plain",
        "text/html",
    }
    assert "<img" not in html.get_content()
    unsubscribing.unsubscribe(unsubscribe.rpartition("/")[2])
    guest.photos(1, NOON + HOUR)
    work(NOON + 3 * HOUR)
    assert len(box.received) == 1


def test_however_long_the_address_a_mail_program_finds_the_link(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = f"https://{'photos.' * 12}example.org"
    monkeypatch.setattr(get_settings(), "public_url", site)
    guest = somebody()
    guest.by_mail("en")
    guest.photos(1, NOON)
    work(NOON + HOUR)
    [(_, message)] = box.received
    assert message["List-Unsubscribe"].startswith(f"<{site}/unsubscribe/")
    assert message["Subject"] == "Mariage de Léa: 1 new photo of you"


def test_a_push_is_read_by_the_browser_alone_and_holds_no_photo(service: PushService) -> None:
    guest, browser = somebody("Course"), service.browser()
    guest.on(browser, "en")
    guest.photos(1, NOON)
    work(NOON + 5 * MINUTE)
    [told] = service.to(browser)
    assert (told["title"], told["body"]) == ("Course", "1 new photo of you")
    assert told["navigate"] == f"https://photos.example.org/photos?event={guest.event_id}"
    assert set(told) == {"title", "body", "lang", "tag", "navigate"}
    assert service.received[0].headers["Topic"] == told["tag"]
    work(NOON + 10 * HOUR)
    assert len(service.received) == 1, "nothing new, nothing told"


def test_quiet_minutes_and_one_message_an_hour(service: PushService) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    for minute in range(0, 13, 4):
        guest.photos(1, NOON + minute * MINUTE)
        work(NOON + minute * MINUTE)
    work(NOON + 16 * MINUTE)
    assert service.received == [], "the last photo came four minutes ago"
    work(NOON + 17 * MINUTE)
    assert [each["body"] for each in service.to(browser)] == ["4 nouvelles photos de vous"]
    first = NOON + 17 * MINUTE
    guest.photos(2, NOON + 20 * MINUTE)
    guest.photos(5, NOON + 40 * MINUTE)
    work(first + 59 * MINUTE)
    assert len(service.received) == 1
    work(first + HOUR)
    assert [each["body"] for each in service.to(browser)][1:] == ["7 nouvelles photos de vous"]


def test_where_photos_never_pause_the_first_message_comes_after_an_hour(service: PushService) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    for minute in range(0, 62, 2):
        guest.photos(1, NOON + minute * MINUTE)
        work(NOON + minute * MINUTE)
    assert len(service.to(browser)) == 1


def test_matches_that_are_written_anew_are_no_news(service: PushService) -> None:
    guest, browser = somebody(), service.browser()
    guest.photos(6, NOON - HOUR)
    guest.on(browser)
    guest.matched_again(NOON)
    work(NOON + HOUR)
    assert service.received == []
    guest.photos(1, NOON + HOUR)
    guest.matched_again(NOON + HOUR)
    work(NOON + 2 * HOUR)
    assert [each["body"] for each in service.to(browser)] == ["1 nouvelle photo de vous"]


def test_photos_that_are_removed_refused_or_named_by_the_guest_are_not_counted(service: PushService) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    removed, refused, _ = guest.photos(3, NOON)
    work(NOON)
    with transaction() as session:
        session.delete(session.get_one(Photo, removed))
    refusals.refuse(guest.user.id, refused)
    work(NOON + HOUR)
    assert [each["body"] for each in service.to(browser)] == ["1 nouvelle photo de vous"]
    [last] = guest.photos(1, NOON + HOUR)
    work(NOON + HOUR)
    refusals.refuse(guest.user.id, last)
    work(NOON + 3 * HOUR)
    assert len(service.received) == 1
    assert [row.status for row in rows()] == ["done"]


def test_what_guests_said_themselves_is_no_news_and_is_not_looked_at_again_and_again(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "LIMIT", 1)
    guests = [somebody() for _ in range(2)]
    for guest in guests:
        guest.on(service.browser())
        guest.photos(1, NOON)
    with transaction() as session:
        session.execute(update(FaceMatch).values(declared=True))
    assert work(NOON + HOUR) == 0
    with reading() as session:
        assert queries.with_unseen(session, queries.Newest(0, 0), 0, 10) == []


def test_a_guest_without_consent_is_told_of_photos_by_the_badge(box: Mailbox) -> None:
    guest = somebody()
    consent.withdraw(guest.user.id, guest.event_id)
    with pytest.raises(errors.NoNewsWithoutConsent):
        guest.by_mail()
    events.update(guest.event_id, {"badges": True})
    guest.given(1, NOON - HOUR)
    guest.by_mail("en")
    guest.given(2, NOON)
    for at in (NOON, NOON + HOUR, NOON + 3 * HOUR):
        work(at)
    [(_, message)] = box.received
    assert message["Subject"] == "Mariage de Léa: 2 new photos of you"


def test_withdrawing_erasing_and_deleting_end_it(service: PushService) -> None:
    told = [somebody() for _ in range(3)]
    for guest in told:
        guest.on(service.browser())
        guest.by_mail()
        guest.photos(1, NOON)
    work(NOON)
    consent.withdraw(told[0].user.id, told[0].event_id)
    erase_guest(told[1].user.id)
    remove_event(told[2].event_id)
    assert rows() == []
    work(NOON + HOUR)
    assert service.received == []


def test_a_withdrawal_while_the_message_waits_for_its_server_is_obeyed(service: PushService) -> None:
    guest, browser = somebody(), service.browser()
    guest.on(browser)
    guest.photos(1, NOON)
    service.answers[browser.endpoint.removeprefix(service.origin)] = (503, {})
    work(NOON + 5 * MINUTE)
    assert [row.status for row in rows()] == ["pending"]
    service.answers.clear()
    consent.withdraw(guest.user.id, guest.event_id)
    work(NOON + HOUR)
    assert service.received == []


def test_it_ends_with_the_event(service: PushService) -> None:
    guest, browser = somebody(expires_at=NOON + 10 * MINUTE), service.browser()
    guest.on(browser)
    guest.photos(1, NOON + 8 * MINUTE)
    work(NOON + 9 * MINUTE)
    work(NOON + 14 * MINUTE)
    assert service.received == []
    assert rows() == []


@pytest.mark.parametrize(
    ("zone", "local", "until"),
    [
        ("Europe/Paris", (2026, 11, 28, 2, 0), (2026, 11, 28, 8, 0)),
        ("Europe/Paris", (2026, 11, 28, 7, 59), (2026, 11, 28, 8, 0)),
        ("Europe/Paris", (2026, 11, 28, 1, 59), None),
        ("Europe/Paris", (2026, 11, 28, 8, 0), None),
        ("Pacific/Auckland", (2026, 11, 28, 3, 0), (2026, 11, 28, 8, 0)),
        # The clocks go from 2 to 3: the night is an hour shorter, and ends at 8 by the clock all the same.
        ("Europe/Paris", (2027, 3, 28, 3, 0), (2027, 3, 28, 8, 0)),
        # They go from 3 back to 2.
        ("Europe/Paris", (2026, 10, 25, 2, 30), (2026, 10, 25, 8, 0)),
    ],
)
@pytest.mark.sqlite_is_enough
def test_nobody_is_told_at_night(
    zone: str, local: tuple[int, ...], until: tuple[int, ...] | None, database: None
) -> None:
    there = ZoneInfo(zone)
    year, month, day, hour, minute = local
    at = datetime(year, month, day, hour, minute, tzinfo=there).astimezone(UTC)
    year, month, day, hour, minute = until or local
    assert after_night(at, zone) == datetime(year, month, day, hour, minute, tzinfo=there)


def test_photos_of_the_night_are_told_of_in_the_morning(service: PushService) -> None:
    guest, browser = somebody(zone="America/Lima"), service.browser()
    guest.on(browser)
    # 01:57 there: by the time it is quiet, the night has begun.
    found = datetime(2026, 11, 28, 6, 57, tzinfo=UTC)
    guest.photos(2, found)
    for hours in range(6):
        work(found + timedelta(hours=hours, minutes=10))
        assert service.received == []
    work(datetime(2026, 11, 28, 13, 0, tzinfo=UTC))
    assert len(service.to(browser)) == 1


def test_a_message_that_is_due_when_nobody_works_waits_for_the_morning(service: PushService) -> None:
    guest, browser = somebody(zone="America/Lima"), service.browser()
    guest.on(browser)
    found = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
    guest.photos(1, found)
    work(found)
    work(found + 2 * HOUR)
    assert service.received == []
    work(found + 7 * HOUR)
    assert len(service.to(browser)) == 1


def test_an_address_that_is_not_confirmed_any_more_and_a_closed_account_get_nothing(box: Mailbox) -> None:
    guest = somebody()
    guest.by_mail()
    guest.photos(1, NOON)
    with transaction() as session:
        user = session.get_one(User, guest.user.id)
        user.email_confirmed_at = None
    work(NOON + HOUR)
    assert box.received == []
    with transaction() as session:
        session.get_one(User, guest.user.id).email_confirmed_at = NOON
    work(NOON + 3 * HOUR)
    assert len(box.received) == 1


def test_an_event_of_another_guest_or_another_event_is_no_news(service: PushService) -> None:
    first, second = somebody(), somebody()
    browsers = service.browser(), service.browser()
    first.on(browsers[0])
    second.on(browsers[1])
    second.photos(1, NOON)
    work(NOON + HOUR)
    assert [len(service.to(each)) for each in browsers] == [0, 1]


def test_a_guest_of_two_events_is_told_of_each(service: PushService) -> None:
    guest, other, browser = somebody("Gala"), somebody("Course"), service.browser()
    guest.on(browser)
    with transaction() as session:
        code = session.get_one(Event, other.event_id).event_code
    join(guest.user.id, code, shown("fr"))
    guest.event_id, home = other.event_id, guest.event_id
    guest.on(browser)
    guest.photos(2, NOON)
    guest.event_id = home
    guest.photos(1, NOON)
    work(NOON + HOUR)
    assert sorted((each["title"], each["body"]) for each in service.to(browser)) == [
        ("Course", "2 nouvelles photos de vous"),
        ("Gala", "1 nouvelle photo de vous"),
    ]
    with transaction() as session:
        assert event_queries.membership(session, guest.user.id, home) is not None
    assert len(notifications.told(guest.user, home).devices) == 1
