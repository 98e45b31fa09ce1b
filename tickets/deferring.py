"""Defers a ticket for each row that becomes a pending job, in the transaction that writes the row.

Every statement that a session sends is looked at: one that makes rows of a job's table `pending` is noted with their
number, and tickets are deferred before the commit, through the same connection. So a writer cannot forget it. What
is written past the sessions of `database.py` (a restored backup, another release) gets its tickets from the workers,
which look for rows without one every few seconds: `jobs/dispatch/lost.py`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from procrastinate import SyncPsycopgConnector, exceptions
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.exc import OperationalError

from models import PENDING, utcnow
from tickets.app import PRIORITIES, TASK

_NOTED = "jobs that became pending"
# Of one queue in one transaction, and the most that wait for rows that are claimable now. Workers add more when these
# are used up, so that 100,000 jobs that are planned at once do not become as many tickets.
MAX_TICKETS = 500
_Noted = Counter[tuple[str, datetime | None]]


def watch(engine: Engine) -> None:
    """Note every statement of an engine that makes rows pending jobs."""
    event.listen(engine, "begin", _forget)
    event.listen(engine, "after_cursor_execute", _note)


def _forget(connection: Connection) -> None:
    connection.info.pop(_NOTED, None)


def _note(
    connection: Connection, cursor: DBAPICursor, _: str, parameters: Any, context: ExecutionContext, __: bool
) -> None:
    if not (context.isinsert or context.isupdate) or context.compiled is None:
        return
    table: Any = getattr(context.compiled.statement, "table", None)
    if table is None or table.name not in PRIORITIES:
        return
    for at, number in _made_pending(parameters, cursor.rowcount, is_insert=context.isinsert):
        add(connection, table.name, number, at)


def _made_pending(parameters: Any, rowcount: int, *, is_insert: bool) -> Iterator[tuple[datetime | None, int]]:
    """Yield how many rows a statement made pending, and from when on they may be claimed (None: now)."""
    if not isinstance(parameters, Mapping):
        for each in parameters:
            yield from _made_pending(each, 1, is_insert=is_insert)
    elif "status" in parameters:
        if parameters["status"] == PENDING:
            yield parameters.get("lease_until"), rowcount
    elif "status__0" in parameters:
        # Several rows of one INSERT: the parameters are numbered.
        rows = Counter(
            parameters.get(f"lease_until__{name.removeprefix('status__')}")
            for name, value in parameters.items()
            if name.startswith("status__") and value == PENDING
        )
        yield from rows.items()
    elif is_insert:
        # INSERT … SELECT: jobs are planned as pending.
        yield None, rowcount


def add(connection: Connection, queue: str, number: int, at: datetime | None = None) -> None:
    """Let `defer` defer so many tickets of a queue, which can be fetched at once, or from a time on."""
    noted: _Noted = connection.info.setdefault(_NOTED, Counter())
    if number > 0:
        noted[queue, at] += number


def defer(connection: Connection) -> None:
    """Defer tickets for the rows that this transaction has made pending; called before it commits.

    Raises:
        SQLAlchemyError: the database does not answer, or has no tables of Procrastinate.
    """
    noted: _Noted | None = connection.info.pop(_NOTED, None)
    if not noted:
        return
    now = utcnow()
    tickets = [
        _ticket(queue, at if at is not None and at > now else None)
        for (queue, at), number in noted.items()
        for _ in range(min(number, MAX_TICKETS))
    ]
    driver: Any = connection.connection.driver_connection
    try:
        _manager().batch_defer_jobs(tickets, connection=driver)
    except exceptions.ConnectorException as error:
        cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
        raise OperationalError("procrastinate_defer_jobs_v1", {}, cause) from error


def _ticket(queue: str, at: datetime | None) -> Job:
    return Job(
        queue=queue,
        task_name=TASK,
        priority=PRIORITIES[queue],
        lock=None,
        queueing_lock=None,
        scheduled_at=at,
    )


@lru_cache
def _manager() -> JobManager:
    """Return Procrastinate's interface; its connector opens nothing, as each call brings its connection."""
    return JobManager(SyncPsycopgConnector())
