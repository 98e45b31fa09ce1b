"""What routes ask for: who calls, which event, which file, and how its errors are documented."""

import hmac
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

import anyio
from fastapi import BackgroundTasks, Depends, File, Query, Request, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

import errors
from accounts import queries as account_queries
from accounts import service as accounts
from accounts import tokens
from api.fields import Cursor, Limit, RowId
from api.sessions import bearer_token, session_token
from database import reading
from events import queries as event_queries
from jobs.worker import InferenceThread
from models import ADMIN, GUEST, PHOTOGRAPHER, Event, User
from photos import service as photos
from photos.queries import Page
from selfies.service import SelfieFile
from selfies.validator import Validator
from settings import get_settings

_bearer = HTTPBearer(auto_error=False, description="The `access_token` of `POST /api/login`.")


LANGUAGE_COOKIE = "reperio_language"
LANGUAGES = ("fr", "en")


def language_of(request: Request) -> str:
    """Return what was chosen on our pages, else `en` where the caller prefers English to French, else `fr`."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    best, weight = "fr", 0.0
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        name = tag.strip().split("-")[0]
        if name in LANGUAGES and quality > weight:
            best, weight = name, quality
    return best


# Dependencies that only look at the request are asynchronous: a plain one costs a hop to a thread and back.
async def asked_language(request: Request) -> str:
    """Return the language of the caller."""
    return language_of(request)


Language = Annotated[str, Depends(asked_language)]


# --- who calls -----------------------------------------------------------------------------------


def current_user(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> User:
    """Return the account whose token came with the request, read in a session of its own."""
    token = session_token(request)
    if token is None:
        raise errors.NotAuthenticated
    user = accounts.user_of(tokens.read(token))
    # Pages say who is logged in.
    request.state.user = user
    return user


CurrentUser = Annotated[User, Depends(current_user)]


def _only(user_types: tuple[str, ...], refusal: type[errors.AppError]) -> Callable[[User], Coroutine[Any, Any, User]]:
    async def check(user: CurrentUser) -> User:
        if user.user_type not in user_types:
            raise refusal
        return user

    return check


CurrentGuest = Annotated[User, Depends(_only((GUEST,), errors.GuestsOnly))]
SelfieGuest = Annotated[User, Depends(_only((GUEST,), errors.PhotographerSelfie))]
CurrentPhotographer = Annotated[User, Depends(_only((PHOTOGRAPHER,), errors.PhotographersOnly))]
CurrentAdmin = Annotated[User, Depends(_only((ADMIN,), errors.AdminsOnly))]
PhotographerOrAdmin = Annotated[User, Depends(_only((PHOTOGRAPHER, ADMIN), errors.PhotographersOnly))]


def assigned_event(event_id: RowId, photographer: CurrentPhotographer) -> Event:
    """Return the event, if the photographer works there."""
    with reading() as session:
        event = event_queries.by_id(session, event_id)
        if event is None or not account_queries.assigned(session, photographer.id, event_id):
            raise errors.NoSuchEvent
    return event


AssignedEvent = Annotated[Event, Depends(assigned_event)]


def staffed_event(event_id: RowId, staff: PhotographerOrAdmin) -> Event:
    """Return the event, if the photographer works there; any event for an admin."""
    if staff.user_type == PHOTOGRAPHER:
        return assigned_event(event_id, staff)
    with reading() as session:
        event = event_queries.by_id(session, event_id)
    if event is None:
        raise errors.NoSuchEvent
    return event


StaffedEvent = Annotated[Event, Depends(staffed_event)]


def only_event(photographer: CurrentPhotographer) -> Event:
    """Return the event of a photographer who has just one."""
    with reading() as session:
        events = event_queries.of_photographer(session, photographer.id)
    if not events:
        raise errors.NoEventAssigned
    if len(events) > 1:
        raise errors.SeveralEvents
    return events[0]


OnlyEvent = Annotated[Event, Depends(only_event)]


def monitor(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Let admins and whoever has the monitoring token pass."""
    token, secret = session_token(request), get_settings().monitoring_token
    if token is None:
        raise errors.NotAuthenticated
    if secret and hmac.compare_digest(token.encode(), secret.encode()):
        return
    if accounts.user_of(tokens.read(token)).user_type != ADMIN:
        raise errors.AdminsOnly


FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def scraper(request: Request) -> None:
    """Let the monitoring token pass, and this machine itself when no proxy speaks for somebody else."""
    token, secret = bearer_token(request), get_settings().monitoring_token
    if token is not None and secret and hmac.compare_digest(token.encode(), secret.encode()):
        return
    host = request.client.host if request.client else ""
    if any(name in request.headers for name in FORWARDED) or not (host == "::1" or host.startswith("127.")):
        raise errors.NotAuthenticated if token is None else errors.NotAllowed


# Calls that hash a password wait here, on the event loop, without a thread; only so many go in at a time.
HASHING_THREADS = 6
MAX_WAITING = 100


async def hashing_turn(request: Request) -> AsyncIterator[None]:
    """Let a storm of logins take only its share of the request threads; beyond a long line, come back later."""
    line: anyio.CapacityLimiter = request.app.state.hashing
    if line.statistics().tasks_waiting >= MAX_WAITING:
        raise errors.TooBusy
    async with line:
        yield


HASHES = Depends(hashing_turn, scope="function")


# --- what comes with the call --------------------------------------------------------------------


async def read_page(limit: Limit = None, cursor: Cursor = None) -> Page:
    """Return the page asked for."""
    return photos.read_page(limit, cursor)


AskedPage = Annotated[Page, Depends(read_page)]


def read_at_most(file: UploadFile, limit: int) -> bytes:
    """Return the file's bytes, or one byte more than `limit` of a larger one."""
    return file.file.read(limit + 1)


def selfie_file(file: Annotated[UploadFile, File(description="The picture.")]) -> SelfieFile:
    """Return the `file` part of a selfie upload."""
    data = read_at_most(file, get_settings().max_selfie_bytes)
    return SelfieFile(data, file.content_type or "")


SelfiePart = Annotated[SelfieFile, Depends(selfie_file)]
Strict = Annotated[
    bool,
    Query(description="`false`: the largest face is taken, whatever stands beside it and however small."),
]


async def inference_of(request: Request) -> InferenceThread:
    """Return this process's inference thread."""
    thread: InferenceThread = request.app.state.inference
    return thread


async def validator_of(request: Request) -> Validator:
    """Return this process's selfie validator."""
    validator: Validator = request.app.state.validator
    return validator


SelfieValidator = Annotated[Validator, Depends(validator_of)]


async def job_waker(
    background: BackgroundTasks, inference: Annotated[InferenceThread, Depends(inference_of)]
) -> Callable[[], None]:
    """Return what wakes the inference thread once the answer has gone out."""

    # Asynchronous, so that it runs on the event loop and takes no thread of the request pool.
    async def wake() -> None:
        inference.wake()

    def plan() -> None:
        background.add_task(wake)

    return plan


WakeJobs = Annotated[Callable[[], None], Depends(job_waker)]


# --- how errors are documented -------------------------------------------------------------------


def error_responses(*kinds: type[errors.AppError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these errors, with an example each."""
    result: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = result.setdefault(
            kind.status_code,
            {
                "description": "",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"},
                        "examples": {},
                    }
                },
            },
        )
        entry["description"] = "; ".join(filter(None, [entry["description"], kind.english]))
        examples = entry["content"]["application/json"]["examples"]
        examples[kind.__name__] = {"summary": kind.english, "value": kind().body("fr")}
    return result


SIGNED_IN = (errors.NotAuthenticated, errors.InvalidToken)
SELFIE_FILE = (errors.NotAnImage, errors.ImageTooLarge, errors.InvalidImage, errors.TooManyPixels)
SELFIE_FACE = (errors.SelfieNoFace, errors.SelfieSeveralFaces, errors.SelfieFaceTooSmall)
