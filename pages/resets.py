"""Pages for a forgotten password and for the confirmation of an address.

The token of a link comes after "#", which browsers do not send: a script puts it into the form, or the reader pastes
the link. So no address that a server or a log sees has it, and opening a link changes nothing: mail scanners open
links too.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Form, Request, Response
from pydantic import ValidationError

import errors
from accounts import confirmation
from accounts.resets import service as resets
from api.accounts.resets import AddressConfirmIn, ResetConfirmIn, ResetIn
from api.dependencies import HASHES, WakeMail
from api.language import Language
from api.throttling import Caller, CallerDep
from keys import MAX_EMAIL_KEY, MAX_TYPED
from mail import outbox
from pages.passwords import why_refused
from pages.redirects import flash_of, redirect_with_flash
from pages.rendering import page_router, render
from settings import get_settings

router = page_router()
Field = Annotated[str, Form()]
FORGOT_PROBLEMS = ("address",)
RESET_PROBLEMS = ("link", "short", "long", "common", "guessable")
CONFIRM_PROBLEMS = ("link",)


def _show(request: Request, template: str, problems: tuple[str, ...]) -> Response:
    flash = flash_of(request)
    problem = flash.get("problem") if flash.get("problem") in problems else ""
    page = render(request, template, problem=problem, done="done" in flash, mail_is_on=get_settings().mail_is_on)
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


def _back(request: Request, path: str, token: str, problem: str) -> Response:
    """Redirect to the form, which gets its token back in the address, after the "#"."""
    answer = redirect_with_flash(request, path, problem=problem)
    bare = token.rpartition("#")[2].strip()
    if bare.isascii() and bare.replace("-", "").replace("_", "").replace(".", "").isalnum():
        answer.headers["location"] = f"{path}#{bare}"
    return answer


@router.get("/forgot")
def forgot(request: Request) -> Response:
    """Return the page that asks for an address; where no mail is sent, it says whom to ask."""
    return _show(request, "account/forgot.html", FORGOT_PROBLEMS)


@router.post("/forgot")
def ask(request: Request, language: Language, wake_mail: WakeMail, caller: CallerDep, email: Field = "") -> Response:
    """Ask for a mail with links. The answer is the same for every address."""
    return mail_links(request, "/forgot", email, caller, wake_mail, partial(outbox.ask_for_reset, language=language))


def mail_links(
    request: Request, page: str, email: str, caller: Caller, wake_mail: WakeMail, ask_for: Callable[[str], None]
) -> Response:
    """Call `ask_for` with a valid address, and lead back to the page of the form.

    Raises:
        TooManyRequests: mails are asked for too often.
    """
    try:
        asked = ResetIn(email=email)
    except ValidationError:
        return redirect_with_flash(request, page, problem="address", email=email[:MAX_EMAIL_KEY])
    caller.password_reset(asked.email)
    ask_for(asked.email)
    answer = redirect_with_flash(request, page, done="asked")
    wake_mail()
    return answer


@router.get("/reset")
def reset(request: Request) -> Response:
    """Return the page that asks for a new password."""
    return _show(request, "account/reset.html", RESET_PROBLEMS)


@router.post("/reset", dependencies=[HASHES])
def set_password(request: Request, caller: CallerDep, token: Field = "", password: Field = "") -> Response:
    """Set the password, if the link is valid."""
    caller.link_use()
    token = token[: MAX_TYPED + 1]
    try:
        asked = ResetConfirmIn(token=token, password=password)
        resets.set_password(asked.token, asked.password)
    except ValidationError as error:
        wrong = {problem["loc"][0] for problem in error.errors()}
        problem = "link" if "token" in wrong else "long" if password else "short"
        return _back(request, "/reset", token, problem)
    except errors.ResetLinkInvalid:
        return redirect_with_flash(request, "/reset", problem="link")
    except errors.RefusedPassword as refused:
        return _back(request, "/reset", token, why_refused(refused))
    return redirect_with_flash(request, "/reset", done="set")


@router.get("/confirm")
def confirmation_page(request: Request) -> Response:
    """Return the page whose button confirms an address."""
    return _show(request, "account/confirm.html", CONFIRM_PROBLEMS)


@router.post("/confirm")
def confirm(request: Request, caller: CallerDep, token: Field = "") -> Response:
    """Confirm the address, if the link is valid."""
    caller.link_use()
    try:
        confirmation.confirm(AddressConfirmIn(token=token).token)
    except (ValidationError, errors.ConfirmationLinkInvalid):
        return redirect_with_flash(request, "/confirm", problem="link")
    return redirect_with_flash(request, "/confirm", done="confirmed")
