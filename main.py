"""The ASGI application: routers, middleware, the threads of a process, and the answers to exceptions."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException

import errors
import storage
from api import messages, multipart
from api.browser import KnownHosts, add_browser_rules
from api.connections import waiting_limit
from api.dependencies import HASHING_THREADS
from api.documentation import document_errors
from api.forms import MAX_FIELD_BYTES, MAX_FIELDS, MAX_FILES
from api.language import language_of
from api.lingering import Lingering
from api.middleware import NotRead, RequestLimits, RequestLog
from api.operations.routes import probes
from api.routes import ROUTERS as API_ROUTERS
from api.rules import rules_of
from changes.listener import ChangeListener
from changes.waiting import Waiters, forget
from database import pool_limits
from duties import MAIL_STOP_SECONDS, make_duties
from encryption import keys
from encryption.master import KeysUnavailable
from pages.failures import failure_page, wants_page
from pages.routes import ROUTERS as PAGE_ROUTERS
from settings import get_settings, version
from telemetry import sending

log = logging.getLogger("reperio")
# The framework's own would send paths, which hold codes and tokens, and the messages of exceptions.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
DESCRIPTION = """Event photos that find their guests.

Errors are `{"detail": "<message>", "error": "<name>"}`: the message is French, or English with
`Accept-Language: en`; the name is stable. Times are UTC.
"""
# Connections that are not for request threads: the inference thread, its heartbeat, the mail thread, the one that
# drops erased templates and the one that tells guests of new photos take one each; the last one's heartbeat another,
# and the one that says that this process runs.
CONNECTIONS_KEPT_BACK = 7
MAX_REQUEST_THREADS = 40


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start the threads and children of this process, after the fork; end them when the process ends."""
    settings = get_settings()
    sending.start(settings)
    # No more request threads than connections: a request thread never waits for a connection.
    threads = max(1, min(MAX_REQUEST_THREADS, pool_limits().connections - CONNECTIONS_KEPT_BACK))
    anyio.to_thread.current_default_thread_limiter().total_tokens = threads
    app.state.hashing = anyio.CapacityLimiter(min(HASHING_THREADS, max(1, threads // 2)))
    app.state.waiters = waiters = Waiters(waiting_limit(), settings.max_waiting_per_account)
    app.state.changes = changes = ChangeListener(settings, waiters.report)
    waiters.want, waiters.hears = changes.want, changes.is_hearing
    duties = make_duties(settings)
    app.state.inference = duties.inference
    app.state.decoder, app.state.validator = duties.decoder, duties.validator
    app.state.mail, app.state.notify = duties.mail, duties.notify
    duties.start()
    if settings.answers_people:
        changes.start()
    yield
    waiters.close()
    forget(waiters)
    await anyio.to_thread.run_sync(changes.stop, MAIL_STOP_SECONDS)
    await anyio.to_thread.run_sync(duties.stop)
    await anyio.to_thread.run_sync(sending.stop)


def _answer(error: errors.AppError, request: Request) -> Response:
    # For the security log (`api.middleware`).
    request.scope["error_name"] = type(error).__name__
    if wants_page(request):
        return failure_page(request, error)
    return JSONResponse(error.body(language_of(request)), error.status_code, headers=error.headers or None)


async def on_app_error(request: Request, error: Exception) -> Response:
    """Return the status, message and name of an AppError, as JSON or as a page."""
    assert isinstance(error, errors.AppError)  # noqa: S101 - registered for this class
    return _answer(error, request)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Return 422 with the fields of the wrong form. The values sent are not repeated: one may be a password."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    if wants_page(request):
        return failure_page(request, errors.InvalidRequest())
    # The first problem of each field.
    fields = dict[str, Any]()
    for problem in error.errors():
        fields.setdefault(".".join(str(part) for part in problem["loc"][1:]), problem)
    names = [
        name
        for field, problem in fields.items()
        if field
        for name in messages.said_of(field.rsplit(".", 1)[-1], problem["type"])
    ]
    language = language_of(request)
    body = errors.InvalidRequest(
        fields=[{"field": field, "problem": problem["msg"]} for field, problem in fields.items()]
    ).body(language)
    body["detail"] = messages.invalid_fields(names, language)
    return JSONResponse(body, 422)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Return the framework's own errors, such as 404 and 405, in the form of an AppError."""
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error, NotRead):
        return await _refuse_body(request, error.reason)
    known: dict[int, type[errors.AppError]] = {
        401: errors.NotAuthenticated,
        404: errors.NotFound,
        405: errors.MethodNotAllowed,
    }
    kind = known.get(error.status_code)
    if kind is not None:
        answer = _answer(kind(), request)
        if kind is errors.MethodNotAllowed:
            answer.headers["Allow"] = ", ".join(rules_of(request.app).methods(request.scope["path"]))
        return answer
    if wants_page(request):
        page = failure_page(request, errors.InvalidRequest())
        page.status_code = error.status_code
        return page
    language = language_of(request)
    body = errors.InvalidRequest().body(language)
    body["detail"] = messages.refused_by_framework(str(error.detail), language)
    return JSONResponse(body, error.status_code, headers=error.headers)


async def _refuse_body(request: Request, reason: Exception) -> Response:
    """Answer a request whose body was not read to its end, as its reason is answered, and end the connection."""
    handlers = request.app.exception_handlers
    answer: Response = await next(handlers[kind] for kind in type(reason).__mro__ if kind in handlers)(
        request, reason
    )
    if answer.status_code >= 500 and not isinstance(reason, (errors.AppError, SQLAlchemyError, storage.StorageError)):
        log.error("a check before the body failed", exc_info=reason)
    answer.headers["connection"] = "close"
    return answer


async def on_database_error(request: Request, error: Exception) -> Response:
    """Return 422 for a value that the database cannot hold, else 503: the database is unreachable or busy."""
    if isinstance(error, DataError):
        return _answer(errors.InvalidRequest(), request)
    log.error("the database failed: %s", error.orig if isinstance(error, DBAPIError) else error)
    return _answer(errors.ServiceUnavailable(), request)


async def on_storage_error(request: Request, error: Exception) -> Response:
    """Return 507 if the storage is full, else 503. Nothing was kept; the caller may try again."""
    log.error("the storage failed: %s", error)
    full = isinstance(error, storage.StorageFullError)
    return _answer(errors.StorageFull() if full else errors.ServiceUnavailable(), request)


async def on_missing_keys(request: Request, error: Exception) -> Response:
    """Return 503: what the request needs cannot be encrypted or decrypted now. The log has one line of it."""
    assert isinstance(error, KeysUnavailable)  # noqa: S101 - registered for this class
    keys.note(error)
    return _answer(errors.ServiceUnavailable(), request)


async def on_anything_else(request: Request, error: Exception) -> Response:
    """Return 500 with a generic message. The server logs the exception with its traceback."""
    return _answer(errors.InternalError(), request)


def create_app() -> FastAPI:
    """Return the application. It opens no connection and starts no thread before its lifespan begins."""
    settings = get_settings()
    sending.load(settings)
    if not settings.answers_people:
        return _create_worker_app()
    multipart.install()
    app = FastAPI(
        title="Reperio",
        version=version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,
        telemetry=NO_TELEMETRY,
        form_limits={"max_fields": MAX_FIELDS, "max_files": MAX_FILES, "max_part_size": MAX_FIELD_BYTES},
    )
    app.add_middleware(RequestLimits, settings=settings)
    app.add_middleware(KnownHosts, settings=settings)
    app.add_middleware(RequestLog)
    app.add_middleware(Lingering)
    add_browser_rules(app, settings)
    app.add_exception_handler(errors.AppError, on_app_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(SQLAlchemyError, on_database_error)
    app.add_exception_handler(storage.StorageError, on_storage_error)
    app.add_exception_handler(KeysUnavailable, on_missing_keys)
    app.add_exception_handler(Exception, on_anything_else)
    for router in (*API_ROUTERS, *PAGE_ROUTERS):
        app.include_router(router)
    _document_errors(app)
    return app


def _create_worker_app() -> FastAPI:
    """Return the application of a machine that only runs jobs: probes, metrics, and 404 for everything else."""
    app = FastAPI(
        title="Reperio worker", version=version(), lifespan=lifespan, openapi_url=None, telemetry=NO_TELEMETRY
    )
    app.add_middleware(RequestLimits, settings=get_settings())
    app.add_middleware(RequestLog)
    app.add_middleware(Lingering)
    app.add_exception_handler(errors.AppError, on_app_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(SQLAlchemyError, on_database_error)
    app.add_exception_handler(Exception, on_anything_else)
    app.include_router(probes)
    return app


def _document_errors(app: FastAPI) -> None:
    """Add the errors that any call may answer to the OpenAPI document."""
    plain = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            app.openapi_schema = plain()
            document_errors(app.openapi_schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


app = create_app()
