"""Procrastinate's application, whose jobs are tickets: each says that one row of its queue may be claimable.

A ticket has no arguments, so that it holds nothing about anybody; the row is the job, and says whose it is. A queue
is the table of a kind of job. The commands of operators take the application from here: `procrastinate
--app=tickets.app.app`.
"""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import psycopg
import psycopg_pool
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from sqlalchemy.engine import make_url

from settings import Settings, get_settings

TASK = "claim"
# The tables of jobs in claiming order: tickets of the first have the highest priority. As `jobs.kinds.KINDS`.
QUEUES = ("selfies", "user_events", "photos", "evaluations", "redetections", "reembeddings", "reprocessings")
PRIORITIES = {queue: len(QUEUES) - place for place, queue in enumerate(QUEUES)}
# Of the worker's pool; LISTEN has one more. `database.TICKET_CONNECTIONS` counts them.
POOL_SIZE = 2


class Returned(Exception):
    """The ticket was not used: another worker may take it now."""


def address(settings: Settings) -> str:
    """Return the address that Procrastinate connects to, in the form of libpq: `LISTEN_DATABASE_URL`, if given.

    It must lead to the database itself: a pooler that lends a connection for one transaction passes on no NOTIFY.
    """
    url = make_url(settings.listen_database_url or settings.database_url)
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def make_app(settings: Settings, serve: Callable[[JobContext], Awaitable[None]]) -> App:
    """Return an application whose worker calls `serve` with each ticket that it has fetched; it opens nothing yet."""
    connector = PsycopgConnector(
        pool_factory=_pool,
        conninfo=address(settings),
        configure=_configure,
        min_size=1,
        max_size=POOL_SIZE,
    )
    app = App(connector=connector)
    app.task(name=TASK, pass_context=True, retry=RetryStrategy(retry_exceptions={Returned}))(serve)
    return app


def _pool(**options: Any) -> psycopg_pool.AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    """Return a pool that does not test a connection before each use: a worker that meets a dead one starts again."""
    options.pop("check")
    return psycopg_pool.AsyncConnectionPool(**options)


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let each statement commit by itself: Procrastinate's statements are one function call each."""
    await connection.set_autocommit(True)


async def _return(_: JobContext) -> None:
    """Return the ticket: the commands of operators have no face engine."""
    raise Returned("this command processes no jobs: start the service instead")


@lru_cache
def _app() -> App:
    return make_app(get_settings(), _return)


def __getattr__(name: str) -> App:
    """Return the application of the commands as `app`; it is made at its first use."""
    if name == "app":
        return _app()
    raise AttributeError(name)
