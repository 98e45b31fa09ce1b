"""The migration that says what a consent rests on: guests of the release before are still found."""

# ruff: noqa: S608 - our own values

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine, reading
from events.consents import queries
from migrations.upgrade import config, upgrade
from models import Base, Consent, Event
from selfies.queries import looked_for
from tests.migrations.before import EVENT, go_before

GUESTS = "app", "agreed", "withdrew", "unknown", "newcomer", "refused"
APP, AGREED, WITHDREW, UNKNOWN, NEWCOMER, REFUSED = range(1, 7)
SENT = "2026-11-20 08:00:00"


def _guest(number: int, name: str) -> str:
    return (
        "INSERT INTO users "
        "(id, event_id, username, username_key, email, email_key, hashed_password, locale, created_at) "
        f"VALUES ({number}, 1, '{name}', '{name}', '{name}@e.org', '{name}@e.org', 'x', 'en', :now)"
    )


def _membership(number: int) -> str:
    withdrawn = ":now" if number == WITHDREW else "NULL"
    return (
        "INSERT INTO user_events (id, user_id, event_id, joined_at, status, withdrawn_at) "
        f"VALUES ({number}, {number}, 1, :now, 'done', {withdrawn})"
    )


def _selfie(number: int) -> str:
    status = "rejected" if number == REFUSED else "done"
    return f"INSERT INTO selfies (id, user_id, status, created_at) VALUES ({number}, {number}, '{status}', '{SENT}')"


def _consent(number: int, version: str, withdrawn: str = "NULL") -> str:
    return (
        "INSERT INTO consents (user_id, event_id, version, locale, given_at, withdrawn_at) "
        f"VALUES ({number}, 1, '{version}', 'fr', :now, {withdrawn})"
    )


ROWS = (
    EVENT,
    *(_guest(number, name) for number, name in enumerate(GUESTS, 1)),
    *(_membership(number) for number in range(1, 7)),
    *(_selfie(number) for number in range(1, 7) if number != NEWCOMER),
    _consent(AGREED, "2026-11"),
    _consent(WITHDREW, "2026-11.2", ":now"),
    _consent(UNKNOWN, "2099-01"),
)


def test_each_consent_says_what_is_true_and_nobody_is_lost(database: None) -> None:
    go_before("0028", *ROWS)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with reading() as session:
        found = {(each.user_id, each.basis): each for each in session.query(Consent)}
        assert found.keys() == {
            *((APP, "selfie"), (AGREED, "words"), (WITHDREW, "words"), (UNKNOWN, "unknown"), (UNKNOWN, "selfie"))
        }
        taken_over = found[APP, "selfie"]
        assert (taken_over.version, taken_over.locale, taken_over.taken_over) == ("selfie", "en", True)
        assert f"{taken_over.given_at:%Y-%m-%d %H:%M:%S}" == SENT
        assert found[UNKNOWN, "unknown"].version == "2099-01"
        assert not any(each.taken_over for (_, basis), each in found.items() if basis != "selfie")
        assert {number for number in range(1, 7) if queries.is_in_force(session, number, 1)} == {APP, AGREED, UNKNOWN}
        assert looked_for(session, APP, APP, "fake") == {1: False}
        assert session.get_one(Event, 1).selfie_is_consent


def test_the_release_before_gets_back_what_it_knew(database: None) -> None:
    go_before("0028", *ROWS)
    upgrade()
    command.downgrade(config(), "0027")
    with get_engine().begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM consents")) == 3
        connection.execute(text("DELETE FROM events"))
    upgrade()
