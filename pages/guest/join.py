"""Joining an event: by its code and a new account, or by one button if logged in; never without consent."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Request, Response
from pydantic import ValidationError

import errors
from accounts import sessions
from accounts.service import NewAccount
from accounts.sessions import Grant
from api.accounts.schemas import RegistrationIn
from api.callers import CurrentGuest
from api.dependencies import HASHES, WakeJobs
from api.language import Language
from api.sessions import Device
from api.throttling import Caller, CallerDep
from database import reading
from events import codes
from guests import joining, registration
from guests.consent import CURRENT
from models import GUEST, Event, User, utcnow
from pages import formatting
from pages.guest.membership import memberships_of
from pages.guest.together import invitation_of
from pages.login import MAX_SHOWN_AGAIN, Visitor, enter
from pages.passwords import why_refused
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render

router = page_router()
Field = Annotated[str, Form()]
PASSWORD_PROBLEMS = ("password", "password_short", "password_common")
FLASH_PROBLEMS = (
    *("consent", "username", "email", "email_taken", "username_taken", "username_address"),
    *PASSWORD_PROBLEMS,
)


def event_of(typed: str) -> Event | None:
    """Return the event with this code as typed by a person, expired or not."""
    return _read(typed).event


def _read(typed: str) -> codes.Reading:
    with reading() as session:
        return codes.read(session, typed)


def is_open(event: Event) -> bool:
    """Tell whether guests can still join."""
    return event.expires_at > utcnow()


def address_of(code: str) -> str:
    """Return the page of an event's code."""
    return f"/join?event_code={quote(code, safe='')}"


@router.get("/join")
def join(request: Request, user: Visitor, language: Language, caller: CallerDep, event_code: str = "") -> Response:
    """Return the page to join the event of a scanned or typed code, or a form for the code."""
    typed = event_code[:MAX_SHOWN_AGAIN].strip()
    found = _read(typed) if typed else codes.Reading(None)
    event = found.event
    if event is None:
        if typed:
            caller.wrong_code()
        return render(request, "guest/join_code.html", event_code=typed, ambiguous=found.ambiguous)
    if user and user.user_type == GUEST and any(each.event.id == event.id for each in memberships_of(user)):
        return redirect(f"/photos?event={event.id}")
    if not is_open(event):
        caller.wrong_code()
    day = formatting.day(language, event.date) if event.date else ""
    problem = flash_of(request).get("problem")
    return render(
        request,
        _template(event, user),
        event=event,
        day=day,
        consent_version=CURRENT,
        back=address_of(event.event_code),
        problem=problem if problem in FLASH_PROBLEMS else "",
        password_problem=problem if problem in PASSWORD_PROBLEMS else "",
    )


def _template(event: Event, user: User | None) -> str:
    if not is_open(event):
        return "guest/join_over.html"
    if user is None:
        return "guest/join.html"
    return "guest/join_further.html" if user.user_type == GUEST else "guest/join_staff.html"


@router.post("/join", dependencies=[HASHES])
def register(
    request: Request,
    language: Language,
    caller: CallerDep,
    device: Device,
    event_code: Field = "",
    username: Field = "",
    email: Field = "",
    password: Field = "",
    consent: Field = "",
) -> Response:
    """Create the account and log in. If the account exists with this password, only log in."""
    event = event_of(event_code)
    if event is None or not is_open(event):
        caller.wrong_code()
        return redirect(address_of(event_code[:MAX_SHOWN_AGAIN]))
    problem = ""
    try:
        asked = _asked(event, username, email, password, consent)
        who = asked.user_data
        account = NewAccount(who.username, who.email, who.password)
        with caller.registration():
            user = registration.register(account, event.event_code, language, asked.consent)
        return enter(request, sessions.start(user, device, browser=True), f"/selfie?event={event.id}")
    except ValidationError as invalid:
        problem = str(invalid.errors()[0]["loc"][-1])
    except errors.UsernameIsNotOwnEmail:
        problem = "username_address"
    except errors.RefusedPassword as refused:
        problem = f"password_{why_refused(refused)}"
    except errors.AccountTaken:
        grant = _own_account(caller, event, email.strip(), password, device)
        if grant:
            return enter(request, grant, invitation_of(request) or f"/photos?event={event.id}")
        _, address_taken = registration.availability(username, email, event.event_code)
        problem = "email_taken" if address_taken else "username_taken"
    typed = {"username": username[:MAX_SHOWN_AGAIN], "email": email[:MAX_SHOWN_AGAIN]}
    return redirect_with_flash(request, address_of(event.event_code), problem=problem, **typed)


def _asked(event: Event, username: str, email: str, password: str, consent: str) -> RegistrationIn:
    """Return the registration.

    Raises:
        ValidationError: a field is not valid, or the consent to the current text is missing.
    """
    user_data = {"username": username, "email": email, "password": password}
    agreed = {"consent": CURRENT} if consent == CURRENT else {"consent": ""}
    return RegistrationIn.model_validate({"user_data": user_data, "event_code": event.event_code, **agreed})


def _own_account(caller: Caller, event: Event, email: str, password: str, device: str | None) -> Grant | None:
    """Log in with the account that exists already: the form was sent twice, or the guest forgot the account."""
    try:
        user = caller.authenticate(email, password, event.event_code)
        # The form is for guests. Staff use the login.
        return sessions.start(user, device, browser=True) if user.user_type == GUEST else None
    except (errors.BadCredentials, errors.SeveralAccounts):
        return None


@router.post("/join/further")
def join_further(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    wake_jobs: WakeJobs,
    caller: CallerDep,
    event_code: Field = "",
    consent: Field = "",
) -> Response:
    """Join another event with the guest's account; the portrait is used there too."""
    event = event_of(event_code)
    if event is None or not is_open(event):
        caller.wrong_code()
        return redirect(address_of(event_code[:MAX_SHOWN_AGAIN]))
    if consent != CURRENT:
        return redirect_with_flash(request, address_of(event.event_code), problem="consent")
    try:
        joining.join(guest.id, event.event_code, CURRENT, language)
        wake_jobs()
    except errors.AlreadyJoined:
        pass
    return redirect(invitation_of(request) or f"/photos?event={event.id}")
