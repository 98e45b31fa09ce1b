"""The steps of the import, in order: staff, events, guests, memberships, selfies, photos. One transaction per row."""

from collections.abc import Callable

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from accounts import service as accounts
from accounts.passwords import is_bcrypt
from accounts.service import NewAccount
from database import reading, transaction
from decoding.decoder import InThisProcess
from events import queries as event_queries
from events import service as events
from faces.providers import engine_id_of, make_engine
from keys import MAX_CODE_KEY, MAX_EVENT_CODE, comparison_key, storable
from migrations.legacy.ledger import Ledger
from migrations.legacy.report import Progress, Refused, Report
from migrations.legacy.source import Files, Source, Values, day, moment
from models import ADMIN, DONE, GUEST, PHOTOGRAPHER, Event, Photo, UserEvent, utcnow
from photos import receiving
from selfies import service as selfies
from selfies.service import SelfieFile
from settings import get_settings

TIMEZONE = "Europe/Paris"
# The part of a step that writes a row and returns its new id. The rest of the step runs without a transaction.
Write = Callable[[Session], int | None]


class Move:
    """Imports all rows that are not in the ledger."""

    def __init__(self, source: Source, files: Files, ledger: Ledger) -> None:
        self._source, self._files, self._ledger = source, files, ledger
        self.report = Report()
        # Nobody is served by this process: a selfie that crashes it is named by the ledger, as the next one to come.
        self._decoder = InThisProcess(lambda: make_engine(get_settings()))

    def run(self) -> Report:
        """Do all steps and return the report."""
        # In this order, because events refer to photographers, and guests to events.
        self._each("users", self._staff, only=lambda row: row["user_type"] in (PHOTOGRAPHER, ADMIN))
        self._each("events", self._event)
        self._each("users", self._guest, only=lambda row: row["user_type"] not in (PHOTOGRAPHER, ADMIN))
        self._each("user_events", self._membership)
        self._each("users", self._selfie, only=self._has_selfie, known_as="selfies")
        self._each("photos", self._photo)
        matches = self._source.count("face_matches")
        print(f"face_matches: {matches} stay behind; they are found again from the pictures")
        return self.report

    def _each(
        self,
        table: str,
        step: Callable[[Values], Write],
        only: Callable[[Values], bool] = lambda _: True,
        known_as: str = "",
    ) -> None:
        name = known_as or table
        progress = Progress(name, self._source.count(table))
        for row in self._source.rows(table):
            progress.step()
            if not only(row):
                continue
            if self._ledger.has(name, row["id"]):
                self.report.known[name] += 1
                continue
            try:
                write = step(row)
                with transaction() as session:
                    target = write(session)
                    self._ledger.write(session, name, row["id"], target)
            except Refused as reason:
                self.report.refuse(name, row["id"], str(reason))
            except errors.AppError as reason:
                self.report.refuse(name, row["id"], reason.english)
            except IntegrityError as error:
                self.report.refuse(name, row["id"], f"the database refuses it: {str(error.orig).splitlines()[0]}")
            else:
                self._ledger.keep(name, row["id"], target)
                self.report.moved[name] += 1

    # --- accounts ----------------------------------------------------------------------------------

    def _staff(self, row: Values) -> Write:
        return lambda session: self._account(session, row, event_id=None)

    def _guest(self, row: Values) -> Write:
        if row["user_type"] != GUEST:
            raise Refused(f"unknown user_type {row['user_type']!r}")
        event_id = self._event_of(row) if row.get("event_id") is not None else None

        def write(session: Session) -> int:
            user_id = self._account(session, row, event_id=event_id)
            if event_id is not None:
                joined = moment(row.get("created_at"), utcnow())
                session.add(UserEvent(user_id=user_id, event_id=event_id, joined_at=joined, status=DONE))
            return user_id

        return write

    def _account(self, session: Session, row: Values, event_id: int | None) -> int:
        username, email = str(row["username"] or "").strip(), str(row["email"] or "").strip()
        hashed = str(row["hashed_password"] or "")
        if not (comparison_key(username) and comparison_key(email) and storable(username + email)):
            raise Refused("the name or the address is empty or holds control characters")
        if len(username) > 150 or len(email) > 254:
            raise Refused("the name or the address is too long")
        if not is_bcrypt(hashed):
            raise Refused("the password's hash is not bcrypt")
        if "@" in comparison_key(username) and comparison_key(username) != comparison_key(email):
            self.report.note("users", row["id"], f"the name {username!r} is another's address; now {email!r}")
            username = email
        user = accounts.add_account(
            session, NewAccount(username, email, ""), hashed, row["user_type"], event_id=event_id
        )
        user.is_active = row.get("is_active") not in (False, 0)
        user.created_at = moment(row.get("created_at"), utcnow())
        session.flush()
        return user.id

    def _event_of(self, row: Values) -> int:
        found = self._ledger.target("events", row.get("event_id"))
        if found is None:
            raise Refused(f"its event {row.get('event_id')} did not come")
        return found

    # --- events and memberships --------------------------------------------------------------------

    def _event(self, row: Values) -> Write:
        code, name = str(row["event_code"] or "").strip(), str(row["name"] or "").strip()
        key, date = comparison_key(code), day(row.get("date"))
        if not 0 < len(key) <= MAX_CODE_KEY or len(code) > MAX_EVENT_CODE or not storable(code):
            raise Refused(f"{code!r} cannot be an event's code")

        def write(session: Session) -> int:
            if event_queries.by_code(session, key) is not None:
                raise Refused(f"the code {code!r} is another event's here")
            event = Event(
                name=(name or code)[:200],
                event_code=code,
                code_key=key,
                date=date,
                timezone=TIMEZONE,
                expires_at=events.default_expiry(date, TIMEZONE),
                active_engine_id=engine_id_of(get_settings().face_recognizer_provider),
            )
            session.add(event)
            session.flush()
            event_queries.assign(session, event.id, self._photographers(row))
            event_queries.raise_change_mark(session)
            return event.id

        return write

    def _photographers(self, row: Values) -> list[int]:
        if row.get("photographer_id") is None:
            return []
        found = self._ledger.target("users", row["photographer_id"])
        if found is None:
            self.report.note("events", row["id"], "its photographer did not come; it has none")
        return [] if found is None else [found]

    def _membership(self, row: Values) -> Write:
        user_id, event_id = self._ledger.target("users", row["user_id"]), self._event_of(row)
        if user_id is None:
            raise Refused(f"its user {row['user_id']} did not come")

        def write(session: Session) -> int:
            known = event_queries.membership(session, user_id, event_id)
            if known is None:
                known = UserEvent(user_id=user_id, event_id=event_id, status=DONE)
                session.add(known)
            known.joined_at = moment(row.get("joined_at"), utcnow())
            session.flush()
            return known.id

        return write

    # --- pictures ----------------------------------------------------------------------------------

    def _has_selfie(self, row: Values) -> bool:
        if row["user_type"] != GUEST:
            return False
        return bool(row.get("selfie_path")) or bool(self._source.content("users", "selfie_data", row["id"]))

    def _selfie(self, row: Values) -> Write:
        user_id = self._ledger.target("users", row["id"])
        if user_id is None:
            raise Refused("its user did not come")
        data = self._source.content("users", "selfie_data", row["id"]) or self._files.content(row.get("selfie_path"))
        if not data:
            raise Refused(f"there are no bytes and no file {row.get('selfie_path')!r}; give --files")
        # The predecessor had accepted it: take the largest face, as with strict=false.
        stored = selfies.store(SelfieFile(data, ""), self._decoder)
        return lambda session: selfies.add(session, user_id, stored, strict=False).id

    def _photo(self, row: Values) -> Write:
        if "selfie" in str(row.get("photo_type") or "").lower():
            raise Refused("a selfie among the photos: selfies come with their users")
        event_id = self._event_of(row)
        data = self._source.content("photos", "photo_data", row["id"])
        data = data or self._files.content(row.get("file_path")) or self._files.content(row["filename"])
        if not data:
            raise Refused(f"there are no bytes and no file {row.get('file_path')!r}; give --files")
        with reading() as session:
            event = event_queries.by_id(session, event_id)
        if event is None:
            raise Refused("its event has been deleted here")
        photographer = self._ledger.target("users", row.get("photographer_id"))
        name = receiving.clean_filename(str(row.get("original_filename") or row["filename"]))
        receipt = receiving.receive(event, photographer, name, data)
        uploaded = moment(row.get("uploaded_at"), utcnow())

        def write(session: Session) -> int:
            session.execute(update(Photo).where(Photo.id == receipt.id).values(uploaded_at=uploaded))
            return receipt.id

        return write
