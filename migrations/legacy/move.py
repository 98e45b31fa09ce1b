"""The import, step by step: staff, events, guests, memberships, selfies, photos. One transaction per row."""

from collections.abc import Callable

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import errors
from accounts import service as accounts
from accounts.service import NewAccount
from database import reading, transaction
from decoding.decoder import InThisProcess
from events import queries as event_queries
from events import service as events
from faces.providers import engine_id_of, make_engine
from keys import MAX_EVENT_NAME, loose_key
from migrations.legacy.checks import (
    EVENTS,
    GUESTS,
    MEMBERSHIPS,
    PHOTOS,
    SELFIES,
    STAFF,
    STEPS,
    Checks,
    EventRow,
    Step,
)
from migrations.legacy.ledger import Ledger
from migrations.legacy.pictures import Pictures
from migrations.legacy.report import Progress, Refused, Report
from migrations.legacy.source import Source, Values, moment, truth, word
from migrations.legacy.survey import Survey
from models import DONE, Event, Photo, UserEvent, utcnow
from photos import receiving
from selfies import service as selfies
from selfies.consent import take_over
from selfies.service import SelfieFile
from settings import get_settings

TIMEZONE = "Europe/Paris"
# The part of a step that writes a row and returns its new id. The rest of the step runs without a transaction.
Write = Callable[[Session], int | None]


class Move:
    """Imports all rows that are not in the ledger. `guests_see_all` holds for the events that come."""

    def __init__(
        self, source: Source, pictures: Pictures, ledger: Ledger, survey: Survey, *, guests_see_all: bool
    ) -> None:
        self._source, self._pictures, self._ledger, self._survey = source, pictures, ledger, survey
        self._checks = Checks(pictures, ledger)
        self._guests_see_all = guests_see_all
        self.report = Report()
        # Needs no child: no request depends on this process. A selfie that crashes it is the first not in the ledger.
        self._decoder = InThisProcess(lambda: make_engine(get_settings()))

    def run(self) -> Report:
        """Do all steps and return the report.

        Raises:
            CannotMove: the bucket does not answer. StorageError, SQLAlchemyError: the storage or a database fails.
        """
        with transaction() as session:
            self._ledger.remember_choice(session, self._guests_see_all)
        work: dict[Step, Callable[[Values], Write]] = {
            STAFF: self._account,
            EVENTS: self._event,
            GUESTS: self._account,
            MEMBERSHIPS: self._membership,
            SELFIES: self._selfie,
            PHOTOS: self._photo,
        }
        for step in STEPS:
            self._each(step, work[step])
        return self.report

    def _each(self, step: Step, work: Callable[[Values], Write]) -> None:
        progress = Progress(step.name, self._source.count(step.table))
        for row in self._source.rows(step.table):
            progress.step()
            if not step.only(row):
                continue
            if self._ledger.has(step.name, row["id"]):
                self.report.known[step.name] += 1
                continue
            self._one(step.name, row, work)

    def _one(self, name: str, row: Values, work: Callable[[Values], Write]) -> None:
        try:
            write = work(row)
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

    # --- accounts, events and memberships ----------------------------------------------------------

    def _account(self, row: Values) -> Write:
        account = self._checks.account(row)
        if account.note:
            self.report.note("users", row["id"], account.note)

        def write(session: Session) -> int:
            user = accounts.add_account(
                session,
                NewAccount(account.username, account.email, ""),
                account.hashed_password,
                account.user_type,
                event_id=account.event_id,
            )
            user.is_active, user.created_at = account.is_active, account.created_at
            session.flush()
            if account.event_id is not None:
                joined = account.created_at
                session.add(UserEvent(user_id=user.id, event_id=account.event_id, joined_at=joined, status=DONE))
            return user.id

        return write

    def _event(self, row: Values) -> Write:
        found, shows_all = self._checks.event(row), self._shows_all(row)

        def write(session: Session) -> int:
            if event_queries.by_code(session, found.key) is not None:
                raise Refused(f"the code {found.code!r} is another event's here")
            event = self._new_event(found, guests_see_all=shows_all)
            session.add(event)
            session.flush()
            event_queries.assign(session, event.id, self._photographers(row))
            event_queries.raise_change_mark(session)
            return event.id

        return write

    def _new_event(self, found: EventRow, *, guests_see_all: bool) -> Event:
        return Event(
            name=found.name[:MAX_EVENT_NAME],
            event_code=found.code,
            code_key=found.key,
            loose_key=loose_key(found.code),
            date=found.date,
            timezone=TIMEZONE,
            expires_at=events.default_expiry(found.date, TIMEZONE),
            guests_see_all_photos=guests_see_all,
            active_engine_id=engine_id_of(get_settings().face_recognizer_provider),
        )

    def _shows_all(self, row: Values) -> bool:
        """Return whether the guests of an event see all its photos.

        Where a photographer had chosen photos, guests saw only those and their own, as they do here.
        """
        chosen = self._survey.chosen[row["id"]]
        if self._guests_see_all and chosen:
            what = f"its guests see their own photos and the {chosen} chosen for everyone, as there: not all"
            self.report.note("events", row["id"], what)
        return self._guests_see_all and not chosen

    def _photographers(self, row: Values) -> list[int]:
        if row.get("photographer_id") is None:
            return []
        found = self._ledger.target("users", row["photographer_id"])
        if found is None:
            self.report.note("events", row["id"], "its photographer did not come; it has none")
        return [] if found is None else [found]

    def _membership(self, row: Values) -> Write:
        user_id, event_id = self._checks.membership(row)

        def write(session: Session) -> int:
            known = event_queries.membership(session, user_id, event_id)
            if known is None:
                known = UserEvent(user_id=user_id, event_id=event_id, status=DONE)
                session.add(known)
            known.joined_at = moment(row.get("joined_at"), utcnow())
            session.flush()
            take_over(session, user_id)
            return known.id

        return write

    # --- pictures ----------------------------------------------------------------------------------

    def _selfie(self, row: Values) -> Write:
        user_id = self._checks.selfie_owner(row)
        data = self._pictures.selfie(row)
        # What the predecessor had accepted stays: take the largest face, as with strict=false. What it had not looked
        # at is judged as a new one.
        waiting = word(row.get("selfie_status")) == "uploaded"
        strict = waiting and get_settings().selfie_validation_strict
        stored = selfies.store(SelfieFile(data, ""), self._decoder)

        def write(session: Session) -> int:
            selfie_id = selfies.add(session, user_id, stored, strict=strict).id
            take_over(session, user_id)
            return selfie_id

        return write

    def _photo(self, row: Values) -> Write:
        event_id = self._checks.photo_event(row)
        data = self._pictures.photo(row)
        with reading() as session:
            event = event_queries.by_id(session, event_id)
        if event is None:
            raise Refused("its event has been deleted here")
        photographer = self._ledger.target("users", row.get("photographer_id"))
        name = receiving.clean_filename(str(row.get("original_filename") or row["filename"]))
        receipt = receiving.receive(event, photographer, name, data)
        values: dict[str, object] = {"uploaded_at": moment(row.get("uploaded_at"), utcnow())}
        # Never taken away: two rows with the same bytes are one photo here.
        if truth(row.get("show_in_general")):
            values["for_everyone"] = True

        def write(session: Session) -> int:
            session.execute(update(Photo).where(Photo.id == receipt.id).values(values))
            return receipt.id

        return write
