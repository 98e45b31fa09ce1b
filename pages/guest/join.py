"""Joining an event: by its code and a new account, or by one button if logged in; never without consent."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Query, Request, Response
from pydantic import ValidationError

import errors
from accounts import sessions
from api.accounts.schemas import RegistrationIn
from api.callers import CurrentGuest
from api.dependencies import HASHES, WakeJobs, WakeMail
from api.language import Language
from api.messages import CONTROL_CHARACTERS
from api.sessions import Device, browser_secret
from api.throttling import CallerDep
from database import reading
from events import codes
from guests import joining, registration
from guests.wordings import CURRENT, shown
from keys import visible
from models import GUEST, Event, User, utcnow
from pages import formatting
from pages.guest.cover import shown_cover
from pages.guest.membership import memberships_of
from pages.guest.together import invitation_of
from pages.guest.wording import Shown, agreed
from pages.login import MAX_SHOWN_AGAIN, Visitor, enter
from pages.passwords import why_refused
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from settings import get_settings

router = page_router()
Field = Annotated[str, Form()]
# Whether the guest prefers to register with a name and a password.
AsksForm = Annotated[bool, Query(alias="form")]
PASSWORD_PROBLEMS = ("password", "password_short", "password_common")
NAME_PROBLEMS = ("username", "username_unseen")
FLASH_PROBLEMS = ("consent", *NAME_PROBLEMS, "email", *PASSWORD_PROBLEMS)


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
def join(
    request: Request,
    user: Visitor,
    language: Language,
    caller: CallerDep,
    event_code: str = "",
    *,
    named: AsksForm = False,
) -> Response:
    """Return the page to join the event of a scanned or typed code, or a form for the code."""
    typed = event_code[:MAX_SHOWN_AGAIN].strip()
    found = _read(typed) if typed else codes.Reading(None)
    event = found.event
    if event is None:
        if typed:
            caller.wrong_code()
        return render(request, "guest/join_code.html", event_code=typed, ambiguous=found.ambiguous)
    if user and user.user_type == GUEST and is_member(user, event):
        return redirect(f"/photos?event={event.id}")
    if not is_open(event):
        caller.wrong_code()
    day = formatting.day(language, event.date) if event.date else ""
    problem = flash_of(request).get("problem")
    return render(
        request,
        _template(event, user, named=named or problem in FLASH_PROBLEMS),
        event=event,
        cover=shown_cover(event),
        engine=get_settings().face_recognizer_provider,
        day=day,
        consent_version=CURRENT,
        wording=shown(language),
        back=address_of(event.event_code),
        problem=problem if problem in FLASH_PROBLEMS else "",
        password_problem=problem if problem in PASSWORD_PROBLEMS else "",
    )


def _template(event: Event, user: User | None, *, named: bool) -> str:
    if not is_open(event):
        return "guest/join_over.html"
    if user is None:
        return "guest/join_form.html" if named else "guest/join.html"
    return "guest/join_further.html" if user.user_type == GUEST else "guest/join_staff.html"


@router.post("/join", dependencies=[HASHES])
def register(
    request: Request,
    user: Visitor,
    language: Language,
    caller: CallerDep,
    device: Device,
    wake_mail: WakeMail,
    event_code: Field = "",
    username: Field = "",
    email: Field = "",
    password: Field = "",
    consent: Field = "",
    digest: Shown = "",
) -> Response:
    """Let a guest in with a name, an address and a password; if the two fit an account of the event, log in to it.

    The answer is the same whether the name and the address belong to somebody or not.
    """
    event = event_of(event_code)
    if event is None or not is_open(event):
        caller.wrong_code()
        return redirect(address_of(event_code[:MAX_SHOWN_AGAIN]))
    if user is not None and user.user_type == GUEST and is_member(user, event):
        # The form was sent twice, or from an old tab.
        return redirect(f"/photos?event={event.id}")
    try:
        who = _introduction(event, username, email, password, consent)
        with caller.registration():
            known = caller.guest_at(event.id, who.address, who.password)
            wording, browser = agreed(digest, language), browser_secret(request)
            guest = known or registration.introduce(who, event.event_code, language, wording, browser)
        onward = (invitation_of(request) or f"/photos?event={event.id}") if known else f"/selfie?event={event.id}"
        answer = enter(request, sessions.start(guest, device, browser=True), onward)
    except ValidationError as invalid:
        problem = _problem_of(invalid)
    except errors.RefusedPassword as refused:
        problem = f"password_{why_refused(refused)}"
    else:
        wake_mail()
        return answer
    typed = {"username": username[:MAX_SHOWN_AGAIN], "email": email[:MAX_SHOWN_AGAIN], "consent": consent[:32]}
    return redirect_with_flash(request, address_of(event.event_code), problem=problem, **typed)


def _problem_of(invalid: ValidationError) -> str:
    """Return the first problem of the form."""
    first = invalid.errors()[0]
    field = str(first["loc"][-1])
    return "username_unseen" if (field, first["type"]) == ("username", CONTROL_CHARACTERS) else field


def is_member(guest: User, event: Event) -> bool:
    """Tell whether the guest has joined the event."""
    return any(each.event.id == event.id for each in memberships_of(guest))


def _introduction(event: Event, username: str, email: str, password: str, consent: str) -> registration.Introduction:
    """Return what was typed. Of a name that is an address, only the part before the "@" is shown to others.

    Raises:
        ValidationError: a field is not valid, or the consent to the current text is missing.
    """
    user_data = {"username": username, "email": email, "password": password}
    agreed = {"consent": CURRENT} if consent == CURRENT else {"consent": ""}
    asked = RegistrationIn.model_validate({"user_data": user_data, "event_code": event.event_code, **agreed})
    who = asked.user_data
    name = visible(who.username.partition("@")[0]) or who.username
    return registration.Introduction(name, who.email.strip(), who.password)


@router.post("/join/further")
def join_further(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    wake_jobs: WakeJobs,
    caller: CallerDep,
    event_code: Field = "",
    consent: Field = "",
    digest: Shown = "",
) -> Response:
    """Join another event with the guest's account; the portrait is used there too."""
    event = event_of(event_code)
    if event is None or not is_open(event):
        caller.wrong_code()
        return redirect(address_of(event_code[:MAX_SHOWN_AGAIN]))
    if consent != CURRENT:
        return redirect_with_flash(request, address_of(event.event_code), problem="consent")
    try:
        joining.join(guest.id, event.event_code, agreed(digest, language))
        wake_jobs()
    except errors.AlreadyJoined:
        pass
    return redirect(invitation_of(request) or f"/photos?event={event.id}")
