"""A check of all rows before the import: which would be refused, and what the report says about the others."""

from collections import Counter
from datetime import datetime

from sqlalchemy import inspect, select

import errors
from database import get_engine, reading
from keys import comparison_key
from migrations.legacy.checks import (
    EVENTS,
    GUESTS,
    MEMBERSHIPS,
    PHOTOS,
    SELFIES,
    STAFF,
    STEPS,
    Checks,
    Step,
    found_invalid,
)
from migrations.legacy.ledger import KnownRows
from migrations.legacy.pictures import Pictures
from migrations.legacy.report import CannotMove, Progress, Refused
from migrations.legacy.source import Source, Values, moment, truth, word
from models import Event, User, utcnow

SHOWN_REASONS = 10


class Survey:
    """The rows of each step, those that would be refused by reason, and counts of what has no place here.

    `chosen` counts, by the predecessor's id of an event, the photos that its photographer had chosen for all guests.
    Nothing is written, and no picture is read: a damaged one is found when it comes.
    """

    def __init__(self, source: Source, pictures: Pictures, known: KnownRows) -> None:
        self._source, self._pictures, self._known = source, pictures, _Planned(known)
        self._checks = Checks(pictures, self._known)
        self._taken: set[tuple[object, ...]] = set()
        self._now = utcnow()
        self.rows: Counter[Step] = Counter()
        self.refused: Counter[Step] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.chosen: Counter[object] = Counter()
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Read all rows.

        Raises:
            CannotMove: the bucket does not answer. SQLAlchemyError: a database does not answer.
        """
        self._taken = _taken_here()
        for step in STEPS:
            progress = Progress(f"looking at {step.name}", self._source.count(step.table))
            for row in self._source.rows(step.table):
                progress.step()
                if step.only(row):
                    self._count(step, row)
                    self._look(step, row)

    def check(self) -> None:
        """Check that not too many rows would be refused.

        Raises:
            CannotMove: more than one in ten, or more than half of the accounts; with the reasons and their counts.
        """
        rows, refused = self.rows.total(), self.refused.total()
        accounts, lost = (each[STAFF] + each[GUESTS] for each in (self.rows, self.refused))
        if refused * 10 > rows:
            what = f"{refused} of {rows} rows would be refused, more than one in ten"
        elif lost * 2 > accounts:
            what = f"{lost} of {accounts} accounts would be refused, more than half"
        else:
            return
        found = [f"  {number} x {name}: {reason}" for (name, reason), number in self.reasons.most_common()]
        if len(found) > SHOWN_REASONS:
            found[SHOWN_REASONS:] = [f"  and {len(found) - SHOWN_REASONS} further reasons"]
        last = "Nothing was written. Remove the cause, or import the others with --anyway."
        raise CannotMove("\n".join([f"{what}:", *found, last]))

    def lines(self) -> list[str]:
        """Return what the report says about values that have no place here."""
        count = self._counts
        told = {
            "for everyone": "photos: {} are marked for everyone, as there",
            "expiring": "photos: {} had an expiry there ({past} are past it); here they stay until deleted",
            "failed": "photos: {} had failed there; they are processed like all others",
            "waiting": "photos: {} were waiting there; they are processed like all others",
            "invalid": "selfies: {} stay behind, found invalid there; their guests are asked for a new one",
        }
        return [text.format(count[name], past=count["past"]) for name, text in told.items() if count[name]]

    def _look(self, step: Step, row: Values) -> None:
        self.rows[step] += 1
        if self._known.has(step.name, row["id"]):
            return
        try:
            self._judge(step, row)
        except Refused as refused:
            self.refused[step] += 1
            self.reasons[step.name, refused.reason] += 1
        else:
            self._known.plan(step.name, row["id"])

    def _judge(self, step: Step, row: Values) -> None:
        if step in (STAFF, GUESTS):
            account = self._checks.account(row)
            keys = ("name", account.username), ("address", account.email)
            self._claim([(what, account.event_id, comparison_key(text)) for what, text in keys], errors.AccountTaken)
        elif step == EVENTS:
            self._claim([("code", self._checks.event(row).key)], errors.EventCodeTaken)
        elif step == MEMBERSHIPS:
            self._checks.membership(row)
        elif step == SELFIES:
            self._checks.selfie_owner(row)
            self._pictures.check_selfie(row)
        else:
            self._checks.photo_event(row)
            self._pictures.check_photo(row)

    def _claim(self, keys: list[tuple[object, ...]], error: type[errors.AppError]) -> None:
        if self._taken.intersection(keys):
            raise Refused(error.english)
        self._taken.update(keys)

    def _count(self, step: Step, row: Values) -> None:
        if step == GUESTS:
            self._counts["invalid"] += found_invalid(row)
        if step != PHOTOS:
            return
        if truth(row.get("show_in_general")):
            self.chosen[row.get("event_id")] += 1
            self._counts["for everyone"] += 1
        status, end = word(row.get("processing_status")), _expiry(row, self._now)
        self._counts["failed"] += status == "failed"
        self._counts["waiting"] += status in ("pending", "processing")
        self._counts["expiring"] += end is not None or row.get("retention_days") is not None
        self._counts["past"] += end is not None and end < self._now


class _Planned:
    """The rows that are imported, and those that passed the checks: their ids are negative, as no real id is."""

    def __init__(self, known: KnownRows) -> None:
        self._known = known
        self._planned: set[tuple[str, object]] = set()

    def has(self, table: str, source_id: int) -> bool:
        return self._known.has(table, source_id)

    def target(self, table: str, source_id: object) -> int | None:
        if isinstance(source_id, int) and (table, source_id) in self._planned:
            return -source_id - 1
        return self._known.target(table, source_id)

    def plan(self, table: str, source_id: int) -> None:
        self._planned.add((table, source_id))


def _expiry(row: Values, now: datetime) -> datetime | None:
    return moment(row.get("expires_at"), now) if row.get("expires_at") is not None else None


def _taken_here() -> set[tuple[object, ...]]:
    """Return the names and addresses of the accounts here, each with its event, and the codes of the events."""
    if not inspect(get_engine()).has_table(User.__tablename__):
        return set()
    with reading() as session:
        accounts = session.execute(select(User.event_id, User.username_key, User.email_key)).all()
        codes = session.scalars(select(Event.code_key)).all()
    names = {("name", event_id, username) for event_id, username, _ in accounts}
    addresses = {("address", event_id, email) for event_id, _, email in accounts}
    return {*names, *addresses, *(("code", code) for code in codes)}
