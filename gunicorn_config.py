"""Gunicorn: worker processes that share one listening socket; migration and first admin in the master alone."""

import ctypes
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before anything imports the metrics: each process keeps its figures in a file here.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="reperio-metrics-"))
Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True, exist_ok=True)

from prometheus_client import multiprocess
from sqlalchemy.exc import SQLAlchemyError

import errors
import storage
from accounts.bootstrap import ensure_admin
from database import connection_limit, fit_pool, forget_engine
from migrations.upgrade import MigrationProblem, upgrade
from settings import UnsafeSettings, get_settings
from tracing import set_up_logging

log = logging.getLogger("reperio")
# malloc.h of glibc.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
MEGABYTE = 1024 * 1024

try:
    _settings = get_settings()
except UnsafeSettings as problem:
    sys.exit(f"Reperio cannot start: {problem}")

set_up_logging(structured=_settings.logs_json, access=_settings.access_log)

bind = f"0.0.0.0:{_settings.port}"
# By default one for each core, eight at most. Measured (`python -m bench.workers`, two cores, photos under way):
# two answer as soon as any number does and process 37 % more photos than one; a third brings 23 % more photos for
# 320 MB, a fourth 4 % more.
workers = _settings.gunicorn_workers
worker_class = "uvicorn_worker.UvicornWorker"
preload_app = True
# Phones keep a connection for a minute between two looks; the default of 2 s resets some of them.
keepalive = 75
backlog = 2048
timeout = 60
graceful_timeout = 30
# Two servers of one user would remove each other's control socket.
control_socket_disable = True
# Off unless asked for: a worker that recycles under load resets kept-alive connections (14 of 2,000 requests were
# lost), and memory does not grow. Where it is wanted, a tenth of jitter keeps workers from going all at once.
max_requests = _settings.gunicorn_max_requests
max_requests_jitter = max_requests // 10
# The application writes its own line per request (ACCESS_LOG), at a fraction of the cost.
accesslog = None


def on_starting(server: Any) -> None:
    """In the master, before any worker: bring the database up to date and make sure somebody can administer."""
    for left in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        left.unlink()
    try:
        storage.prepare()
        upgrade()
        # The workers inherit these settings.
        lowered = fit_pool(_settings, connection_limit())
        password = ensure_admin(_settings)
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
        # Nothing may hold a connection when the workers are forked.
        forget_engine()
    if lowered is not None:
        log.warning(lowered)
    if password is not None:
        print(f"\n  First admin: {_settings.admin_username}   password (shown only now): {password}")
    print(f"\n  Reperio: {_settings.address}   calls: {_settings.address}/docs\n", flush=True)


def post_fork(server: Any, worker: Any) -> None:
    """In each new worker: whatever connection the master still had is the master's."""
    forget_engine(close=False)
    _return_memory()


def _return_memory() -> None:
    """Let glibc give large pictures back to the system at once, and not keep a heap for each thread.

    Without it a worker that saw one 12-megapixel photo in each of several threads holds them all for good. What is
    smaller (a password hash takes 19 MB, a selfie 9) is reused: fresh pages for each cost a seventh of a journey.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        mallopt = getattr(libc, "mallopt", None)
        if mallopt is not None:
            mallopt(M_ARENA_MAX, 2)
            mallopt(M_MMAP_THRESHOLD, 24 * MEGABYTE)
            mallopt(M_TRIM_THRESHOLD, 48 * MEGABYTE)


def child_exit(server: Any, worker: Any) -> None:
    """In the master, when a worker has ended: its gauges count no more."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """In the master, at the end: leave no files behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
