"""Gunicorn's settings, and what the master process does before its workers: migration, first admin, pool size."""

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before the import of metrics: each process keeps its values in a file here.
_metrics = os.environ.get("PROMETHEUS_MULTIPROC_DIR") or tempfile.mkdtemp(prefix="reperio-metrics-")
if "GUNICORN_PID" in os.environ and not _metrics.endswith(f".{os.getpid()}"):
    # USR2 started this master beside another one, which removes the folder they would share when it ends.
    _metrics += f".{os.getpid()}"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _metrics
Path(_metrics).mkdir(parents=True, exist_ok=True)

from prometheus_client import multiprocess
from sqlalchemy.exc import SQLAlchemyError

import errors
import storage
from accounts.bootstrap import ensure_admin
from database import connection_limit, fit_pool, forget_engine, use_pool
from decoding.memory import return_memory
from decoding.processes import shared_template
from matching import shared
from migrations.upgrade import MigrationProblem, upgrade
from settings import UnsafeSettings, get_settings
from tracing import set_up_logging

log = logging.getLogger("reperio")

try:
    _settings = get_settings()
except UnsafeSettings as problem:
    sys.exit(f"Reperio cannot start: {problem}")

set_up_logging(structured=_settings.logs_json, access=_settings.access_log)

bind = f"0.0.0.0:{_settings.port}"
# By default one per core, at most eight. Measured with `python -m bench.workers` on two cores while photos are
# processed: two workers answer as fast as any number and process 37 % more photos than one; a third adds 23 % for
# 320 MB, a fourth 4 %.
workers = _settings.gunicorn_workers
# Database, limits and metrics hold what belongs to people: their files are for the owner alone.
umask = 0o077
os.umask(umask)
# Uvicorn, with deadlines and limits for connections.
worker_class = "api.worker.Worker"
preload_app = True
# Phones reuse a connection after up to a minute; the default of 2 s resets some of these.
keepalive = 75
backlog = 2048
timeout = 60
graceful_timeout = 30
# Two servers of one user would delete each other's control socket.
control_socket_disable = True
# Off by default: memory does not grow, and a worker that restarts under load resets kept-alive connections (14 of
# 2,000 requests failed). The jitter of 10 % keeps workers from restarting at the same time.
max_requests = _settings.gunicorn_max_requests
max_requests_jitter = max_requests // 10
# The application logs a line per request itself (ACCESS_LOG), at lower cost.
accesslog = None


def on_starting(server: Any) -> None:
    """In the master, before the workers start: migrate the database, fit the pool, create the first admin."""
    for left in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        left.unlink()
    try:
        storage.prepare()
        upgrade()
        # Workers are forked from this process and share it.
        shared.prepare()
        pool = fit_pool(_settings, connection_limit())
        # Workers are forked from this process and make their engines with this pool.
        use_pool(pool)
        # A worker machine answers nobody who could log in.
        password = ensure_admin(_settings) if _settings.answers_people else None
    except (MigrationProblem, UnsafeSettings) as problem:
        sys.exit(f"Reperio cannot start: {problem}")
    except errors.AccountTaken:
        sys.exit(
            f"Reperio cannot start: ADMIN_USERNAME={_settings.admin_username} belongs to an account "
            "that is no administrator; choose another name."
        )
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", None) or problem).splitlines()[0]
        sys.exit(f"Reperio cannot start: the database does not answer: {reason}")
    finally:
        # No connection may be open when the workers are forked: they would share it.
        forget_engine()
    if pool.notice is not None:
        log.warning(pool.notice)
    if _settings.role == "web" and not _settings.rate_limit_url:
        log.warning(
            "RATE_LIMIT_URL is not set: limits count on this machine alone, not for all web machines together"
        )
    if _settings.privacy_gaps and _settings.answers_people:
        log.warning("/privacy does not name who is responsible: set %s", ", ".join(_settings.privacy_gaps))
    if password is not None:
        print(f"\n  First admin: {_settings.admin_username}   password (shown only now): {password}")
    if _settings.answers_people:
        print(f"\n  Reperio: {_settings.address}   calls: {_settings.address}/docs\n", flush=True)
    else:
        print(f"\n  Reperio worker: /livez, /readyz and /metrics on port {_settings.port}\n", flush=True)


def post_fork(server: Any, worker: Any) -> None:
    """In each new worker: drop the master's engine without closing its connections."""
    forget_engine(close=False)
    return_memory()


def worker_exit(server: Any, worker: Any) -> None:
    """In a worker that ends in order: end the process that its decoding processes are forks of."""
    shared_template().close()


def child_exit(server: Any, worker: Any) -> None:
    """In the master, when a worker has ended: leave its gauges out of the sums."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """In the master, at the end: delete the metrics files."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
