"""The steps of the import, and what a row must fulfil. Nothing is written here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.passwords import is_bcrypt
from keys import MAX_CODE_KEY, MAX_EMAIL, MAX_EVENT_CODE, MAX_USERNAME, comparison_key, storable
from migrations.legacy.ledger import KnownRows
from migrations.legacy.pictures import Pictures
from migrations.legacy.report import Refused
from migrations.legacy.source import Values, day, moment, truth, word
from models import ADMIN, GUEST, PHOTOGRAPHER, utcnow


def _is_staff(row: Values) -> bool:
    return word(row["user_type"]) in (PHOTOGRAPHER, ADMIN)


def found_invalid(row: Values) -> bool:
    """Return whether the predecessor has refused the account's selfie."""
    return word(row.get("selfie_status")) == "invalid"


def _has_selfie(row: Values) -> bool:
    given = row.get("selfie_path") or row.get("selfie_data")
    return word(row["user_type"]) == GUEST and bool(given) and not found_invalid(row)


@dataclass(frozen=True, slots=True)
class Step:
    """A kind of rows that are imported one after the other: those of a table that fulfil a condition.

    `name` is the ledger's and the report's.
    """

    table: str
    name: str
    only: Callable[[Values], bool] = lambda _: True


STAFF = Step("users", "users", _is_staff)
EVENTS = Step("events", "events")
# Unknown types too: they are refused as guests.
GUESTS = Step("users", "users", lambda row: not _is_staff(row))
MEMBERSHIPS = Step("user_events", "user_events")
SELFIES = Step("users", "selfies", _has_selfie)
PHOTOS = Step("photos", "photos")
# In this order, because events refer to photographers, and guests to events.
STEPS = (STAFF, EVENTS, GUESTS, MEMBERSHIPS, SELFIES, PHOTOS)


@dataclass(frozen=True, slots=True)
class Account:
    """An account to import. `event_id` is the new id; `note` says what was changed, if anything."""

    username: str
    email: str
    hashed_password: str
    user_type: str
    event_id: int | None
    is_active: bool
    created_at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event to import, under the key by which its code is compared."""

    name: str
    code: str
    key: str
    date: date | None


class Checks:
    """Judges rows by their values and by which other rows are known."""

    def __init__(self, pictures: Pictures, known: KnownRows) -> None:
        self._pictures, self._known = pictures, known

    def account(self, row: Values) -> Account:
        """Return the account of a row of users.

        Raises:
            Refused: the type is unknown; the event did not come; or see `_named`.
        """
        user_type = word(row["user_type"])
        if user_type not in (GUEST, PHOTOGRAPHER, ADMIN):
            raise Refused(f"unknown user_type {row['user_type']!r}")
        # Photographers and admins belong to no event here.
        at_event = user_type == GUEST and row.get("event_id") is not None
        return _named(row, user_type, self.event_id(row) if at_event else None)

    def event(self, row: Values) -> EventRow:
        """Return the event of a row of events.

        Raises:
            Refused: its code is empty, too long or not storable.
        """
        code, name = str(row["event_code"] or "").strip(), str(row["name"] or "").strip()
        key = comparison_key(code)
        if not 0 < len(key) <= MAX_CODE_KEY or len(code) > MAX_EVENT_CODE or not storable(code):
            raise Refused(f"{code!r} cannot be an event's code", "the code cannot be an event's code")
        return EventRow(name or code, code, key, day(row.get("date")))

    def membership(self, row: Values) -> tuple[int, int]:
        """Return the new ids of the user and the event of a row of user_events.

        Raises:
            Refused: one of them did not come.
        """
        event_id = self.event_id(row)
        user_id = self._known.target("users", row["user_id"])
        if user_id is None:
            raise Refused(f"its user {row['user_id']} did not come", "its user did not come")
        return user_id, event_id

    def selfie_owner(self, row: Values) -> int:
        """Return the new id of the user of a selfie.

        Raises:
            Refused: the user did not come.
        """
        user_id = self._known.target("users", row["id"])
        if user_id is None:
            raise Refused("its user did not come")
        return user_id

    def photo_event(self, row: Values) -> int:
        """Return the new id of the event of a photo.

        Raises:
            Refused: the event did not come, or the photo is a selfie.
        """
        if "selfie" in str(row.get("photo_type") or "").lower():
            raise Refused("a selfie among the photos: selfies come with their users")
        return self.event_id(row)

    def event_id(self, row: Values) -> int:
        """Return the new id of the event that a row refers to.

        Raises:
            Refused: the event did not come.
        """
        found = self._known.target("events", row.get("event_id"))
        if found is None:
            raise Refused(f"its event {row.get('event_id')} did not come", "its event did not come")
        return found


def _named(row: Values, user_type: str, event_id: int | None) -> Account:
    """Return the account with its name, address and hash.

    Raises:
        Refused: name or address is empty, too long or not storable, or the hash is not bcrypt.
    """
    username, email = str(row["username"] or "").strip(), str(row["email"] or "").strip()
    hashed, note = str(row["hashed_password"] or ""), None
    if not (comparison_key(username) and comparison_key(email) and storable(username + email)):
        raise Refused("the name or the address is empty or holds control characters")
    if len(username) > MAX_USERNAME or len(email) > MAX_EMAIL:
        raise Refused("the name or the address is too long")
    if not is_bcrypt(hashed):
        raise Refused("the password's hash is not bcrypt")
    if "@" in comparison_key(username) and comparison_key(username) != comparison_key(email):
        note = f"the name {username!r} is another's address; now {email!r}"
        username = email
    return Account(
        username=username,
        email=email,
        hashed_password=hashed,
        user_type=user_type,
        event_id=event_id,
        is_active=truth(row.get("is_active")) is not False,
        created_at=moment(row.get("created_at"), utcnow()),
        note=note,
    )
